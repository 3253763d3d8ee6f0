package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestStampedVersion builds as the image does, which knows no repository.
func TestStampedVersion(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`-ldflags "(.*)"`).FindSubmatch(text)
	if flags == nil {
		t.Fatal("the Dockerfile stamps nothing")
	}
	stamp := strings.NewReplacer("$VERSION", "v1.2.3", "$COMMIT", "0123abc").Replace(string(flags[1]))
	path := filepath.Join(t.TempDir(), "presence-bridge")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags", stamp, "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(path, "version").Output()
	lines := strings.Split(string(out), "\n")
	if err != nil || strings.Join(strings.Fields(lines[0]+" "+lines[1]), " ") != "presence-bridge v1.2.3 commit 0123abc" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestImageForOtherMachines: the compiler runs where the builder does, and builds for where the image goes.
func TestImageForOtherMachines(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"FROM --platform=${BUILDPLATFORM:-linux/amd64} golang:", "\nARG TARGETOS TARGETARCH\n", "GOOS=$TARGETOS GOARCH=$TARGETARCH go build", "docker buildx build --platform linux/amd64,linux/arm64"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the Dockerfile", want)
		}
	}
}
