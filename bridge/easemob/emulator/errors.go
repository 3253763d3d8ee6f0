package emulator

import (
	"fmt"
	"net/http"
	"time"
)

// A refusal is one way of saying no. The presence service answers {"result":"<text>"}, the platform in front
// of it {"error":...,"error_description":"<text>"}: bare tells which of the two speaks. SEED and the native client
// have the text in result whatever it is, the documents since 2024 list an error code with each, and the web
// client looks for some here and for some there. So each is in the shape in which it was seen, and Options
// may choose one shape for all (TestBothShapes).
type refusal struct {
	status    int
	bare      bool
	code      string // error
	exception string
	text      string // error_description, or result
}

const (
	illegal         = "illegal_argument"
	illegalArgument = "IllegalArgumentException"
	security        = "EasemobSecurityException"
)

// Every refusal that this server knows, each with its source. INF marks what no source tells, where a
// refusal is more use to a client's developer than an answer that the vendor might not give.
var (
	// The presence service, body {"result":...}; what the platform would say of the cause is ED24's, its exception INF.
	notActivated = refusal{400, true, "service open exception", "ServiceOpenException", "the app not open presence"} // SDK: JS 4.21.1 reads it out of result
	subYourself  = refusal{400, true, illegal, illegalArgument, "you can't sub yourself"}                            // SDK: C++ reads it out of result
	tooMany      = refusal{400, true, illegal, illegalArgument, "too many queries"}                                  // ED23, AG; shape INF

	// The presence calls, body of the platform.
	extNull         = refusal{400, false, illegal, illegalArgument, "ext cannot be null"}          // ED24
	extTooBig       = refusal{400, false, illegal, illegalArgument, "ext is too big "}             // SDK: JS compares with the trailing space
	setFailed       = refusal{400, false, illegal, illegalArgument, "set presence failed"}         // ED23, AG; for which cause INF
	noSuchDevice    = refusal{400, false, illegal, illegalArgument, "resource not exist"}          // ED23, AG; for which cause INF
	usernamesEmpty  = refusal{400, false, illegal, illegalArgument, "usernames is empty"}          // ED24 for subscribe; for get INF
	tooManySub      = refusal{400, false, illegal, illegalArgument, "too many sub presence"}       // ED24
	tooManyGet      = refusal{400, false, illegal, illegalArgument, "too many get presences"}      // ED24
	tooManyUnsub    = refusal{400, false, illegal, illegalArgument, "too many unsub presences"}    // ED24
	usernamesNull   = refusal{400, false, illegal, illegalArgument, "usernames cannot be null"}    // ED24
	badExpiry       = refusal{400, false, illegal, illegalArgument, "this is an invalid request."} // text ED24; for which cause INF, see rules.expiry
	badPage         = refusal{400, false, illegal, illegalArgument, "this is an invalid request."} // text ED24; cause INF
	badRequest      = refusal{400, false, illegal, illegalArgument, "this is an invalid request."} // ED24
	tooManyStatuses = refusal{400, false, illegal, illegalArgument,
		"request body exceeds maximum limit, maximum limit is 100"} // ED+ batch status

	// The count of a group (ED24).
	noGroup       = refusal{400, false, illegal, illegalArgument, "Id cannot be null."}
	noGroupType   = refusal{400, false, illegal, illegalArgument, "Type cannot be null."}
	badGroupType  = refusal{400, false, illegal, illegalArgument, "Type must be 0 or 1."}
	groupsNotOpen = refusal{400, false, illegal, illegalArgument, "this appkey not open rest group online service"}

	// The platform (ED24, ED23 and AG error tables; bodies of 401 as captured by ROBOT).
	noToken      = refusal{401, false, "unauthorized", security, "Unable to authenticate (OAuth)"}                              // ROBOT
	expiredToken = refusal{401, false, "unauthorized", security, "Unable to authenticate due to expired access token"}          // ED24
	badToken     = refusal{401, false, "auth_bad_access_token", security, "Unable to authenticate due to corrupt access token"} // ROBOT
	noResource   = refusal{404, false, "service_resource_not_found", "UserNotFoundException", "Service resource not found"}     // ED24
	badMethod    = refusal{405, false, "web_application", "WebApplicationException", "HTTP 405 Method Not Allowed"}             // ED24 status, the rest INF
	tooLarge     = refusal{413, false, "Request Entity Too Large", "WebApplicationException", "Request Entity Too Large"}       // ED24
	reachLimit   = refusal{429, false, "reach_limit", "RateLimitException", "This request has reached api limit"}               // ED23, AG; exception INF
	wrongType    = refusal{415, false, "web_application", "WebApplicationException", "Unsupported Media Type"}                  // ED24, text INF
	outOfService = refusal{503, false, "service_unavailable", "ServiceUnavailableException", "Service Unavailable"}             // ED24 status, the rest INF

	planUsedUp = refusal{429, false, "resource_limited", "ResourceLimitedException",
		"You have exceeded the limit of the community edition"} // AG, as far as it is told; no waiting cures it
	banned = refusal{403, false, "forbidden_service_operation", "ForbiddenServiceOperationException",
		"Service operation not allowed"} // ED24: the app or the user is banned; that too many tokens end so INF

	// POST /token (ED24 easemob_app_token.md).
	noClientID     = refusal{400, false, illegal, illegalArgument, "client_id must be provided."}
	noClientSecret = refusal{400, false, illegal, illegalArgument, "client_secret must be provided"}
	wrongClientID  = refusal{400, false, "invalid_grant", "OAuthProblemException", "client_id does not match"}
	wrongSecret    = refusal{400, false, "invalid_grant", "OAuthProblemException", "client_secret does not match"}
)

// noApplication is for another org or app than the one served (ED24).
func noApplication(org, app, uri string) refusal {
	return refusal{404, false, "organization_application_not_found", "OrganizationApplicationNotFoundException",
		fmt.Sprintf("Could not find application for %s/%s from URI: %s", org, app, uri)}
}

// badName is for an id that registration would not have let in (ED24 limitation); that the presence calls check is INF.
func badName(name string) refusal {
	return refusal{400, false, illegal, illegalArgument, fmt.Sprintf("username [%.80s] is not legal", name)}
}

// badJSON is for a body that cannot be read (ED24 json_parse).
func badJSON(err error) refusal {
	return refusal{400, false, "json_parse", "JsonParseException", fmt.Sprintf("Unexpected character (%v)", err)}
}

// ofStatus is the refusal with which an injected error answers.
func ofStatus(status int) refusal {
	switch status {
	case http.StatusBadRequest:
		return tooMany
	case http.StatusUnauthorized:
		return expiredToken
	case http.StatusForbidden:
		return banned
	case http.StatusNotFound:
		return noResource
	case http.StatusTooManyRequests:
		return reachLimit
	case http.StatusServiceUnavailable:
		return outOfService
	}
	if status >= 500 { // web_application would be a 500 that is the caller's fault (ED24)
		return refusal{status, false, "internal_error", "InternalServerErrorException", http.StatusText(status)}
	}
	return refusal{status, false, "web_application", "WebApplicationException", http.StatusText(status)}
}

// in is the refusal in the world of the options: they may want all of presence's 400s in one shape.
func (no refusal) in(o Options, k kind) refusal {
	if no.status == http.StatusBadRequest && k.presence() {
		no.bare = o.ErrorShape == shapeBare || no.bare && o.ErrorShape != shapePlatform
	}
	return no
}

// The two orders of keys in which the platform's errors have been seen (ROBOT).
type (
	platformError struct {
		Error       string `json:"error"`
		Exception   string `json:"exception"`
		Timestamp   int64  `json:"timestamp"`
		Duration    int64  `json:"duration"`
		Description string `json:"error_description"`
	}
	oauthError struct {
		Error       string `json:"error"`
		Timestamp   int64  `json:"timestamp"`
		Duration    int64  `json:"duration"`
		Exception   string `json:"exception"`
		Description string `json:"error_description"`
	}
)

// answer is the refusal as it goes out at a time.
func (no refusal) answer(now time.Time) answer {
	at := now.UnixMilli()
	switch {
	case no.bare:
		return asJSON(no.status, resultOf(no.text))
	case no.code == "unauthorized":
		return asJSON(no.status, oauthError{no.code, at, 0, no.exception, no.text})
	}
	return asJSON(no.status, platformError{no.code, no.exception, at, 0, no.text})
}
