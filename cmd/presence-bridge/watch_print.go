package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// printer prints one presence a line.
type printer struct {
	w        io.Writer
	json     bool
	uidWidth int
}

func newPrinter(w io.Writer, uids []bridge.UID, json bool) printer {
	p := printer{w: w, json: json}
	for _, uid := range uids {
		p.uidWidth = max(p.uidWidth, len(uid))
	}
	return p
}

// presence prints what a hub tells.
func (p printer) presence(at bridge.Presence) error {
	if p.json {
		return p.line(at)
	}
	return p.columns(at, onlineWord(at.Online))
}

// change prints what the log holds.
func (p printer) change(c *bridge.Change) error {
	switch {
	case p.json:
		return p.line(c)
	case c.Unwatched():
		return p.columns(c.Presence(), "unwatched")
	}
	return p.columns(c.Presence(), onlineWord(c.Online))
}

func (p printer) line(v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(p.w, "%s\n", text)
	}
	return err
}

func (p printer) columns(at bridge.Presence, word string) error {
	ext := ""
	if at.Ext != "" {
		ext = fmt.Sprintf("%q", at.Ext)
	}
	line := fmt.Sprintf("%s  %-*s  %-9s  %-24s  %s", time.UnixMilli(at.ObservedAt).Format(time.TimeOnly),
		p.uidWidth, at.UID, word, devices(at.Status), ext)
	_, err := fmt.Fprintln(p.w, strings.TrimRight(line, " "))
	return err
}

func onlineWord(online bool) string {
	if online {
		return "online"
	}
	return "offline"
}

// devices is a status on one line. Devices are named by users, so what a terminal would obey is taken out.
func devices(status map[string]string) string {
	var list []string
	for _, device := range slices.Sorted(maps.Keys(status)) {
		list = append(list, device+"="+status[device])
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.Join(list, " "))
}
