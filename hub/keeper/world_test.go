package keeper

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"

	"github.com/stretchr/testify/require"
)

// world is a vendor without a network, a ledger without NATS and a clock that jumps: what a book is tried on.
type world struct {
	t      *testing.T
	config Config
	dice   *rand.Rand
	book   *book
	now    time.Time

	vendor map[string]map[bridge.UID]time.Time // operator -> uid -> until
	ledger map[bridge.UID]bridge.Subscription
	wanted map[bridge.UID]time.Time // uid -> since
	fails  float64                  // how many calls fail; of those half have worked all the same
	bad    map[bridge.UID]bool      // whom the vendor refuses

	calls [kinds]int
	uids  [kinds]int
	times [kinds][]time.Time
	sizes []int // of the renewals
	quiet bool  // the book is not checked after each call
}

var worldStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const callTakes = 20 * time.Millisecond

func newWorld(t *testing.T, c Config, seed uint64) *world {
	c.ID = "world"
	c = c.withDefaults()
	require.NoError(t, c.Validate())
	w := &world{t: t, config: c, dice: rand.New(rand.NewPCG(seed, 1)), now: worldStart,
		vendor: map[string]map[bridge.UID]time.Time{}, ledger: map[bridge.UID]bridge.Subscription{},
		wanted: map[bridge.UID]time.Time{}, bad: map[bridge.UID]bool{}}
	for _, op := range c.Operators {
		w.vendor[op] = map[bridge.UID]time.Time{}
	}
	w.restart()
	return w
}

// restart has another keeper begin with what the ledger holds.
func (w *world) restart() {
	w.book = newBook(w.config, w.now)
	w.book.jitter = func(most time.Duration) time.Duration { return time.Duration(w.dice.Int64N(int64(most) + 1)) }
	all := make([]bridge.UID, 0, len(w.wanted))
	for uid := range w.wanted {
		all = append(all, uid)
	}
	w.book.load(w.ledger, all, w.now)
}

func (w *world) want(uids ...bridge.UID) {
	for _, uid := range uids {
		if _, ok := w.wanted[uid]; !ok {
			w.wanted[uid] = w.now
		}
		w.book.want(uid, w.now)
	}
}

func (w *world) unwant(uids ...bridge.UID) {
	for _, uid := range uids {
		delete(w.wanted, uid)
		w.book.unwant(uid, w.now)
	}
}

// run lets time pass, and all calls be made that come due.
func (w *world) run(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for {
		if c, ok := w.book.take(w.now); ok {
			w.call(c)
			w.flush()
			if !w.quiet {
				w.check()
			}
			continue
		}
		w.flush()
		at, ok := w.book.next()
		if !ok || at.After(end) {
			break
		}
		require.True(w.t, at.After(w.now), "nothing is to be done, and yet something is due")
		w.now = at
	}
	if end.After(w.now) {
		w.now = end
	}
}

func (w *world) call(c batch) {
	at := w.now
	w.now = w.now.Add(callTakes)
	w.calls[c.kind]++
	w.uids[c.kind] += len(c.uids)
	if c.kind == renew {
		w.sizes = append(w.sizes, len(c.uids))
	}
	w.times[c.kind] = append(w.times[c.kind], at)
	require.LessOrEqual(w.t, len(c.uids), maxBatch)
	require.True(w.t, len(c.uids) > 0 || c.kind == inspect, "a call for nobody")
	fails := w.dice.Float64() < w.fails
	if fails && w.dice.IntN(2) == 0 {
		w.book.failed(c, w.now)
		return
	}
	if w.refuses(c) {
		w.book.refused(c, w.now)
		return
	}
	w.perform(c, at)
	if fails {
		w.book.failed(c, w.now)
		return
	}
	w.conclude(c, at)
}

func (w *world) refuses(c batch) bool {
	for _, uid := range c.uids {
		if (c.kind == subscribe || c.kind == renew) && (w.bad[uid] || c.op.name == string(uid)) {
			return true
		}
	}
	return false
}

// perform is what the vendor does.
func (w *world) perform(c batch, at time.Time) {
	subs := w.vendor[c.op.name]
	for uid, until := range subs {
		if !until.After(at) {
			delete(subs, uid)
		}
	}
	for _, uid := range c.uids {
		if c.kind == release {
			delete(subs, uid)
		} else {
			subs[uid] = at.Add(w.config.TTL)
		}
	}
	require.LessOrEqual(w.t, len(subs), w.config.Capacity, "the vendor would have pushed somebody out of %s", c.op.name)
}

// conclude is what the keeper hears.
func (w *world) conclude(c batch, at time.Time) {
	switch c.kind {
	case release:
		w.book.dropped(c, w.now)
	case inspect:
		var list []easemob.Subscription
		for uid, until := range w.vendor[c.op.name] {
			if until.After(w.now) {
				list = append(list, easemob.Subscription{UID: string(uid), Expiry: until})
			}
		}
		w.book.reconcile(c.op, list, at, w.now)
	default:
		w.book.subscribed(c, at, w.answer(c), w.now)
	}
}

// answer is what the vendor says of those whom it subscribed.
func (w *world) answer(c batch) map[bridge.UID]time.Time {
	answer := map[bridge.UID]time.Time{}
	for _, uid := range c.uids {
		answer[uid] = w.vendor[c.op.name][uid]
	}
	return answer
}

func (w *world) flush() {
	for uid := range w.book.dirty {
		if s, ok := w.book.subscription(uid); ok {
			w.ledger[uid] = s
		} else {
			delete(w.ledger, uid)
		}
	}
	clear(w.book.dirty)
}

// check holds the book against itself: everybody is in one place, and nobody is one too many.
func (w *world) check() {
	w.t.Helper()
	b := w.book
	placed := b.waiting.Len() + len(b.parked)
	for _, op := range b.operators {
		placed += op.load()
		require.LessOrEqual(w.t, op.load(), w.config.Capacity)
		for uid := range op.extras {
			if e := b.entries[uid]; e != nil && e.op == op {
				w.t.Fatalf("%s is both held and to be released", uid)
			}
		}
	}
	require.Equal(w.t, len(b.entries), placed)
	for uid := range w.wanted {
		if e := b.entries[uid]; e == nil || e.place == leaving {
			w.t.Fatalf("%s is wanted, and the book does not say so", uid)
		}
	}
}

func (w *world) covered(uid bridge.UID) bool {
	for _, subs := range w.vendor {
		if subs[uid].After(w.now) {
			return true
		}
	}
	return false
}

func (w *world) resetCounts() {
	w.calls, w.uids, w.times, w.sizes = [kinds]int{}, [kinds]int{}, [kinds][]time.Time{}, nil
}

func people(prefix string, n int) []bridge.UID {
	uids := make([]bridge.UID, n)
	for i := range uids {
		uids[i] = bridge.UID(fmt.Sprintf("%s-%05d", prefix, i))
	}
	return uids
}
