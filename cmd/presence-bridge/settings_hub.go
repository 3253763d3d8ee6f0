package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/hub"
)

// publicSettings are where browsers come in, and from whose pages.
type publicSettings struct {
	Listen         string   `variable:"LISTEN" group:"hub" default:":8080" help:"Public listener: the page, WebSocket, server-sent events, HTTP. The word systemd stands for a socket that systemd hands over."`
	AllowedOrigins []string `variable:"ALLOWED_ORIGINS" group:"hub" placeholder:"ORIGIN" help:"Origins whose pages may use the hub, separated by commas, like https://app.example.com or *.example.com. Unset, only the hub's own may, whatever name it is reached by; set, the hub's own name has to be among them, and only its address and localhost need not."`
}

func (s publicSettings) problems() []error {
	var wrong problems
	if s.Listen != handedOver {
		wrong.add(checkListen("LISTEN", s.Listen))
	}
	for _, origin := range s.origins() {
		wrong.add(checkOrigin("ALLOWED_ORIGINS", origin))
	}
	return wrong.list
}

func (s publicSettings) origins() []string { return list(s.AllowedOrigins) }

// hubSettings are what browsers meet.
type hubSettings struct {
	publicSettings
	PageUIDs       []string      `name:"page-uids" variable:"PAGE_UIDS" group:"hub" placeholder:"UID" help:"Whom the live page shows to who opens it bare, separated by commas; user-0001..user-0200 is a range."`
	WatchUIDs      []string      `name:"watch-uids" variable:"WATCH_UIDS" group:"hub" placeholder:"UID" help:"Who is watched whether or not a browser looks, for backends that read NATS; lists and ranges as for the page."`
	OfflineGrace   time.Duration `variable:"OFFLINE_GRACE" group:"hub" default:"0s" help:"How long who goes offline is shown to browsers as they were, at most 5m, so that one who returns meanwhile never flickers. NATS carries the raw truth."`
	DrainTimeout   time.Duration `variable:"DRAIN_TIMEOUT" group:"hub" default:"10s" help:"How long a hub that stops may go on serving clients whose turn to leave has not come; 1,100 leave in a second. The process needs 5s more before it is killed, and another 1s for each 10,000 clients."`
	CallbackSecret string        `variable:"CALLBACK_SECRET" group:"hub" placeholder:"SECRET" help:"The secret of the vendor's callback rule for userStatus. It switches POST /v1/callbacks/easemob on: whoever logs in or out is looked at in the next call. Prefer the variable: others on the machine see flags."`

	Auth           string `variable:"AUTH" group:"auth" placeholder:"WORD" help:"none lets everybody watch and set everybody, and has to be asked for in words."`
	AuthHMACSecret string `name:"auth-hmac-secret" variable:"AUTH_HMAC_SECRET" group:"auth" placeholder:"SECRET" help:"Browsers show a JWT that is signed HS256 with this secret of 32 bytes or more. Prefer the variable: others on the machine see flags."`
	AuthJWKSURL    string `name:"auth-jwks-url" variable:"AUTH_JWKS_URL" group:"auth" placeholder:"URL" help:"Browsers show a JWT that is signed RS256, ES256 or EdDSA with one of the keys found there, which are fetched again every five minutes and when a token names a new one. The last ones are kept while it is away; a hub that has none yet refuses everybody."`
	AuthIssuer     string `variable:"AUTH_ISSUER" group:"auth" placeholder:"ISS" help:"The iss that every token has to have."`
	AuthAudience   string `variable:"AUTH_AUDIENCE" group:"auth" placeholder:"AUD" help:"What the aud of every token has to name."`

	limitSettings
}

// limitSettings bound what one hub carries.
type limitSettings struct {
	MaxConnections           int   `variable:"MAX_CONNECTIONS" group:"limits" default:"100000" help:"WebSockets and event streams."`
	MaxConnectionsPerSubject int   `variable:"MAX_CONNECTIONS_PER_SUBJECT" group:"limits" default:"50" help:"Of one token subject; not with AUTH=none."`
	MaxUIDsPerConnection     int   `name:"max-uids-per-connection" variable:"MAX_UIDS_PER_CONNECTION" group:"limits" default:"1000" help:"Users that one connection watches."`
	MaxUIDsPerSubject        int   `name:"max-uids-per-subject" variable:"MAX_UIDS_PER_SUBJECT" group:"limits" default:"5000" help:"Users that all connections of one subject watch; not with AUTH=none."`
	MaxMessagesPerSecond     int   `variable:"MAX_MESSAGES_PER_SECOND" group:"limits" default:"20" help:"From one connection."`
	MaxMessageBytes          int64 `variable:"MAX_MESSAGE_BYTES" group:"limits" default:"65536" help:"Of one message from a browser."`
}

func (s hubSettings) problems() []error {
	var wrong problems
	wrong.add(s.publicSettings.problems()...)
	wrong.add(s.limits().Validate(), s.checkZeroes(), hub.CheckOfflineGrace(s.OfflineGrace))
	wrong.check(s.DrainTimeout > 0 && s.DrainTimeout <= hub.MaxDrain, "DRAIN_TIMEOUT is %s: want more than 0s, and at most %s", s.DrainTimeout, hub.MaxDrain)
	wrong.add(s.authProblems()...)
	wrong.check(s.CallbackSecret == strings.TrimSpace(s.CallbackSecret), "CALLBACK_SECRET begins or ends with a blank: copy it from the vendor's console once more")
	_, err := expandUIDs("PAGE_UIDS", list(s.PageUIDs))
	wrong.add(err)
	_, err = expandUIDs("WATCH_UIDS", list(s.WatchUIDs))
	wrong.add(err)
	return wrong.list
}

func (s hubSettings) auth() hub.Auth {
	return hub.Auth{
		None: s.Auth == "none", HMACSecret: []byte(s.AuthHMACSecret), JWKSURL: s.AuthJWKSURL,
		Issuer: s.AuthIssuer, Audience: s.AuthAudience,
	}
}

// newSecret is how to come by a secret, in the words of a shell.
const newSecret = "export AUTH_HMAC_SECRET=$(openssl rand -hex 32)"

func (s hubSettings) authProblems() []error {
	auth := s.auth()
	switch {
	case s.Auth != "" && !auth.None:
		return []error{fmt.Errorf("AUTH is %q: it can only be none; leave it out where AUTH_HMAC_SECRET or AUTH_JWKS_URL is set", s.Auth)}
	case !auth.None && len(auth.HMACSecret) == 0 && auth.JWKSURL == "":
		return []error{errors.New("nobody could come in: " + newSecret + ", or AUTH_JWKS_URL, or AUTH=none to let everybody in")}
	case len(auth.HMACSecret) > 0 && (auth.None || auth.JWKSURL != ""): // a secret that contradicts can be too short all the same
		return []error{auth.Validate(), hub.Auth{HMACSecret: auth.HMACSecret}.Validate()}
	}
	return []error{auth.Validate()}
}

func (s limitSettings) limits() hub.Limits {
	return hub.Limits{
		MaxConnections:           s.MaxConnections,
		MaxConnectionsPerSubject: s.MaxConnectionsPerSubject,
		MaxUIDsPerConnection:     s.MaxUIDsPerConnection,
		MaxUIDsPerSubject:        s.MaxUIDsPerSubject,
		MaxMessagesPerSecond:     s.MaxMessagesPerSecond,
		MaxMessageBytes:          s.MaxMessageBytes,
	}
}

// checkZeroes refuses what the hub would take for its default: who writes 0 means none, or no limit.
func (s limitSettings) checkZeroes() error {
	var wrong problems
	for _, limit := range []struct {
		variable string
		value    int64
	}{
		{"MAX_CONNECTIONS", int64(s.MaxConnections)},
		{"MAX_CONNECTIONS_PER_SUBJECT", int64(s.MaxConnectionsPerSubject)},
		{"MAX_UIDS_PER_CONNECTION", int64(s.MaxUIDsPerConnection)},
		{"MAX_UIDS_PER_SUBJECT", int64(s.MaxUIDsPerSubject)},
		{"MAX_MESSAGES_PER_SECOND", int64(s.MaxMessagesPerSecond)},
		{"MAX_MESSAGE_BYTES", s.MaxMessageBytes},
	} {
		wrong.check(limit.value != 0, "%s is 0: want 1 or more", limit.variable)
	}
	return wrong.err()
}
