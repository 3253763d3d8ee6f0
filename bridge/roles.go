package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Role is something that one process of an app does at a time.
type Role string

// The roles.
const (
	RolePoller Role = "poller"
	RoleKeeper Role = "keeper"
)

// Lead waits for the role, runs lead while it is ours, and waits for it again, until ctx is done. lead's
// context ends when the role may be lost, before another can have it; a role that was left in peace, because
// ctx is done or lead returned an error, is free for others at once.
//
// Two may lead for a moment all the same when clocks or schedulers stop: nothing that leads may rely on being
// alone for more than its cost.
func (b *Bus) Lead(ctx context.Context, role Role, id string, lead func(context.Context) error) error {
	l := &lease{bus: b, key: b.app.Tokens() + "." + string(role), id: id}
	for {
		if err := l.acquire(ctx); err != nil {
			return nil // only ctx ends the waiting
		}
		b.log.Info("leading", "role", role, "id", id)
		err := l.hold(ctx, lead)
		if ctx.Err() != nil {
			return nil
		}
		b.log.Log(ctx, b.level(err, slog.LevelInfo), "not leading any more", "role", role, "id", id, "error", err)
		if pause(ctx, l.renewEvery()) != nil {
			return nil
		}
	}
}

// lease is a key of the bucket of roles, which expires unless it is renewed.
type lease struct {
	bus      *Bus
	key, id  string
	revision uint64
	renewed  atomic.Pointer[time.Time] // when the write that got or kept it left here
}

// leaseKey is under which a lease is in the context of who leads.
type leaseKey struct{}

// StillLeading returns when the role of the context that [Bus.Lead] gave is ours for sure, or with an error when that
// context is done. A process that was stopped for a while, as by SIGSTOP or with its machine, hears too late that
// another leads; whoever asks before each thing that costs does nothing in between.
func StillLeading(ctx context.Context) error {
	l, _ := ctx.Value(leaseKey{}).(*lease)
	for ctx.Err() == nil && l != nil && !l.sure(time.Now()) {
		_ = pause(ctx, 10*time.Millisecond)
	}
	return ctx.Err()
}

// sure says whether nobody else can have the role. The monotonic clock stands still while a machine sleeps, and the
// other one can be set, so the one that tells of more time counts.
func (l *lease) sure(now time.Time) bool {
	renewed := *l.renewed.Load()
	return max(now.Sub(renewed), now.Round(0).Sub(renewed.Round(0))) <= l.ttl()*3/5
}

func (l *lease) ttl() time.Duration        { return l.bus.settings.RoleTTL }
func (l *lease) renewEvery() time.Duration { return l.ttl() / 5 }

// acquire returns when the role is ours: at once when it is left in peace, soon after its key has expired
// otherwise.
func (l *lease) acquire(ctx context.Context) error {
	freed, stop := l.watchFreed(ctx)
	defer stop()
	before := &standing{}
	for l.bus.untilBack(ctx) {
		err := l.ask(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, jetstream.ErrKeyExists) {
			l.complainOfAStuck(ctx, before)
		} else if ctx.Err() == nil {
			l.bus.warn("asking for a role", err, "role", l.key)
			l.bus.mend(ctx, l.bus.settings.rolesBucket(), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, ok := <-freed:
			if !ok { // the connection was closed: a closed channel would have us ask without a pause
				freed = nil
			}
		case <-time.After(l.renewEvery()):
		}
	}
	return ctx.Err()
}

// ask takes the role where nobody has it, or where we do without knowing: what we asked for when NATS went away may have
// been granted since.
func (l *lease) ask(ctx context.Context) error {
	at := time.Now()
	revision, err := l.bus.roles.Create(ctx, l.key, []byte(l.id))
	if errors.Is(err, jetstream.ErrKeyExists) && l.stillOurs(ctx) == nil {
		at = time.Now()
		revision, err = l.bus.roles.Update(ctx, l.key, []byte(l.id), l.revision)
	}
	if err != nil {
		return err
	}
	l.revision = revision
	l.renewed.Store(&at)
	return nil
}

// standing is a key of the role as it was found, and since when it has been found so.
type standing struct {
	revision uint64
	since    time.Time
	told     bool
}

// stuck says once that the key has outlived what keys live without a renewal, as one does that was written by hand and
// told never to expire. Nobody leads under it, and nobody can.
func (s *standing) stuck(revision uint64, now time.Time, ttl time.Duration) bool {
	if s.revision != revision {
		*s = standing{revision: revision, since: now}
	}
	if s.told || now.Sub(s.since) < 3*ttl {
		return false
	}
	s.told = true
	return true
}

// complainOfAStuck says who blocks the role, and what to do. It is not taken from them: it may be what somebody wants.
func (l *lease) complainOfAStuck(ctx context.Context, before *standing) {
	e, err := l.bus.roles.Get(ctx, l.key)
	if err != nil || !before.stuck(e.Revision(), time.Now(), l.ttl()) {
		return
	}
	l.bus.log.Error("a role is held by a key that nobody renews and that does not expire: nobody leads",
		"role", l.key, "held_by", beginning(string(e.Value())), "since", e.Created(),
		"to_do", fmt.Sprintf("nats kv del %s %s", RolesBucket, l.key))
}

// watchFreed tells of changes of the key. It is a convenience: asking again after a while works without.
func (l *lease) watchFreed(ctx context.Context) (<-chan jetstream.KeyValueEntry, func()) {
	w, err := l.bus.roles.Watch(ctx, l.key, jetstream.UpdatesOnly())
	if err != nil {
		return nil, func() {}
	}
	return w.Updates(), func() { stopWatches(w) }
}

// hold runs lead and renews the lease beside it. Who is asked to stop leads until it has stopped, and goes on renewing.
func (l *lease) hold(ctx context.Context, lead func(context.Context) error) error {
	leading, cancel := context.WithCancelCause(context.WithValue(ctx, leaseKey{}, l))
	defer cancel(nil)
	working, ended := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { defer ended(); done <- lead(leading) }()
	tick := time.NewTicker(l.renewEvery())
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			l.release(ctx)
			return err
		case <-tick.C:
		}
		at, err := time.Now(), l.renew(working)
		switch {
		case err == nil:
			l.renewed.Store(&at)
		case working.Err() != nil: // there is nothing to renew for any more
		case errors.Is(err, errLost), !l.sure(time.Now()):
			cancel(err)
			return errors.Join(err, <-done)
		}
	}
}

var errLost = errors.New("another process has the role")

// renew writes the key again. It waits no longer than until the next renewal is due.
func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.renewEvery())
	defer cancel()
	revision, err := l.bus.roles.Update(ctx, l.key, []byte(l.id), l.revision)
	switch {
	case err == nil:
		l.revision = revision
		return nil
	case conditionFailed(err):
		return l.stillOurs(ctx)
	}
	return fmt.Errorf("renewing the role: %w", err)
}

// stillOurs looks after a refused renewal: the one before may have landed without our hearing of it.
func (l *lease) stillOurs(ctx context.Context) error {
	e, err := l.bus.roles.Get(ctx, l.key)
	if err != nil || string(e.Value()) != l.id {
		return errLost
	}
	l.revision = e.Revision()
	return nil
}

// release frees the role at once, unless somebody else has it by now.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err := l.bus.roles.Delete(ctx, l.key, jetstream.LastRevision(l.revision))
	if conditionFailed(err) && l.stillOurs(ctx) == nil { // a renewal landed without our hearing of it
		err = l.bus.roles.Delete(ctx, l.key, jetstream.LastRevision(l.revision))
	}
	if err != nil {
		l.bus.log.Warn("leaving a role; it expires by itself", "role", l.key, "error", err)
	}
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
