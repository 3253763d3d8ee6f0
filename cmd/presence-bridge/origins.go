package main

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// checkOrigin refuses what the hub would take and never find in a browser's Origin: scheme, host and port, and
// nothing after them.
func checkOrigin(variable, pattern string) error {
	scheme, host, ok := strings.Cut(pattern, "://")
	if !ok {
		scheme, host = "any", pattern
	}
	_, err := path.Match(pattern, "")
	var why string
	switch {
	case strings.ContainsFunc(pattern, unicode.IsSpace):
		why = "has a blank in it"
	case strings.Contains(host, "/"):
		why = "has a path"
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII || strings.ContainsRune("!@#$%&+=,;'\"<>", r) }):
		why = "is no host that a browser can name"
	case scheme == "" || host == "":
		why = "is only a part of an origin"
	case err != nil:
		why = "is no pattern"
	default:
		return nil
	}
	return fmt.Errorf("%s: %q %s: want https://app.example.com, app.example.com or *.example.com", variable, pattern, why)
}
