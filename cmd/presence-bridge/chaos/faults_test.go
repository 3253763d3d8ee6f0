//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

const (
	zombieFor = 20 * time.Second
	patience  = time.Minute
)

// do does what a round says, undoes it, and returns the proof that it fired; none where there was nothing for it to
// happen to.
func (w *world) do(ctx context.Context, r round) (proof string, err error) {
	switch r.kind {
	case cutVendor, stallVendor, vendorAway, vendorOdd:
		if err := w.whenAsked(ctx); err != nil {
			return "", err
		}
	}
	switch r.kind {
	case killPoller:
		return w.killPoller(ctx, w.seatOf(ctx, r))
	case zombie:
		return w.makeZombie(ctx)
	case nap:
		return w.nap(w.seatOf(ctx, r), r.lasts)
	case killNATS:
		return w.killNATS(r.lasts)
	case loseTail:
		return w.loseTail(ctx, r.lasts)
	case cutNATS:
		return cut(w.seatOf(ctx, r).nats, r.lasts)
	case stallNATS:
		return w.stall(ctx, w.seatOf(ctx, r).nats, r.lasts)
	case cutVendor:
		return cut(w.seatOf(ctx, r).vendor, r.lasts)
	case stallVendor:
		return w.stall(ctx, w.seatOf(ctx, r).vendor, r.lasts)
	case vendorAway:
		return w.vendorIs(ctx, emulator.Faults{Outage: true}, r.lasts, func(f emulator.Fired) int { return f.Outage })
	case vendorOdd:
		return w.vendorIs(ctx, oddities, r.lasts, func(f emulator.Fired) int {
			return f.Error + f.Reset + f.Malformed + f.DropEntry + f.EmptyUID + f.CorruptToken + f.TooManyQueries
		})
	}
	return "", fmt.Errorf("nobody knows how to do %q", r.kind)
}

var oddities = emulator.Faults{LatencyMS: 150, ErrorRate: 0.1, ResetRate: 0.1, MalformedRate: 0.1, DropEntryRate: 0.05,
	EmptyUIDRate: 0.01, DuplicateKeyRate: 0.05, CorruptTokenRate: 0.05, TooManyQueriesRate: 0.1}

// whenAsked waits until somebody asks the vendor.
func (w *world) whenAsked(ctx context.Context) error {
	calls := w.emulator.Stats().Calls["get"]
	return until(ctx, patience, "a call to the vendor", func() bool { return w.emulator.Stats().Calls["get"] > calls })
}

// killPoller kills a process. It is proven when another is in its place.
func (w *world) killPoller(ctx context.Context, s *pollerSeat) (string, error) {
	s.doing.Lock()
	defer s.doing.Unlock()
	p, starts := s.now.Load(), s.starts.Load()
	p.kill()
	if !p.killed() {
		return "", nil // it was gone already, as one is that starts while NATS is away
	}
	err := until(ctx, patience, "another process", func() bool { return s.starts.Load() > starts })
	return fmt.Sprintf("%s: %d, now %d", s.name, p.pid(), s.now.Load().pid()), err
}

// makeZombie stops whoever leads, until another has led for a while, and wakes it up as one that thinks it leads.
func (w *world) makeZombie(ctx context.Context) (proof string, err error) {
	late := until(ctx, patience, "somebody who leads and can be stopped", func() bool {
		id := w.leader(ctx)
		for _, s := range w.pollers {
			if proof == "" && err == nil && s.is(id) {
				proof, err = w.stopLeader(ctx, s, id)
			}
		}
		return proof != "" || err != nil
	})
	return proof, errors.Join(err, late)
}

func (w *world) stopLeader(ctx context.Context, s *pollerSeat, id string) (proof string, err error) {
	s.doing.Lock()
	defer s.doing.Unlock()
	p := s.now.Load()
	wake, err := w.stop(p)
	defer wake()
	if err != nil || w.leader(ctx) != id || !s.leading.Load() { // it has just lost it
		return "", err
	}
	from, other := time.Now(), ""
	if err = until(ctx, patience, "another who leads", func() bool {
		other = w.leader(ctx)
		return other != "" && other != id
	}); err != nil {
		return "", err
	}
	took := time.Since(from)
	pause(ctx, zombieFor-took)
	if !p.stopped() {
		return "", errors.New("the leader did not stay stopped")
	}
	wake() // it thinks that it leads, until it says otherwise
	if err = until(ctx, patience, "a zombie that steps down", func() bool { return !s.leading.Load() }); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s led, after %v %s did, woken up after %v", s.name, id, took.Round(time.Millisecond), other,
		time.Since(from).Round(time.Millisecond)), nil
}

// stop stops a process; wake is to be called in any case.
func (w *world) stop(p *process) (wake func(), err error) {
	from := time.Now()
	p.signal(syscall.SIGSTOP)
	wake = sync.OnceFunc(func() {
		p.signal(syscall.SIGCONT)
		w.slowed(from, time.Now())
	})
	return wake, until(context.Background(), patience, "a stopped process", func() bool { return p.stopped() || p.over() })
}

func (w *world) nap(s *pollerSeat, lasts time.Duration) (string, error) {
	s.doing.Lock()
	defer s.doing.Unlock()
	p := s.now.Load()
	wake, err := w.stop(p)
	defer wake()
	time.Sleep(lasts) // the fault itself
	if err != nil || !p.stopped() {
		return "", err // it was over
	}
	return fmt.Sprintf("%s: for %v", s.name, lasts), nil
}

// killNATS is proven by another process on the same port.
func (w *world) killNATS(lasts time.Duration) (string, error) {
	w.nats.doing.Lock()
	defer w.nats.doing.Unlock()
	return w.restartNATS(func() error {
		time.Sleep(lasts) // the fault itself
		return nil
	})
}

// restartNATS kills the server and starts it again. The caller holds its doing.
func (w *world) restartNATS(meanwhile func() error) (string, error) {
	before := w.nats.now
	before.kill()
	if err := meanwhile(); err != nil {
		return "", err
	}
	if err := w.nats.start(); err != nil {
		return "", err
	}
	if !before.killed() || before.pid() == w.nats.now.pid() {
		return "", errors.New("the NATS server was not killed")
	}
	return fmt.Sprintf("%d, now %d", before.pid(), w.nats.now.pid()), nil
}

// loseTail has the server lose what it has stored within a while, as a machine does that loses its power before it
// has written everything to its disk. It is proven by a log that ends earlier than it did.
func (w *world) loseTail(ctx context.Context, lasts time.Duration) (string, error) {
	w.nats.doing.Lock()
	defer w.nats.doing.Unlock()
	earlier := filepath.Join(w.scratch, fmt.Sprintf("store-%d", time.Now().UnixNano()))
	if _, err := w.restartNATS(func() error { return w.nats.copyStore(earlier) }); err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(earlier) }()
	kept, err := w.lastSeq(ctx)
	if err != nil {
		return "", err
	}
	var end uint64
	if until(ctx, 10*time.Second, "more in the log", func() bool {
		end, err = w.lastSeq(ctx)
		return err == nil && end >= kept+10
	}) != nil {
		return "", err // nobody writes now
	}
	pause(ctx, lasts)
	if end, err = w.lastSeq(ctx); err != nil {
		return "", err
	}
	if _, err := w.restartNATS(func() error { return w.nats.restoreStore(earlier) }); err != nil {
		return "", err
	}
	return fmt.Sprintf("the log ended at %d, and does at %d", end, kept), nil
}

// lastSeq is where the log ends, once the server says so.
func (w *world) lastSeq(ctx context.Context) (seq uint64, err error) {
	waited := until(ctx, patience, "the log's end", func() bool {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		stream, e := w.js.Stream(ctx, bridge.StreamName)
		if e != nil {
			return false
		}
		seq = stream.CachedInfo().State.LastSeq
		return true
	})
	return seq, waited
}

// cut is proven by connections that were reset or refused.
func cut(k *link, lasts time.Duration) (string, error) {
	before, _ := k.counts()
	k.sever()
	time.Sleep(lasts) // the fault itself
	k.unsever()
	after, _ := k.counts()
	if after == before {
		return "", nil // nobody was on the line
	}
	return fmt.Sprintf("%d ends cut or refused", after-before), nil
}

// stall is proven by bytes that had to wait.
func (w *world) stall(ctx context.Context, k *link, lasts time.Duration) (string, error) {
	from := time.Now()
	_, before := k.counts()
	k.stall()
	pause(ctx, lasts)
	k.unstall()
	w.slowed(from, time.Now())
	if _, after := k.counts(); after > before {
		return fmt.Sprintf("%d times held up", after-before), nil
	}
	return "", nil
}

// vendorIs is proven by the vendor's own count.
func (w *world) vendorIs(ctx context.Context, f emulator.Faults, lasts time.Duration, count func(emulator.Fired) int) (string, error) {
	w.vendorDoing.Lock()
	defer w.vendorDoing.Unlock()
	before := count(w.emulator.FaultsFired())
	if err := w.emulator.SetFaults(f); err != nil {
		return "", err
	}
	pause(ctx, lasts)
	if err := w.emulator.SetFaults(emulator.Faults{}); err != nil {
		return "", err
	}
	if fired := count(w.emulator.FaultsFired()) - before; fired > 0 {
		return fmt.Sprintf("%d times", fired), nil
	}
	return "", nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
