package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
)

// logSettings are how a process logs. The levels mean: error, somebody has to act; warn, somebody should look; info, what
// an operator wants to find later; debug, all the rest, the access log included.
type logSettings struct {
	LogFormat string `variable:"LOG_FORMAT" group:"process" default:"auto" help:"text or json, on stderr; auto is text on a terminal and json elsewhere."`
	LogLevel  string `variable:"LOG_LEVEL" group:"process" default:"${log_level}" help:"debug, info, warn or error."`
}

func (s logSettings) problems() []error {
	var wrong problems
	wrong.check(slices.Contains([]string{"auto", "text", "json"}, s.LogFormat), "LOG_FORMAT is %q: want auto, text or json", s.LogFormat)
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
	if s.LogFormat == "text" || s.LogFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// isTerminal says whether somebody may be reading along.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
