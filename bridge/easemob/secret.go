package easemob

import "strings"

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

// hide takes secrets out of text that came from elsewhere: proxies are known to echo what they were sent.
func hide(text string, secrets ...secret) string {
	for _, s := range secrets {
		if v := s.reveal(); v != "" {
			text = strings.ReplaceAll(text, v, "[hidden]")
		}
	}
	return text
}
