package easemob

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrInvalid is wrapped by every error about an argument: nothing was sent.
var ErrInvalid = errors.New("invalid argument")

// WhyInvalid is what is wrong with an argument, in words for whoever gave it; empty where the error is about none.
func WhyInvalid(err error) string {
	why, _ := errors.AsType[argumentError](err)
	return string(why)
}

// Error says that the vendor refused a call, answered it with something of no use, or could not be reached.
type Error struct {
	Kind    Kind
	Status  int    // of HTTP; 0 where there was no answer
	Code    string // the vendor's short name, as "reach_limit"; often there is none
	Message string // the vendor's words, or those of the network; no secret is in it
	Advice  string // what to do about it, where that is known

	class class
	after time.Duration // for how long the vendor asks to be left in peace, see retryAfter
	cause error
}

// class is what can be done about an error.
type class int

const (
	final        class = iota // asking again brings the same, until a person helps
	refused                   // this call brings the same for ever; one about fewer or other users may go through
	retryable                 // asking again, later, may bring better
	throttled                 // retryable, and we are asking too much
	unauthorized              // the token or the credentials are refused
	notActivated              // the app has not bought presence
	overPlan                  // the app's plan is used up
)

// Error is one line: which call, what was said, what to do.
func (e *Error) Error() string {
	line := "easemob " + e.Kind.String() + ": "
	if e.Status != 0 {
		line += strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, e.Code)) + ": "
	}
	line += e.Message
	if e.Advice != "" {
		line += " (" + e.Advice + ")"
	}
	return line
}

// Format makes every verb show the line, so that nothing beneath it is printed by accident.
func (e *Error) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		fmt.Fprintf(f, "%q", e.Error())
		return
	}
	fmt.Fprint(f, e.Error())
}

// Unwrap gives what the network said, where it was the network.
func (e *Error) Unwrap() error { return e.cause }

// IsThrottled says that the vendor finds us too fast. The client holds calls of that kind back by itself.
func IsThrottled(err error) bool { return classOf(err) == throttled }

// IsUnauthorized says that the token, or the credentials that it is minted from, are refused.
func IsUnauthorized(err error) bool { return classOf(err) == unauthorized }

// IsNotActivated says that presence is not switched on for the app: nothing but the vendor's console helps.
func IsNotActivated(err error) bool { return classOf(err) == notActivated }

// IsOverPlan says that the app has used up what its plan holds: no waiting helps, only a larger plan.
func IsOverPlan(err error) bool { return classOf(err) == overPlan }

// IsRefused says that the vendor will not have this call as it is, or would not, had it been sent: one of the
// users in it may be why, or that there are so many. Nothing else is wrong, so other calls may go through.
func IsRefused(err error) bool { return classOf(err) == refused || errors.Is(err, ErrInvalid) }

// IsRetryable says that the same call may go through later. The client does not repeat it, but for a page of
// AllSubscriptions: callers do.
func IsRetryable(err error) bool {
	c := classOf(err)
	return c == retryable || c == throttled
}

func classOf(err error) class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.class
	}
	return final
}

// Advice that more than one fault has.
const (
	adviceBuy      = "presence is bought in the vendor's console; without it, EASEMOB_STATUS=online shows who is online, and no more"
	advicePlan     = "ALARM: the app's plan is used up, and no waiting cures that: ask the vendor for a larger one"
	adviceSlower   = "calls are held back; lower EASEMOB_RATE if it goes on"
	adviceWhoWeAre = "check EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET"
)

// faults are the errors that are known, first match wins. An empty field matches anything. Texts match as
// substrings, because the vendor varies blanks and full stops around them (JS: "ext is too big ").
var faults = []struct {
	from, to int // HTTP status
	code     string
	text     string
	class    class
	advice   string
}{
	// Presence's own, all of them 400, in either body shape (ED24, ED+, ED23, JS).
	{text: "the app not open presence", class: notActivated, advice: adviceBuy},
	{code: "service open exception", class: notActivated, advice: adviceBuy},
	{text: "too many queries", class: throttled, advice: adviceSlower},
	{text: "you can't sub yourself", class: refused, advice: "an operator cannot subscribe itself"},
	{text: "ext is too big", class: refused, advice: "ext takes 1024 bytes, 64 on old clusters"},

	// Limits (ED23, AG). resource_limited is the plan's.
	{from: 429, to: 429, code: "resource_limited", class: overPlan, advice: advicePlan},
	{from: 429, to: 429, text: "exceeded the limit of the", class: overPlan, advice: advicePlan},
	{from: 429, to: 429, class: throttled, advice: adviceSlower},
	{from: 503, to: 503, class: throttled, advice: "calls are held back"}, // JS: server busy, the same as 429

	// Who we are. The code and the text of a 401 vary over the years: only the status counts.
	{from: 401, to: 401, class: unauthorized, advice: "check the credentials, and that EASEMOB_URL is this app's cluster"},
	{code: "invalid_grant", class: unauthorized, advice: adviceWhoWeAre},
	{from: 403, to: 403, advice: "the vendor forbids this app the call: is the app or the user banned?"},

	{from: 407, to: 407, advice: "HTTP_PROXY or HTTPS_PROXY needs a user and a password that the proxy takes"},

	// Where things are.
	{from: 404, to: 404, code: "organization_application_not_found", advice: "check EASEMOB_ORG and EASEMOB_APP or EASEMOB_APP_ID, and that EASEMOB_URL is this app's cluster"},
	{from: 404, to: 404, code: "service_resource_not_found", advice: "the user that acts does not exist at the vendor"},
	{from: 404, to: 404, advice: "check EASEMOB_URL and EASEMOB_ORG, EASEMOB_APP or EASEMOB_APP_ID"},
	{from: 300, to: 399, advice: "redirects are not followed: set EASEMOB_URL to where it leads"},

	// Three of the 500s are about the request, not about the day.
	{from: 500, to: 500, code: "no_full_text_index"},
	{from: 500, to: 500, code: "unsupported_service_operation"},
	{from: 500, to: 500, code: "web_application", advice: "check EASEMOB_URL"},
	{from: 408, to: 408, class: retryable},
	{from: 500, to: 599, class: retryable},

	// What is left is about what was sent: 200 is a refusal that forgot its status (SEED, C++).
	{from: 200, to: 299, class: refused},
	{from: 400, to: 400, class: refused},
	{from: 413, to: 414, class: refused},
}

// newError finds what is known of a refusal.
func newError(kind Kind, status int, code, message string) *Error {
	e := &Error{Kind: kind, Status: status, Code: code, Message: message}
	for _, f := range faults {
		inRange := f.from == 0 || status >= f.from && status <= f.to
		if inRange && (f.code == "" || f.code == code) && strings.Contains(message, f.text) {
			e.class, e.Advice = f.class, f.advice
			break
		}
	}
	if kind == kindToken && e.class == refused { // a call for a token holds nothing but who we are
		e.class, e.Advice = unauthorized, adviceWhoWeAre
	}
	return e
}

// garbled is the error of an answer that cannot be read. Such answers come from the road, not from the
// vendor's mind, so asking again may help.
func garbled(kind Kind, status int, cause error) *Error {
	return &Error{Kind: kind, Status: status, Message: oneLine(cause.Error()), class: retryable, cause: cause}
}

// oversized is the error of an answer that is larger than we read. So is the next, unless it is about fewer.
func oversized(kind Kind, status int, limit int64) *Error {
	return &Error{Kind: kind, Status: status, Message: fmt.Sprintf("the answer is larger than %d bytes", limit), class: refused}
}

// maxRetryAfter bounds what anybody on the road can make us wait.
const maxRetryAfter = time.Minute

// retryAfter reads the header of that name: seconds, or a date. The vendor documents none; gateways send it.
func retryAfter(header string, now time.Time) time.Duration {
	d := time.Duration(0)
	if seconds, err := strconv.ParseUint(strings.TrimSpace(header), 10, 31); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// after is for how long the vendor asks to be left in peace; 0 where it does not say.
func after(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.after
	}
	return 0
}

// refusal reads an error body in any of its shapes: {"error","error_description"} of the platform,
// {"result":"message"} of the presence service, or the page of some proxy.
func refusal(kind Kind, status int, body []byte, secrets ...secret) *Error {
	var shape struct {
		Error       json.RawMessage `json:"error"`
		Description json.RawMessage `json:"error_description"`
		Result      json.RawMessage `json:"result"`
	}
	if status == http.StatusProxyAuthRequired { // a proxy's words may repeat its password, which we do not know
		body = nil
	}
	message := plainText(body)
	if json.Unmarshal(body, &shape) == nil {
		message = firstOf(stringOf(shape.Description), stringOf(shape.Result))
	}
	message = firstOf(message, http.StatusText(status), "no reason given")
	code := stringOf(shape.Error)
	e := newError(kind, status, code, message) // known by the vendor's own words, before any are hidden
	e.Code, e.Message = oneLine(hide(code, secrets...)), oneLine(hide(message, secrets...))
	return e
}

// plainText is a body that is not JSON, unless it is a web page, which says nothing in one line.
func plainText(body []byte) string {
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") {
		return ""
	}
	return text
}

func stringOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

// firstOf is the first that says something.
func firstOf(candidates ...string) string {
	for _, s := range candidates {
		if s != "" {
			return s
		}
	}
	return ""
}

const maxMessage = 200 // bytes of somebody else's words in a line of ours

func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }), " ")
	if len(s) <= maxMessage {
		return s
	}
	cut := maxMessage
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
