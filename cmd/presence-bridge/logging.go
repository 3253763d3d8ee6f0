package main

import (
	"fmt"
	"io"
	"log/slog"
)

// logSettings are how a process logs.
type logSettings struct {
	LogFormat string `variable:"LOG_FORMAT" group:"process" default:"text" help:"text or json, on stderr."`
	LogLevel  string `variable:"LOG_LEVEL" group:"process" default:"${log_level}" help:"debug, info, warn or error."`
}

func (s logSettings) problems() []error {
	var wrong problems
	wrong.check(s.LogFormat == "text" || s.LogFormat == "json", "LOG_FORMAT is %q: want text or json", s.LogFormat)
	if _, err := s.level(); err != nil {
		wrong.add(err)
	}
	return wrong.list
}

func (s logSettings) level() (level slog.Level, err error) {
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return 0, fmt.Errorf("LOG_LEVEL is %q: want debug, info, warn or error", s.LogLevel)
	}
	return level, nil
}

func (s logSettings) logger(w io.Writer) *slog.Logger {
	level, _ := s.level()
	o := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
