package easemob

import (
	"encoding/json"
	"net/url"
	"strings"
)

// secret holds what must not be printed. A func shows as an address even where fmt and reflection reach
// fields whose methods they cannot call.
type secret func() string

func newSecret(s string) secret { return func() string { return s } }

func (s secret) reveal() string {
	if s == nil {
		return ""
	}
	return s()
}

// hide takes secrets out of text that came from elsewhere: proxies are known to echo what they were sent, and
// redirects to carry it on in a URL.
func hide(text string, secrets ...secret) string {
	for _, s := range secrets {
		v := s.reveal()
		if v == "" {
			continue
		}
		for _, shape := range shapes(v) {
			text = strings.ReplaceAll(text, shape, "[hidden]")
		}
	}
	return text
}

// shapes is how a secret can look on its way: plain, in a URL, in JSON of either custom.
func shapes(v string) []string {
	inJSON := encode(v)
	inHTML, _ := json.Marshal(v) // a string always encodes
	return []string{v, url.QueryEscape(v), url.PathEscape(v), string(inJSON[1 : len(inJSON)-1]), string(inHTML[1 : len(inHTML)-1])}
}
