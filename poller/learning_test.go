package poller

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// recordOf is what a leading poller has learned of a user.
func (p *testPoller) recordOf(uid bridge.UID) (r schedule.Record, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.term == nil || p.term.lineup.members[uid] == nil {
		return r, false
	}
	return p.term.lineup.schedule.Record(p.term.lineup.members[uid].number), true
}

// TestARestartRemembersWhatWasLearned has one user change again and again, and the poller stop.
func TestARestartRemembersWhatWasLearned(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 50, Paused: true})
	uids := r.people(50)
	one := r.poller(r.config("one"))
	r.settled(uids)
	for i := range 3 {
		r.emulator.SetUser("user-0007", map[string]string{"ios": []string{"0", "1"}[i%2]}, "")
		r.settled(uids)
	}
	r.eventually("it has learned", func() bool {
		is, ok := one.recordOf("user-0007")
		return ok && !is.Empty()
	})
	one.stop()
	data, err := one.bus.LoadLearned(t.Context())
	require.NoError(t, err)
	m, err := readMemory(data)
	require.NoError(t, err)
	require.Contains(t, m.records, bridge.UID("user-0007"))

	c := r.config("two")
	c.Revisit, c.MaxStaleness = time.Minute, time.Hour // it looks once, and nobody changes
	two := r.poller(c)
	r.eventually("two leads", func() bool { _, ok := two.recordOf("user-0007"); return ok })
	is, _ := two.recordOf("user-0007")
	require.Equal(t, m.records["user-0007"], is)
	two.stop()

	require.NoError(t, one.bus.SaveLearned(t.Context(), []byte("nonsense")))
	three := r.poller(r.config("three"))
	r.eventually("three leads all the same", func() bool { _, ok := three.recordOf("user-0007"); return ok })
	three.stop()
	data, err = one.bus.LoadLearned(t.Context())
	require.NoError(t, err)
	_, err = readMemory(data)
	require.NoError(t, err, "and writes over what it did not understand")
}

// TestLooksGoWhereManyWatch has ten of five hundred watched by a hundred each, and two hundred calls: they could be in
// each of them.
func TestLooksGoWhereManyWatch(t *testing.T) {
	r := newRig(t, emulator.Options{Users: -1})
	slots, looks, mu := make(chan struct{}), map[string]int{}, sync.Mutex{}
	vendor := scripted{
		wait: func(ctx context.Context) error {
			select {
			case <-slots:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		get: func(_ context.Context, _ string, uids []string) (easemob.Answer, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, uid := range uids {
				looks[uid]++
			}
			return everybodyIsOnline(uids), nil
		},
	}
	uids := uidsFrom(0, 500)
	r.holder.Watch(uids...)
	for _, uid := range uids[:10] {
		r.holder.Weigh(uid, 100)
	}
	r.registered(500)
	c := r.config("p")
	c.Revisit, c.MaxStaleness = time.Nanosecond, time.Hour
	p := r.pollerAsking(vendor, c, (*Poller).Run)
	r.eventually("it leads", p.leading)
	r.eventually("it knows how many watch", func() bool { return p.registry.Watchers(uids[0]) == 100 && p.registry.Watchers(uids[499]) == 1 })
	slots <- struct{}{} // left to who led before
	for i := range 200 {
		slots <- struct{}{}
		r.eventually("the call is over", func() bool { return p.metric(t, "looks_total") == float64(100*(i+1)) && p.nobodyFlies() })
	}
	mu.Lock()
	defer mu.Unlock()
	many, few := 0, 0
	for i, uid := range uids {
		if i < 10 {
			many += looks[string(uid)]
		} else {
			few += looks[string(uid)]
		}
	}
	t.Logf("looks at one whom a hundred watch: %.1f, whom one watches: %.1f", float64(many)/10, float64(few)/490)
	require.Greater(t, float64(many)/10, 3*float64(few)/490)
}
