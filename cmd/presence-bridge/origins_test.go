package main

import (
	"strings"
	"testing"
)

func TestCheckOrigin(t *testing.T) {
	for pattern, want := range map[string]string{
		"https://app.example.com": "", "http://localhost:3000": "", "localhost:3000": "", "app.example.com": "",
		"*.example.com": "", "https://*.example.com": "", "*": "", "app-[0-9].example.com": "",

		"localhost:3000/":              "has a path",
		"https://app.example.com/":     "has a path",
		"https://app.example.com/chat": "has a path",
		"https:/app.example.com":       "has a path",
		"a.example.com b.example.com":  "has a blank",
		"https://":                     "only a part",
		"://app.example.com":           "only a part",
		"app[.example.com":             "is no pattern",
		"https://bücher.example":       "no host that a browser can name",
		"nonsense!":                    "no host that a browser can name",
	} {
		err := checkOrigin("ALLOWED_ORIGINS", pattern)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", pattern, err, want)
		}
	}
	const whole = `ALLOWED_ORIGINS: "localhost:3000/" has a path: want https://app.example.com, app.example.com or *.example.com`
	if err := checkOrigin("ALLOWED_ORIGINS", "localhost:3000/"); err == nil || err.Error() != whole {
		t.Errorf("%v", err)
	}
}
