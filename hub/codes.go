package hub

import "net/http"

// errorCode is what a hub refuses with: in an error message of a socket, in the body of an HTTP answer, in a header
// of a NATS one. The table is the only one: refusals, the client's types and the README repeat it, and TestErrorCodes
// compares them.
type errorCode struct {
	code    string
	status  int       // of HTTP and NATS
	again   bool      // whether the same request may be answered better a little later
	of      refuserOf // who gets to see it
	meaning string
}

// refuserOf is who is refused.
type refuserOf string

const (
	ofAll      refuserOf = "all"      // browsers, and most of them backends too
	ofBackends refuserOf = "backends" // over NATS only
	ofVendor   refuserOf = "vendor"   // the callbacks only
)

var errorCodes = []errorCode{
	{"bad_message", http.StatusBadRequest, false, ofAll, "a field is missing or of the wrong type"},
	{"bad_uid", http.StatusBadRequest, false, ofAll, "what is named is no user id; nothing was changed"},
	{"bad_wait", http.StatusBadRequest, false, ofAll, "`wait` is no duration, or too long"},
	{"invalid", http.StatusBadRequest, false, ofAll, "the presence to be set is not one the vendor takes"},
	{"refused", http.StatusBadRequest, false, ofAll, "the vendor refuses to set this"},
	{"subprotocol", http.StatusBadRequest, false, ofAll, "the socket was opened without `presence.v1`"},
	{"too_many_uids", http.StatusBadRequest, true, ofAll, "the connection or the user would watch more than the limit"},
	{"unknown_type", http.StatusBadRequest, false, ofAll, "there is no such type of message"},
	{"token", http.StatusUnauthorized, false, ofAll, "there is no token, or not a good one"},
	{"no_subject", http.StatusForbidden, false, ofAll, "the token has no `sub`, so there is nobody to set"},
	{"not_allowed", http.StatusForbidden, false, ofAll, "the token does not let its holder set this user, or see their history"},
	{"origin_not_allowed", http.StatusForbidden, false, ofAll, "`ALLOWED_ORIGINS` does not name the page's origin"},
	{"request", 0, false, ofAll, "there is no such path or method"},
	{"over_a_limit", http.StatusTooManyRequests, true, ofAll, "too many connections or histories at once, or sets too fast"},
	{"internal", http.StatusInternalServerError, true, ofAll, "the hub could not answer; its log says why"},
	{"online_only", http.StatusNotImplemented, false, ofAll, "with `EASEMOB_STATUS=online` nobody can be set"},
	{"read_only", http.StatusNotImplemented, false, ofAll, "this hub has no credentials of the vendor"},
	{"vendor_away", http.StatusBadGateway, true, ofAll, "the vendor did not answer in time"},
	{"vendor_failed", http.StatusBadGateway, true, ofAll, "the vendor's answer was of no use"},
	{"vendor_refused", http.StatusBadGateway, false, ofAll, "the vendor does not let this bridge set presence"},
	{"busy", http.StatusServiceUnavailable, true, ofAll, "the vendor takes no more calls just now"},
	{"draining", http.StatusServiceUnavailable, true, ofAll, "the hub is stopping; another one serves"},
	{"nats_away", http.StatusServiceUnavailable, true, ofAll, "NATS did not answer, or did not take all of it"},
	{"no_keys", http.StatusServiceUnavailable, true, ofAll, "the hub has no keys yet from `AUTH_JWKS_URL` to check the token with"},
	{"not_ready", http.StatusServiceUnavailable, true, ofAll, "the hub has yet to read the log"},
	{"too_many_connections", http.StatusServiceUnavailable, true, ofAll, "the hub is full"},
	{"bad_holder", http.StatusBadRequest, false, ofBackends, "`holder` is no name"},
	{"bad_ttl", http.StatusBadRequest, false, ofBackends, "`ttl` is no duration, or not of a lease"},
	{"no_json", http.StatusBadRequest, false, ofVendor, "the body is not JSON"},
	{"unreadable", http.StatusBadRequest, false, ofVendor, "the body did not arrive"},
	{"bad_signature", http.StatusUnauthorized, false, ofVendor, "the signature is not of the rule's secret"},
	{"unknown_app", http.StatusForbidden, false, ofVendor, "the callback is of another app"},
	{"callbacks_off", http.StatusNotFound, false, ofVendor, "`CALLBACK_SECRET` is not set"},
	{"too_large", http.StatusRequestEntityTooLarge, false, ofVendor, "the body has more than 16 KiB"},
}
