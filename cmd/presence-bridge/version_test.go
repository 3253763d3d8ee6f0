package main

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	if code, stdout, stderr := once(t, nil, "version"); code != exitOK || stderr != "" || !strings.Contains(stdout, runtime.Version()) {
		t.Errorf("exit status %d, %q, %q", code, stdout, stderr)
	}
	var out bytes.Buffer
	err := printVersion(&out, &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abcdef"}, {Key: "vcs.modified", Value: "true"}},
		Deps:     []*debug.Module{{Path: dependencies[0], Version: "v1.0.0"}, {Path: "example.com/other", Version: "v9"}},
	})
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"presence-bridge v1.2.3", "commit abcdef (modified)", dependencies[0] + " v1.0.0"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if err != nil || strings.Contains(got, "example.com") {
		t.Errorf("%v: %q", err, got)
	}
}
