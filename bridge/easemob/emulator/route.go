package emulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A kind of call is what the vendor's limits and our counts go by.
type kind string

const (
	kindNone        kind = ""
	kindSet         kind = "set"
	kindSubscribe   kind = "subscribe"
	kindGet         kind = "get"
	kindUnsubscribe kind = "unsubscribe"
	kindSublist     kind = "sublist"
	kindToken       kind = "token"
	kindBatchStatus kind = "batch_status"
	kindGroupCount  kind = "group_count"
	kindStatus      kind = "status"
	kindResources   kind = "resources"
)

var kinds = []kind{kindSet, kindSubscribe, kindGet, kindUnsubscribe, kindSublist, kindToken, kindBatchStatus,
	kindGroupCount, kindStatus, kindResources}

// five says whether it is one of the five presence calls.
func (k kind) five() bool {
	return k == kindSet || k == kindSubscribe || k == kindGet || k == kindUnsubscribe || k == kindSublist
}

// presence says whether the call belongs to the feature that an app has to buy; the older ones that tell who is
// online do not (INF).
func (k kind) presence() bool { return k.five() || k == kindGroupCount }

// A call is a request whose path has been understood.
type call struct {
	kind     kind
	operator string // the {uid} of the path, as it came
	resource string // set
	value    string // set: status; subscribe: expiry; group count: type
	group    string // group count
	query    url.Values
}

// route reads the path beneath either prefix: /{org}/{app}, or /app-id/{id} (SW, newest AG).
func (s *Server) route(r *http.Request) (call, *refusal) {
	segments, ok := split(r.URL.EscapedPath())
	if !ok || len(segments) < 2 {
		return call{}, &noResource
	}
	org, app := segments[0], segments[1]
	byName := org == s.options.Org && app == s.options.App
	byID := org == "app-id" && app == s.options.AppID && s.options.AppID != ""
	if !byName && !byID {
		no := noApplication(org, app, strings.TrimPrefix(r.URL.Path, "/"))
		return call{}, &no
	}
	c, no := routeWithin(r.Method, segments[2:])
	c.query = r.URL.Query()
	return c, no
}

// split cuts an escaped path into its segments, unescaped one by one: a %2F is part of a name. Segments may be
// empty.
func split(escaped string) ([]string, bool) {
	segments := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil, false
		}
		segments[i] = plain
	}
	return segments, true
}

func routeWithin(method string, path []string) (call, *refusal) {
	switch {
	case len(path) == 1 && path[0] == "token":
		return only(method, http.MethodPost, call{kind: kindToken})
	case len(path) > 1 && path[0] == "presence":
		return routeGroupCount(method, path[1:])
	case len(path) < 3 || path[0] != "users" || slices.Contains(path, ""):
		return call{}, &noResource
	}
	user, rest := path[1], path[2:]
	switch {
	case rest[0] == "presence":
		return routePresence(method, user, rest[1:])
	case len(rest) > 1:
		return call{}, &noResource
	case rest[0] == "status" && user == "batch" && method == http.MethodPost:
		return call{kind: kindBatchStatus}, nil
	case rest[0] == "status":
		return only(method, http.MethodGet, call{kind: kindStatus, operator: user})
	case rest[0] == "resources":
		return only(method, http.MethodGet, call{kind: kindResources, operator: user})
	}
	return call{}, &noResource
}

// routeGroupCount reads /presence/online/{group_id}/type/{query_type}, of which either may be missing.
func routeGroupCount(method string, path []string) (call, *refusal) {
	if len(path) < 3 || len(path) > 4 || path[0] != "online" || path[2] != "type" {
		return call{}, &noResource
	}
	c := call{kind: kindGroupCount, group: path[1]}
	if len(path) == 4 {
		c.value = path[3]
	}
	return only(method, http.MethodGet, c)
}

// routePresence tells the calls beneath /users/{uid}/presence apart: by method, and by the number of
// segments that follow.
func routePresence(method, operator string, rest []string) (call, *refusal) {
	switch len(rest) {
	case 0:
		if method == http.MethodDelete {
			return call{kind: kindUnsubscribe, operator: operator}, nil
		}
		return only(method, http.MethodPost, call{kind: kindGet, operator: operator})
	case 1:
		if method == http.MethodGet && rest[0] == "sublist" {
			return call{kind: kindSublist, operator: operator}, nil
		}
		return only(method, http.MethodPost, call{kind: kindSubscribe, operator: operator, value: rest[0]})
	case 2:
		return only(method, http.MethodPost, call{kind: kindSet, operator: operator, resource: rest[0], value: rest[1]})
	}
	return call{}, &noResource
}

func only(method, allowed string, c call) (call, *refusal) {
	if method != allowed {
		return call{}, &badMethod
	}
	return c, nil
}
