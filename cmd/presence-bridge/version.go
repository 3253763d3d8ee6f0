package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
)

// version and commit are set by the linker where the build knows no repository, as in an image.
var version, commit string

// dependencies are the modules whose version explains behaviour.
var dependencies = []string{
	"github.com/nats-io/nats.go",
	"github.com/nats-io/nats-server/v2",
	"github.com/coder/websocket",
	"github.com/labstack/echo/v4",
	"github.com/golang-jwt/jwt/v5",
	"github.com/prometheus/client_golang",
	"github.com/alecthomas/kong",
}

type versionCommand struct{}

func (versionCommand) problems() []error { return nil }

func (versionCommand) run(_ context.Context, p *process) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return printVersion(p.stdout, info)
}

func printVersion(w io.Writer, info *debug.BuildInfo) error {
	lines := [][2]string{
		{"presence-bridge", firstOf(version, info.Main.Version, "(unknown)")},
		{"commit", firstOf(commit, commitOf(info), "(unknown)")},
		{"go", fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)},
	}
	for _, dep := range info.Deps {
		if slices.Contains(dependencies, dep.Path) {
			lines = append(lines, [2]string{dep.Path, dep.Version})
		}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "%-36s %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

// buildVersion is what those who list the bridge among NATS services see.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	return firstOf(version, info.Main.Version)
}

func commitOf(info *debug.BuildInfo) string {
	setting := map[string]string{}
	for _, s := range info.Settings {
		setting[s.Key] = s.Value
	}
	revision := setting["vcs.revision"]
	if revision != "" && setting["vcs.modified"] == "true" {
		revision += " (modified)"
	}
	return revision
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
