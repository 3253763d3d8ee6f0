package poller

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	reconcileEvery = 5 * time.Second
	buryEvery      = 30 * time.Second
)

// lead is what the active poller does. Two may do it at once: it costs calls, and nothing else.
func (p *Poller) lead(ctx context.Context) error {
	if !p.ready(ctx) {
		return nil
	}
	t := p.begin(p.recall(ctx))
	defer p.end()
	if !t.sayWhoWasLeftBehind(ctx) {
		return nil
	}
	hints, err := p.bus.SubscribeHints(p.hinted)
	if err != nil {
		return fmt.Errorf("subscribing to hints: %w", err)
	}
	defer func() { _ = hints.Unsubscribe() }() // fails only where the connection is gone, and the subscription with it
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return t.dispatch(ctx) })
	g.Go(func() error { return t.farewells(ctx) })
	g.Go(func() error { return t.reconcile(ctx) })
	g.Go(func() error { return t.tellHealth(ctx) })
	g.Go(func() error { return t.memorize(ctx) })
	return g.Wait()
}

// ready waits until the log and the registry are known; false: ctx was done first.
func (p *Poller) ready(ctx context.Context) bool {
	for _, known := range []<-chan struct{}{p.journal.Ready(), p.registry.Ready()} {
		select {
		case <-known:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (p *Poller) begin(m memory) *term {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.term = p.newTerm(m, time.Now())
	p.metrics.leader.Set(1)
	return p.term
}

func (p *Poller) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.term = nil
	p.metrics.idle()
}

// reconcile looks now and then for what events do not tell: a late writer may have written for somebody whom
// nobody watches, and holders that died leave their watches behind.
func (t *term) reconcile(ctx context.Context) error {
	left, dead := time.NewTicker(reconcileEvery), time.NewTicker(buryEvery)
	defer left.Stop()
	defer dead.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-left.C:
			t.findLeftBehind()
		case <-dead.C:
			if err := t.p.registry.ForgetTheDead(ctx); err != nil && ctx.Err() == nil {
				t.p.log.Warn("clearing up after dead holders; it will be tried again", "error", err)
			}
		}
	}
}
