package hub

import (
	"net/http"
	"strings"
)

const bearerProtocol = "bearer."

// tokenOf finds the token of a request: in its Authorization header, or among its WebSocket subprotocols. Who shows
// several gets them all, with blanks between: that is no token, and refused as what it is.
func tokenOf(r *http.Request) string {
	var found []string
	for _, header := range r.Header.Values("Authorization") {
		if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "bearer") {
			found = append(found, strings.TrimSpace(token))
		}
	}
	for _, p := range subprotocols(r) {
		if token, ok := strings.CutPrefix(p, bearerProtocol); ok {
			found = append(found, token)
		}
	}
	return strings.Join(found, " ")
}

func subprotocols(r *http.Request) (list []string) {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(header, ",") {
			list = append(list, strings.TrimSpace(p))
		}
	}
	return list
}
