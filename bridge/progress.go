package bridge

import (
	"log/slog"
	"time"
)

// progressEvery is how long the reading of the log may take before it is told how far it is.
const progressEvery = 2 * time.Second

// progress tells how far a long reading is. A short one is silent, and so is nil.
type progress struct {
	log   *slog.Logger
	of    uint64 // messages, about
	began time.Time
	next  time.Time // when something is told
	read  uint64
}

func newProgress(log *slog.Logger, of uint64, now time.Time) *progress {
	return &progress{log: log, of: of, began: now, next: now.Add(progressEvery)}
}

// step counts a message.
func (p *progress) step(now time.Time) {
	if p == nil {
		return
	}
	p.read++
	if !now.Before(p.next) {
		p.next = now.Add(progressEvery)
		p.log.Info("reading the log", "users", p.read, "of", max(p.of, p.read))
	}
}

// done tells the end of what was long.
func (p *progress) done(now time.Time) {
	if p == nil {
		return
	}
	if took := now.Sub(p.began); took >= progressEvery {
		p.log.Info("the log has been read", "users", p.read, "took", took.Round(time.Millisecond))
	}
}
