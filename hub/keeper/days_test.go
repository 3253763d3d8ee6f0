package keeper

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/stretchr/testify/require"
)

// days are ninety days of the whole keeper, with the real client and the real emulator, whose truth is looked at
// every ten minutes.
type days struct {
	*stage
	dice    *rand.Rand
	users   []bridge.UID
	all     []string // operators, of which one may be away
	began   map[wrong]time.Time
	excused time.Time
	fired   map[string]int
}

// TestDaysAtTheEmulator holds the keeper to the bounds of the package's doc, whatever the emulator, its other callers
// and a restart do.
func TestDaysAtTheEmulator(t *testing.T) {
	t.Parallel()
	seeds := uint64(4)
	if raced || testing.Short() {
		seeds = 1
	}
	began, fired, calls := time.Now(), map[string]int{}, 0
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDays(t, seed)
				d.pass(90 * 24 * time.Hour)
				d.settle()
				for what, n := range d.fired {
					fired[what] += n
				}
				f := d.emu.FaultsFired()
				fired["errors"] += f.Error
				fired["resets"] += f.Reset
				fired["malformed answers"] += f.Malformed
				fired["entries dropped"] += f.DropEntry
				fired["calls in an outage"] += f.Outage
				for _, n := range d.emu.Stats().Calls {
					calls += n
				}
			})
		})
	}
	t.Logf("%d seeds, %d calls in %v: %v", seeds, calls, time.Since(began).Round(time.Millisecond), fired)
	for _, what := range []string{"errors", "resets", "malformed answers", "entries dropped", "calls in an outage", "watched", "unwatched",
		"strangers push ours out", "others push ours out", "somebody ends ours", "restart", "ledger lost in part", "operator away", "operator back"} {
		require.NotZero(t, fired[what], what)
	}
}

func newDays(t *testing.T, seed uint64) *days {
	d := &days{dice: rand.New(rand.NewPCG(seed, 7)), began: map[wrong]time.Time{}, fired: map[string]int{}}
	o := emulator.Options{Users: -1, MaxSubscriptions: 50, MaxSubscribers: 4, Seed: seed, Numbers: seed%2 == 0}
	if seed%2 == 1 {
		o.AsyncAbove = 5
	}
	d.all = operators(3)
	d.stage = newStage(t, o, Config{Operators: d.all, Capacity: 50, Reconcile: 3 * time.Hour})
	d.users = people("user", 60)
	d.begin()
	return d
}

func (d *days) begin() {
	d.start()
	d.excused = later(d.excused, time.Now())
}

// withoutBound and unwantedBound are those of the package's doc.
func (d *days) withoutBound() time.Duration { return d.config.Reconcile + 6*time.Minute }

func (d *days) unwantedBound() time.Duration { return d.withoutBound() + 2*time.Minute }

func (d *days) pass(span time.Duration) {
	for end := time.Now().Add(span); time.Now().Before(end); {
		if d.dice.IntN(12) == 0 {
			d.something()
		}
		time.Sleep(10 * time.Minute)
		d.look()
	}
}

func (d *days) something() {
	op := d.config.Operators[d.dice.IntN(len(d.config.Operators))]
	some := names(d.some(20))
	switch d.dice.IntN(14) {
	default:
		d.fired["watched"]++
		d.watchers.watch(d.some(30)...)
	case 0, 1, 2:
		d.fired["unwatched"]++
		d.watchers.unwatch(d.some(30)...)
	case 3:
		d.faulty(emulator.Faults{Outage: true}, 5*time.Hour, true)
	case 4:
		d.faulty(emulator.Faults{ErrorRate: 0.05, ResetRate: 0.05, MalformedRate: 0.02}, 48*time.Hour, false)
	case 5: // a list that leaves users out finds nobody
		d.faulty(emulator.Faults{DropEntryRate: 0.05, EmptyUIDRate: 0.02}, 24*time.Hour, true)
	case 6:
		strangers := people(fmt.Sprint("stranger-", time.Now().Unix()), 30) // others each time
		d.others("strangers push ours out", op, names(strangers))
	case 7:
		d.others("others push ours out", "other-1", some)
		d.others("others push ours out", "other-2", some)
		d.others("others push ours out", "other-3", some)
		d.others("others push ours out", "other-4", some)
	case 8:
		if d.client.Unsubscribe(d.t.Context(), op, some) == nil {
			d.fired["somebody ends ours"]++
		}
	case 9, 10:
		d.restart()
	}
}

func (d *days) some(most int) []bridge.UID {
	from := d.dice.IntN(len(d.users))
	return d.users[from:min(from+1+d.dice.IntN(most), len(d.users))]
}

// faulty has calls fail for a while, through which time passes.
func (d *days) faulty(f emulator.Faults, most time.Duration, excused bool) {
	require.NoError(d.t, d.emu.SetFaults(f))
	span := time.Duration(d.dice.Int64N(int64(most)))
	for end := time.Now().Add(span); time.Now().Before(end); {
		time.Sleep(10 * time.Minute)
		if excused {
			d.excused = time.Now()
		}
		d.look()
	}
	require.NoError(d.t, d.emu.SetFaults(emulator.Faults{}))
}

// others is somebody else who subscribes for longer than we do.
func (d *days) others(what, op string, uids []string) {
	if _, err := d.client.Subscribe(d.t.Context(), op, uids, 30*24*time.Hour); err == nil {
		d.fired[what]++
	}
}

// restart has another keeper take over, with another set of operators at times, and some of the ledger lost.
func (d *days) restart() {
	d.fired["restart"]++
	d.stop()
	time.Sleep(time.Duration(d.dice.Int64N(int64(15 * time.Second))))
	switch {
	case d.dice.IntN(2) == 0:
	case len(d.config.Operators) < len(d.all):
		d.fired["operator back"]++
		d.config.Operators = d.all
		clear(d.began)
	default:
		d.fired["operator away"]++
		d.config.Operators = d.all[:2]
	}
	if d.dice.IntN(2) == 0 {
		for _, uid := range d.some(30) {
			d.fired["ledger lost in part"]++
			delete(d.ledger.lines, uid)
		}
	}
	d.begin()
}

// wrong is a user who is watched and not subscribed, or the other way round.
type wrong struct {
	uid     bridge.UID
	watched bool
}

// look holds what the emulator has against who is watched.
func (d *days) look() {
	d.t.Helper()
	have, now := d.subscribed(), map[wrong]bool{}
	for _, uid := range d.users {
		if _, subscribed := have[uid]; d.watchers.Watched(uid) != subscribed {
			now[wrong{uid, !subscribed}] = true
		}
		delete(have, uid)
	}
	for uid := range have {
		now[wrong{uid, false}] = true
	}
	maps.DeleteFunc(d.began, func(w wrong, _ time.Time) bool { return !now[w] })
	for w := range now {
		d.judge(w)
	}
}

func (d *days) judge(w wrong) {
	if _, ok := d.began[w]; !ok {
		d.began[w] = time.Now()
	}
	bound := d.withoutBound()
	if !w.watched {
		bound = d.unwantedBound()
	}
	if lasts := time.Since(later(d.began[w], d.excused)); lasts > bound {
		d.t.Fatalf("%+v, for %v already", w, lasts)
	}
}

// settle ends the faults and finds everything as it should be.
func (d *days) settle() {
	time.Sleep(d.unwantedBound())
	d.look()
	require.Empty(d.t, d.began)
	requireLedgerTells(d.t, d.ledger, d.emu, d.config)
	d.stop()
}
