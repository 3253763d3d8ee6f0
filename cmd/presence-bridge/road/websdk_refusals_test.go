package road

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// Codes of the SDK's status.d.ts, of those that a presence call can end with.
const (
	requestSuccess       = 0
	requestTimeout       = -1
	requestUnknown       = -2
	ajaxError            = 17 // "a general error"
	tokenNotAssigned     = 28
	notLoggedIn          = 39
	noPermission         = 52
	userNotFound         = 204
	serverBusy           = 500
	serviceNotEnabled    = 505
	permissionDenied     = 603
	restParams           = 700
	presenceParamTooLong = 1100
)

// sdkCodes are their names; an Error of JavaScript's own has no code.
var sdkCodes = map[int]string{0: "an Error", requestTimeout: "REQUEST_TIMEOUT", requestUnknown: "REQUEST_UNKNOWN",
	ajaxError: "WEBIM_CONNCTION_AJAX_ERROR", tokenNotAssigned: "WEBIM_CONNCTION_TOKEN_NOT_ASSIGN_ERROR",
	notLoggedIn: "WEBIM_CONNECTION_CLOSED", noPermission: "NO_PERMISSION", userNotFound: "USER_NOT_FOUND",
	serverBusy: "SERVER_BUSY", serviceNotEnabled: "SERVICE_NOT_ENABLED", permissionDenied: "PERMISSION_DENIED",
	restParams: "REST_PARAMS_STATUS", presenceParamTooLong: "PRESENCE_PARAM_EXCEED"}

// refused is an error of the SDK with a code of its own, which keeps the vendor's words.
func refused(code int, message string) fields {
	return fields{"thrown": fields{"type": code, "message": message}}
}

// platform is the platform's own way to say no (ROBOT: these fields, in one order or another).
func platform(code, description any) body {
	return body{"error": code, "exception": whatever{}, "timestamp": whatever{}, "duration": 0, "error_description": description}
}

// illegal is a 400 of the platform's that the SDK knows no code for.
func illegal(message string) fields {
	return fields{"thrown": fields{"type": ajaxError, "message": message, "data": platform("illegal_argument", message)}}
}

// bare is a 400 of the presence service's, which the SDK finds no message in.
func bare(result string) fields {
	return fields{"thrown": fields{"type": ajaxError, "data": body{"result": result}}}
}

// general is an error whose message is the whole answer.
func general(answer body) fields {
	return fields{"thrown": fields{"type": ajaxError, "message": answer, "data": answer}}
}

// The calls of which each is refused, and how the SDK asks them.
var (
	publish     = sdkStep{call: "publishPresence", args: fields{"description": "busy"}, seen: "POST " + sdkPresence + `/webim_dev1/1 {"ext":"busy"}`}
	subscribe   = sdkStep{call: "subscribePresence", args: fields{"usernames": []string{"c2"}, "expiry": 60}, seen: "POST " + sdkPresence + `/60 {"usernames":["c2"]}`}
	getStatus   = sdkStep{call: "getPresenceStatus", args: fields{"usernames": []string{"c2"}}, seen: "POST " + sdkPresence + ` {"usernames":["c2"]}`}
	unsubscribe = sdkStep{call: "unsubscribePresence", args: fields{"usernames": []string{"c2"}}, seen: "DELETE " + sdkPresence + ` ["c2"]`}
	listThem    = sdkStep{call: "getSubscribedPresencelist", args: fields{"pageNum": 1, "pageSize": 100}, seen: "GET " + sdkPresence + "/sublist?pageNum=1&pageSize=100"}
	everyCall   = []sdkStep{publish, subscribe, getStatus, unsubscribe, listThem}
)

// with is a step changed a little.
func (s sdkStep) with(name string, want fields, change ...func(*sdkStep)) sdkStep {
	s.name, s.want = name, want
	for _, f := range change {
		f(&s)
	}
	return s
}

// allFive is every call, with the same fate.
func allFive(name string, want fields, change ...func(*sdkStep)) (steps []sdkStep) {
	for _, call := range everyCall {
		steps = append(steps, call.with(name, want, change...))
	}
	return steps
}

func asking(a fields, seen string) func(*sdkStep) {
	return func(s *sdkStep) { s.args, s.seen = a, seen }
}

func signedIn(f func(*sdkLogin)) func(*sdkStep) { return func(s *sdkStep) { s.as = f } }

// onceItSays waits for an answer of a status and a content type.
func onceItSays(answer string) func(*sdkStep) {
	return func(s *sdkStep) { s.until = func(seen seenCall, _ fields) bool { return seen.answer == answer } }
}

// onceThrownWith waits for an error that has a field.
func onceThrownWith(field string) func(*sdkStep) {
	return func(s *sdkStep) {
		s.until = func(_ seenCall, got fields) bool {
			thrown, _ := got["thrown"].(map[string]any)
			return thrown[field] != nil
		}
	}
}

func faulty(f emulator.Faults) func(*sdkStep) { return func(s *sdkStep) { s.options.Faults = f } }

func failing(status int) func(*sdkStep) {
	return faulty(emulator.Faults{ErrorRate: 1, ErrorStatus: status})
}

func notActivated(s *sdkStep) { s.options.NotActivated = true }

// expired gives the SDK a token that has ended.
func expired(s *sdkStep) {
	var token string
	s.before = func(v *sdkVendor) {
		token = v.mint(1)
		eventually(v.t, 5*time.Second, "the token ends", func() bool { return v.refuses(token) })
	}
	s.as = func(l *sdkLogin) { l.Token = token }
}

// sdkRefusals are every way in which the vendor can refuse a presence call of the SDK. One table of errors serves all of
// the SDK's calls; what it knows beyond these are texts and numbers of other services (groups, threads, messages), and
// two texts that make of a 429 or a 503 the code MAX_LIMIT, which no source has seen on a presence call.
var sdkRefusals = join(
	// 400. The SDK compares whole texts: {"result":"the app not open presence"}, and error_description "ext is too
	// big " with its space at the end. Whatever it does not know is a general error.
	allFive("presence was never switched on", refused(serviceNotEnabled, "the app not open presence"), notActivated),
	[]sdkStep{
		publish.with("ext of 1025 bytes", refused(presenceParamTooLong, "ext is too big "),
			asking(fields{"description": tooLong}, "POST "+sdkPresence+`/webim_dev1/1 {"ext":"`+tooLong+`"}`)),
		subscribe.with("oneself", bare("you can't sub yourself"),
			asking(fields{"usernames": []string{"c2", "wzy"}, "expiry": 60}, "POST "+sdkPresence+`/60 {"usernames":["c2","wzy"]}`)),
		subscribe.with("101 people", illegal("too many sub presence"), asking(fields{"usernames": people(101), "expiry": 60},
			"POST "+sdkPresence+`/60 {"usernames":["`+strings.Join(people(101), `","`)+`"]}`)),
		getStatus.with("101 people", illegal("too many get presences"), asking(fields{"usernames": people(101)},
			"POST "+sdkPresence+` {"usernames":["`+strings.Join(people(101), `","`)+`"]}`)),
		unsubscribe.with("101 people", illegal("too many unsub presences"), asking(fields{"usernames": people(101)},
			"DELETE "+sdkPresence+` ["`+strings.Join(people(101), `","`)+`"]`)),
		subscribe.with("for no time", illegal("this is an invalid request."),
			asking(fields{"usernames": []string{"c2"}, "expiry": 0}, "POST "+sdkPresence+`/0 {"usernames":["c2"]}`)),
		getStatus.with("somebody nameless", illegal("username [] is not legal"),
			asking(fields{"usernames": []string{""}}, "POST "+sdkPresence+` {"usernames":[""]}`)),
		listThem.with("pages of nobody", illegal("this is an invalid request."),
			asking(fields{"pageNum": 1, "pageSize": 0}, "GET "+sdkPresence+"/sublist?pageNum=1&pageSize=0")),
		getStatus.with("too many queries", bare("too many queries"), failing(http.StatusBadRequest)),
	},
	// 401. Only a missing token has a code; the others are the whole answer in words.
	allFive("no token", refused(noPermission, "Unable to authenticate (OAuth)"), signedIn(func(l *sdkLogin) { l.Token = " " })),
	allFive("a token nobody minted", general(platform("auth_bad_access_token", "Unable to authenticate due to corrupt access token")),
		signedIn(func(l *sdkLogin) { l.Token = "YWMtnonsense" })),
	[]sdkStep{
		getStatus.with("a token that has ended", general(platform("unauthorized", "Unable to authenticate due to expired access token")), expired),
		// 403, 404
		getStatus.with("forbidden", fields{"thrown": fields{"type": permissionDenied, "message": "permission denied", "data": platform(whatever{}, whatever{})}},
			failing(http.StatusForbidden)),
		getStatus.with("a path that is not there", fields{"thrown": fields{"type": userNotFound, "message": "Service resource not found",
			"data": platform("service_resource_not_found", "Service resource not found")}},
			func(s *sdkStep) { s.as = func(l *sdkLogin) { l.User = "wzy/x" } },
			asking(getStatus.args, `POST /org1/app1/users/wzy/x/presence {"usernames":["c2"]}`)),
		getStatus.with("another app", general(platform("organization_application_not_found",
			begins("Could not find application for org1/app2 from URI: org1/app2/users"))),
			func(s *sdkStep) { s.as = func(l *sdkLogin) { l.App = "app2" } },
			asking(getStatus.args, `POST /org1/app2/users/wzy/presence {"usernames":["c2"]}`)),
	},
	// 429 and 503 are one and the same to the SDK.
	allFive("too often", throttled(platform("reach_limit", "This request has reached api limit")),
		faulty(emulator.Faults{LimitPerS: 1, ClientCallsPerS: 1})),
	[]sdkStep{getStatus.with("out of service", throttled(platform(whatever{}, whatever{})), failing(503), onceItSays("503 application/json"))},
	[]sdkStep{getStatus.with("a broken server", fields{"thrown": fields{"type": ajaxError, "message": "", "data": platform(whatever{}, whatever{})}},
		failing(500), onceItSays("500 application/json"))},
	failures(general(platform(whatever{}, whatever{})), 405, 408, 413, 415),
	gateways(),
	unheard,
)

var tooLong = strings.Repeat("x", 1025)

func throttled(answer body) fields {
	return fields{"thrown": fields{"type": serverBusy, "message": "Server is busy.", "data": answer}}
}

func failures(want fields, statuses ...int) (steps []sdkStep) {
	for _, status := range statuses {
		steps = append(steps, getStatus.with(fmt.Sprintf("status %d", status), want, failing(status)))
	}
	return steps
}

// gateways are errors of what stands before the API. Where it answers with a page, the SDK throws in its own
// handler, and whoever waits for it waits for ever.
func gateways() (steps []sdkStep) {
	for _, status := range []int{502, 504} {
		steps = append(steps, getStatus.with("a gateway's word", general(platform(whatever{}, whatever{})),
			failing(status), onceItSays(fmt.Sprintf("%d application/json", status))))
	}
	for _, status := range []int{500, 502, 503, 504} {
		steps = append(steps, getStatus.with("a page", fields{"unsettled": begins("SyntaxError")},
			failing(status), onceItSays(fmt.Sprintf("%d text/html", status))))
	}
	return steps
}

// unheard are answers that never arrive whole.
var unheard = []sdkStep{
	getStatus.with("cut", unheardOf, faulty(emulator.Faults{ResetRate: 1})),
	getStatus.with("cut in the middle", unheardOf, faulty(emulator.Faults{MalformedRate: 1}), onceThrownWith("errorType")),
	getStatus.with("too late", fields{"thrown": fields{"type": requestTimeout, "message": "Request Timeout", "errorType": "timeout_error"}},
		faulty(emulator.Faults{LatencyMS: 60_000}), func(s *sdkStep) { s.patient = 100 * time.Millisecond }),
	getStatus.with("spoilt", fields{"thrown": fields{"name": "SyntaxError", "message": whatever{}}},
		faulty(emulator.Faults{MalformedRate: 1}), onceThrownWith("name")),
}

var unheardOf = fields{"thrown": fields{"type": requestUnknown, "message": "Request Unknow Error", "errorType": "onerror"}}

// sdkOwnRefusals are what the SDK refuses itself, so that the vendor never sees it.
var sdkOwnRefusals = join(
	allFive("no app", refused(restParams, "appkey or token error"), signedIn(func(l *sdkLogin) { l.App = "" }), unasked),
	allFive("no token", refused(restParams, "appkey or token error"), signedIn(func(l *sdkLogin) { l.Token = "" }), unasked),
	allFive("by app id, no app", refused(notLoggedIn, "not login"), signedIn(func(l *sdkLogin) { l.App, l.byAppID = "", true }), unasked),
	allFive("by app id, no token", refused(tokenNotAssigned, "token not assign error"), signedIn(func(l *sdkLogin) { l.Token, l.byAppID = "", true }), unasked),
	[]sdkStep{
		publish.with("no description", wrongArgument(`Invalid parameter: "description"`), asking(fields{}, "")),
		publish.with("null", wrongArgument(`Invalid parameter: "description"`), asking(fields{"description": nil}, "")),
		subscribe.with("no list", wrongArgument(`Invalid parameter: "usernames"`), asking(fields{"usernames": "c2", "expiry": 60}, "")),
		subscribe.with("nobody", wrongArgument(`"usernames" can not be empty`), asking(fields{"usernames": []string{}, "expiry": 60}, "")),
		subscribe.with("expiry in words", wrongArgument(`Invalid parameter: "expiry"`), asking(fields{"usernames": []string{"c2"}, "expiry": "60"}, "")),
		getStatus.with("no list", wrongArgument(`Invalid parameter: "usernames"`), asking(fields{}, "")),
		getStatus.with("nobody", wrongArgument(`"usernames" can not be empty`), asking(fields{"usernames": []string{}}, "")),
		unsubscribe.with("no list", wrongArgument(`Invalid parameter: "usernames"`), asking(fields{}, "")),
		unsubscribe.with("nobody", wrongArgument(`"usernames" can not be empty`), asking(fields{"usernames": []string{}}, "")),
		listThem.with("no page", wrongArgument(`Invalid parameter: "pageNum or pageSize"`), asking(fields{"pageNum": 1}, "")),
		listThem.with("a page before the first", wrongArgument(`"pageNum" should >= 0 and "pageSize" should >= 0`), asking(fields{"pageNum": -1, "pageSize": 1}, "")),
	},
)

func unasked(s *sdkStep) { s.seen = "" }

func wrongArgument(message string) fields {
	return fields{"thrown": fields{"name": "Error", "message": message}}
}

func join(lists ...[]sdkStep) (all []sdkStep) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}
