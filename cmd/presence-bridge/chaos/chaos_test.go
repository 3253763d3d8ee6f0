//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

const (
	defaultSeed   = 97847 // one that a log without all of its marks does not survive
	defaultRounds = 30
	quietWithin   = 2 * time.Minute
)

// Whatever is done to it, and all at once, the log tells no lie, and the truth in the end.
func TestChaos(t *testing.T) {
	seed, rounds := number(t, "CHAOS_SEED", defaultSeed), int(number(t, "CHAOS_ROUNDS", defaultRounds))
	t.Logf("CHAOS_SEED=%d CHAOS_ROUNDS=%d", seed, rounds)
	w := build(t, seed)
	t.Cleanup(w.tellOnFailure)
	steady, fickle := people(1, steadyUsers), people(steadyUsers+1, steadyUsers+fickleUsers)
	w.audience.watch(steady...)
	require.NoError(t, until(t.Context(), patience, "everybody known", func() bool { return len(w.wrong(steady)) < steadyUsers/5 }))
	stopWavering := w.start("wavering", func(ctx context.Context) error {
		w.audience.waver(ctx, rand.New(rand.NewPCG(seed, 1)), fickle)
		return nil
	})

	began := time.Now()
	w.play(t, plan(rand.New(rand.NewPCG(seed, 0)), rounds))
	played := time.Since(began)
	stopWavering()
	require.NoError(t, w.emulator.SetPopulation(emulator.Population{Users: users, ChangesPerS: changesPerS, Paused: true}))
	quiet := time.Now()
	if err := until(t.Context(), quietWithin, "the truth", func() bool { return len(w.wrong(people(1, users))) == 0 }); err != nil {
		t.Errorf("%v: %q", err, w.wrong(people(1, users)))
	}
	t.Logf("%d rounds in %v, then quiet, and right after %v", rounds, played.Round(time.Second), time.Since(quiet).Round(10*time.Millisecond))
	w.requireProofs(t)
	w.audit(t)
}

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 63)
	require.NoError(t, err, variable)
	return n
}

// play does the rounds, each when its time comes, beside those that are not over yet. It returns when all are over.
func (w *world) play(t *testing.T, rounds []round) {
	var all sync.WaitGroup
	defer all.Wait()
	for i, r := range rounds {
		time.Sleep(r.after) // the plan itself
		all.Go(func() {
			proof, err := w.doUntilProven(t.Context(), r)
			if err != nil {
				t.Errorf("round %d, %s: %v", i+1, r.kind, err)
				return
			}
			t.Logf("round %d, %s: %s", i+1, r.kind, proof)
			w.count(r.kind)
		})
	}
}

// doUntilProven does a round again where there was nothing for it to happen to, as when a link is cut that nobody uses.
func (w *world) doUntilProven(ctx context.Context, r round) (proof string, err error) {
	for range 10 {
		if proof, err = w.do(ctx, r); proof != "" || err != nil {
			return proof, err
		}
		pause(ctx, time.Second)
	}
	return "", errors.New("there was nothing for it to happen to")
}

// wrong tells of whom the log does not say how they are, or that nobody watches them.
func (w *world) wrong(uids []bridge.UID) (wrong []string) {
	now := w.emulator.Users()
	for _, uid := range uids {
		m, known := w.recorder.lastOf(uid)
		switch watched := w.audience.watched(uid); {
		case !watched && known && !m.Unwatched():
			wrong = append(wrong, fmt.Sprintf("%s is not watched: %s", uid, told(m)))
		case watched && !known:
			wrong = append(wrong, fmt.Sprintf("%s is not known", uid))
		case watched && (m.Unwatched() || !m.State.Equal(truth(now[string(uid)]))):
			wrong = append(wrong, fmt.Sprintf("%s is %+v: %s", uid, now[string(uid)], told(m)))
		}
	}
	return wrong
}

// requireProofs holds that each kind of fault fired, and that the clocks are off.
func (w *world) requireProofs(t *testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range kinds {
		t.Logf("%-32s %3d times", k.kind, w.fired[k.kind])
		if w.fired[k.kind] == 0 {
			t.Errorf("%s: it never fired", k.kind)
		}
	}
	for _, s := range w.pollers {
		off := time.Duration(s.clock.Load())
		t.Logf("%s: clock off by %v, %d processes, %d times without NATS", s.name, off.Round(time.Millisecond), s.starts.Load(),
			s.said.count("NATS is away"))
		require.InDelta(t, s.skew.Seconds(), off.Seconds(), 1.5, s.name)
	}
}

// audit holds the whole log against the vendor's history.
func (w *world) audit(t *testing.T) {
	log, missing, foreign := w.recorder.all()
	require.Empty(t, missing, "the recorder came too late for these")
	require.Empty(t, foreign, "these cannot be read")
	w.mu.Lock()
	slow := w.slow
	w.mu.Unlock()
	c := court{
		history: func(uid bridge.UID) []emulator.Moment { return w.emulator.History(string(uid)) },
		watched: w.audience.of,
		behind:  behind, ahead: ahead, look: 3 * time.Second, slow: slow, lag: 30 * time.Second,
	}
	lies, seen := c.judge(log)
	t.Logf("audited: %+v, of %d changes", seen, w.changes())
	for i, lie := range lies {
		if i == 40 {
			t.Errorf("and %d more", len(lies)-i)
			break
		}
		t.Error(lie)
	}
	require.Greater(t, min(seen.changes, seen.firsts-steadyUsers, seen.unwatched), 10, "there was much to audit")
}

// changes is how many the vendor's people made.
func (w *world) changes() (n int) {
	for _, uid := range people(1, users) {
		n += len(w.emulator.History(string(uid))) - 1
	}
	return n
}

func (w *world) tellOnFailure() {
	if !w.t.Failed() {
		return
	}
	for _, s := range w.pollers {
		w.t.Logf("%s:\n%s", s.name, s.said.tail(150))
	}
	w.t.Logf("NATS:\n%s", w.nats.said.tail(60))
}
