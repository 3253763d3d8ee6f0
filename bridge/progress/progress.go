// Package progress tells in the log how far long work about users has come: a line each two seconds, and one at its
// end. Short work is silent (TestLongWorkShowsProgress). A [Progress] belongs to one goroutine; it has no clock of its
// own, so that a test brings the time.
package progress

import (
	"log/slog"
	"time"
)

// every is how long work may take before it is told how far it is.
const every = 2 * time.Second

// Progress is how far one piece of work is. A nil one is silent.
type Progress struct {
	log       *slog.Logger
	doing     string
	ended     string
	of, users int
	began     time.Time
	next      time.Time // when something is told
}

// Begin begins work of about so many users. doing and ended are what the log says of it under way and at its end.
func Begin(log *slog.Logger, doing, ended string, of int, now time.Time) *Progress {
	return &Progress{log: log, doing: doing, ended: ended, of: of, began: now, next: now.Add(every)}
}

// Step counts one more user.
func (p *Progress) Step(now time.Time) {
	if p != nil {
		p.To(p.users+1, now)
	}
}

// To says how many users have been dealt with.
func (p *Progress) To(users int, now time.Time) {
	if p == nil {
		return
	}
	p.users = users
	if !now.Before(p.next) {
		p.next = now.Add(every)
		p.log.Info(p.doing, "users", users, "of", max(p.of, users))
	}
}

// End tells the end of what was long.
func (p *Progress) End(now time.Time) {
	if p == nil {
		return
	}
	if took := now.Sub(p.began); took >= every {
		p.log.Info(p.ended, "users", p.users, "took", took.Round(time.Millisecond))
	}
}
