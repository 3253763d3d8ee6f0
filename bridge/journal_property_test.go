package bridge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// world is the truth that several pollers with clocks of their own look at. Each state of a user has a version,
// its last_time.
type world struct {
	rnd      *rand.Rand
	states   map[UID]State
	uids     []UID
	pollers  []*Journal
	underway [][]Observation // looks that have begun, one list a poller
	seen     *recorder
}

func newWorld(t *testing.T, seed uint64, srv *Server, app App) *world {
	w := &world{rnd: rand.New(rand.NewPCG(seed, 2)), states: map[UID]State{}, seen: &recorder{}}
	for i := range 3 {
		b, err := Open(t.Context(), connectTo(t, srv), app, quick, nil)
		require.NoError(t, err)
		skew := time.Duration(w.rnd.IntN(7200)-3600) * time.Second
		j := NewJournal(b)
		j.now = func() time.Time { return time.Now().Add(skew) }
		followers := []Follower{j}
		if i == 0 {
			followers = append(followers, w.seen)
		}
		inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, followers...) })
		waitFor(t, j.Ready(), "the journal")
		w.pollers = append(w.pollers, j)
	}
	w.underway = make([][]Observation, len(w.pollers))
	for i := range 4 {
		w.uids = append(w.uids, UID(fmt.Sprint("u", i)))
		w.change(w.uids[i])
	}
	return w
}

// change makes a new state, often one that looks like an earlier one but for its version.
func (w *world) change(uid UID) {
	status := map[string]string{"web": fmt.Sprint(w.rnd.IntN(2))}
	w.states[uid] = StateOf(status, "", w.states[uid].LastTime+1)
}

// look begins looks of one poller at some users.
func (w *world) look(poller int) {
	for _, uid := range w.uids {
		if w.rnd.IntN(2) == 0 {
			w.underway[poller] = append(w.underway[poller], Observation{
				UID: uid, State: w.states[uid], At: w.pollers[poller].now(), Source: SourcePoll,
			})
		}
	}
}

// land hands in a part of what is under way, by several pollers at once and in any order.
func (w *world) land(t *testing.T) {
	var all sync.WaitGroup
	for i, j := range w.pollers {
		if w.rnd.IntN(3) == 0 {
			continue
		}
		looks := w.underway[i]
		w.rnd.Shuffle(len(looks), func(a, b int) { looks[a], looks[b] = looks[b], looks[a] })
		n := w.rnd.IntN(len(looks) + 1)
		batch := looks[:n:n]
		w.underway[i] = looks[n:]
		all.Go(func() {
			_, err := j.Observe(t.Context(), batch)
			require.NoError(t, err)
		})
	}
	all.Wait()
}

func (w *world) step(t *testing.T) {
	switch w.rnd.IntN(8) {
	case 0, 1:
		w.change(w.uids[w.rnd.IntN(len(w.uids))])
	case 2, 3, 4:
		w.look(w.rnd.IntN(len(w.pollers)))
	case 5, 6:
		w.land(t)
	case 7:
		if w.rnd.IntN(4) == 0 {
			_, err := w.pollers[w.rnd.IntN(len(w.pollers))].Unwatch(t.Context(), w.uids[:1])
			require.NoError(t, err)
		}
	}
}

// check holds the log against what is promised.
func (w *world) check(t *testing.T, seed uint64) {
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	last := map[UID]Entry{}
	for _, e := range w.seen.entries {
		before := last[e.UID]
		if before.Change == nil {
			require.Nil(t, e.Prev, "seed %d: %s begins with nothing before", seed, e.UID)
			last[e.UID] = e
			continue
		}
		require.Equal(t, before.State, *e.Prev, "seed %d: the chain of %s holds at %d", seed, e.UID, e.Seq)
		require.GreaterOrEqual(t, e.ObservedAt, before.ObservedAt, "seed %d: observed_at of %s at %d", seed, e.UID, e.Seq)
		require.GreaterOrEqual(t, e.LastTime, before.LastTime, "seed %d: %s goes back to an older state at %d", seed, e.UID, e.Seq)
		require.False(t, !e.Unwatched() && !before.Unwatched() && e.Equal(before.State), "seed %d: %s: nothing changed at %d", seed, e.UID, e.Seq)
		last[e.UID] = e
	}
	for uid, state := range w.states {
		require.Equal(t, state, last[uid].State, "seed %d: the last state of %s is the truth", seed, uid)
	}
}

// Several pollers with clocks that differ by up to two hours look at a changing world, hand in what they saw
// late and in any order, and tell the truth in the end.
func TestWhateverTheOrderTheLogIsTrue(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	for seed := range uint64(24) {
		w := newWorld(t, seed, srv, App{Org: "world", Name: fmt.Sprint(seed)})
		for range 150 {
			w.step(t)
		}
		for _, j := range w.pollers {
			for uid, state := range w.states {
				require.Eventually(t, func() bool {
					out, err := j.Observe(t.Context(), []Observation{{UID: uid, State: state, At: j.now(), Source: SourcePoll}})
					return err == nil && len(out.Again) == 0
				}, soon, time.Millisecond)
			}
		}
		end, err := w.pollers[0].bus.js.Stream(t.Context(), StreamName)
		require.NoError(t, err)
		for uid := range w.states {
			msg, err := end.GetLastMsgForSubject(t.Context(), w.pollers[0].bus.app.Subject(uid))
			require.NoError(t, err)
			require.Eventually(t, w.seen.has(uid, msg.Sequence), soon, time.Millisecond)
		}
		w.check(t, seed)
	}
}
