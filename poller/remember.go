package poller

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	memorizeEvery = 5 * time.Minute
	recallFor     = 5 * time.Second        // the longest that a term waits for what was learned before
	farewellFor   = 500 * time.Millisecond // the longest that the end of a term waits for what was learned in it
)

// recall reads what was learned before. Without it, or where it cannot be read, everything is learned anew.
func (p *Poller) recall(ctx context.Context) memory {
	ctx, cancel := context.WithTimeout(ctx, recallFor)
	defer cancel()
	data, err := p.bus.LoadLearned(ctx)
	if err == nil && data == nil {
		return memory{}
	}
	var m memory
	if err == nil {
		if m, err = readMemory(data); err != nil {
			p.bus.PassOver(bridge.PassedLearned, bridge.LearnedBucket, err)
		}
	}
	if err != nil {
		p.log.Warn("remembering how people change; it is learned anew", "error", err)
		return memory{}
	}
	p.log.Info("remembering how people change", "users", len(m.records))
	return m
}

// memorize writes what was learned down, now and then and at the end.
func (t *term) memorize(ctx context.Context) error {
	tick := time.NewTicker(memorizeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellFor)
			defer cancel()
			t.writeDown(last)
			return nil
		case <-tick.C:
			t.writeDown(ctx)
		}
	}
}

func (t *term) writeDown(ctx context.Context) {
	t.p.mu.Lock()
	data := t.lineup.learned()
	t.p.mu.Unlock()
	if err := t.p.bus.SaveLearned(ctx, data); err != nil {
		t.p.log.Warn("writing down how people change; a restart would learn it anew", "error", err)
	}
}
