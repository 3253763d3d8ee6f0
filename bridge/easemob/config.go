package easemob

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What a zero [Config] means.
const (
	DefaultRate    = 40.0             // the vendor allows 50 a second (ED24); its own clients take their share of it
	DefaultTimeout = 10 * time.Second // of one call
)

// MinRate keeps the gap between two calls a duration that makes sense.
const MinRate = 0.01

// Config says where the vendor is and who we are there. Printed or logged, it shows no secret.
type Config struct {
	URL string // scheme and host of the REST API, with a port or a path prefix where there is one

	// The app, by Org and App (/{org}/{app}) or by AppID (/app-id/{id}).
	Org, App string
	AppID    string

	// Who we are: a fixed app token, or credentials with which tokens are minted and refreshed.
	Token                  string
	ClientID, ClientSecret string

	Rate       float64       // calls a second of each kind; 0 means DefaultRate
	Timeout    time.Duration // of one call; 0 means DefaultTimeout
	HTTPClient *http.Client  // for tests; nil means one of our own, with bounded pools
	Logger     *slog.Logger  // nil means silence
}

// Validate tells all that is wrong at once, each with the environment variable that sets it.
func (c Config) Validate() error {
	problems := append(c.checkURL(), c.checkApp()...)
	problems = append(problems, c.checkCredentials()...)
	return errors.Join(append(problems, c.checkLimits()...)...)
}

func (c Config) checkURL() []error {
	if c.URL == "" {
		return []error{errors.New("EASEMOB_URL is not set: give scheme and host of the vendor's REST API, like https://a1.easemob.com")}
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		// The text of the error repeats the URL, which may hold a password.
		return []error{errors.New("EASEMOB_URL cannot be read as a URL: give scheme and host, like https://a1.easemob.com")}
	}
	var problems []error
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		problems = append(problems, errors.New("EASEMOB_URL needs scheme and host, like https://a1.easemob.com"))
	}
	if u.User != nil {
		problems = append(problems, errors.New("EASEMOB_URL holds a user name or password, which the vendor does not take: leave it out"))
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		problems = append(problems, errors.New("EASEMOB_URL ends in a query or a fragment: leave it out"))
	}
	return problems
}

func (c Config) checkApp() []error {
	var problems []error
	switch {
	case c.AppID != "" && (c.Org != "" || c.App != ""):
		problems = append(problems, errors.New("EASEMOB_APP_ID is set beside EASEMOB_ORG or EASEMOB_APP: set one or the other"))
	case c.AppID == "" && c.Org == "" && c.App == "":
		problems = append(problems, errors.New("neither EASEMOB_ORG and EASEMOB_APP nor EASEMOB_APP_ID is set: the vendor's console shows them (an app key is org#app)"))
	case c.AppID == "" && c.Org == "":
		problems = append(problems, errors.New("EASEMOB_ORG is not set, though EASEMOB_APP is"))
	case c.AppID == "" && c.App == "":
		problems = append(problems, errors.New("EASEMOB_APP is not set, though EASEMOB_ORG is"))
	}
	for _, part := range []struct{ variable, value string }{
		{"EASEMOB_ORG", c.Org}, {"EASEMOB_APP", c.App}, {"EASEMOB_APP_ID", c.AppID},
	} {
		if part.value != "" && !safeSegment(part.value) {
			problems = append(problems, fmt.Errorf("%s is %q: only letters, digits, - _ and . can be in it", part.variable, part.value))
		}
	}
	return problems
}

func (c Config) checkCredentials() []error {
	var problems []error
	minted := c.ClientID != "" || c.ClientSecret != ""
	switch {
	case c.Token != "" && minted:
		problems = append(problems, errors.New("EASEMOB_TOKEN is set beside EASEMOB_CLIENT_ID or EASEMOB_CLIENT_SECRET: set one or the other"))
	case c.Token == "" && !minted:
		problems = append(problems, errors.New("neither EASEMOB_TOKEN nor EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET is set"))
	case minted && c.ClientID == "":
		problems = append(problems, errors.New("EASEMOB_CLIENT_ID is not set, though EASEMOB_CLIENT_SECRET is"))
	case minted && c.ClientSecret == "":
		problems = append(problems, errors.New("EASEMOB_CLIENT_SECRET is not set, though EASEMOB_CLIENT_ID is"))
	}
	if c.Token != "" && !headerSafe(c.Token) {
		problems = append(problems, errors.New("EASEMOB_TOKEN has a blank or another character in it that no token has: was it copied whole, without quotes and line breaks?"))
	}
	return problems
}

func (c Config) checkLimits() []error {
	var problems []error
	if r := c.Rate; r != 0 && !(r >= MinRate && !math.IsInf(r, 1)) {
		problems = append(problems, fmt.Errorf("EASEMOB_RATE is %v: it is calls a second of each kind, %v or more", r, MinRate))
	}
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("the timeout of a call is %v: it cannot be negative", c.Timeout))
	}
	return problems
}

func (c Config) rate() float64 {
	if c.Rate == 0 {
		return DefaultRate
	}
	return c.Rate
}

func (c Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// base is where every path starts: the URL and the app's prefix, in either of its two forms (SEED: org and
// app; SW and the newest Agora page: app-id).
func (c Config) base() string {
	root := strings.TrimRight(c.URL, "/")
	if c.AppID != "" {
		return root + "/app-id/" + url.PathEscape(c.AppID)
	}
	return root + "/" + url.PathEscape(c.Org) + "/" + url.PathEscape(c.App)
}

// String shows the settings without the secrets.
func (c Config) String() string {
	where := "(not a URL)"
	if u, err := url.Parse(c.URL); err == nil && u.Host != "" { // a user, a query or a fragment is refused, and may be a secret
		where = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	}
	return fmt.Sprintf("easemob.Config{URL:%q Org:%q App:%q AppID:%q Token:%s ClientID:%q ClientSecret:%s Rate:%v Timeout:%v}",
		where, c.Org, c.App, c.AppID, setOrNot(c.Token), c.ClientID, setOrNot(c.ClientSecret), c.rate(), c.timeout())
}

// Format makes every verb, %+v and %#v among them, show what [Config.String] shows.
func (c Config) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// MarshalJSON keeps the secrets out of logs in JSON, where a Config may be part of something larger.
func (c Config) MarshalJSON() ([]byte, error) { return encode(c.String()), nil }

// LogValue keeps the secrets out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

func setOrNot(secret string) string {
	if secret == "" {
		return "(not set)"
	}
	return "(set)"
}

func headerSafe(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}
