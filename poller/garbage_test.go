package poller

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// garbage is what anybody may write anywhere. That object says nothing wrong where every field may be left out.
var garbage = []struct {
	name   string
	data   []byte
	object bool
}{
	{"nothing", nil, true},
	{"foreign JSON", []byte(`{"hello":"world"}`), true},
	{"null", []byte(`null`), true},
	{"wrong types", []byte(`{"uid":[],"observed_at":"1","app":5,"watchers":"many","operator":1,"source":{}}`), false},
	{"truncated", []byte(`{"uid":"user-0001","online":tr`), false},
	{"numbers out of range", []byte(`{"observed_at":1e999,"watchers":1e300,"until":1e300,"app":1,"uid":1}`), false},
	{"NUL", []byte("{\x00\x00}"), false},
	{"not UTF-8", []byte("\xff\xfe\xfd"), false},
	{"deep", bytes.Repeat([]byte("["), 1_000_000), false},
	{"huge", bytes.Repeat([]byte("x"), 1_000_000), false},
}

var oddTokens = []string{"UPPER", "=61", "=GG", "a=2", "ünï", "a\x00b", strings.Repeat("a", 65), strings.Repeat("=2D", 500)}

// vandal writes to NATS whatever it likes.
type vandal struct {
	*rig
	p  *testPoller
	js jetstream.JetStream
}

func (v *vandal) write(subject string, data []byte) {
	v.t.Helper()
	_, err := v.js.Publish(v.t.Context(), subject, data)
	require.NoError(v.t, err, subject)
}

// passed is what the poller's metrics say was passed over of a kind.
func (v *vandal) passed(kind bridge.Passed) int {
	families, err := v.p.metrics.Gather()
	require.NoError(v.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "presence_bridge_passed_over_total" && m.GetLabel()[0].GetValue() == string(kind) {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return -1
}

// counts waits until all of what was done is counted.
func (v *vandal) counts(kind bridge.Passed, n int, do func()) {
	v.t.Helper()
	before := v.passed(kind)
	require.GreaterOrEqual(v.t, before, 0)
	do()
	v.eventually(fmt.Sprintf("%d of %s are counted", n, kind), func() bool { return v.passed(kind) >= before+n })
}

// others shows that the change of somebody else arrives.
func (v *vandal) others(what string) {
	v.t.Helper()
	v.emulator.SetUser("user-0002", map[string]string{"ios": "1"}, what)
	v.eventually("others' changes arrive after "+what, func() bool {
		last := v.record.last("user-0002")
		return last != nil && last.Ext == what
	})
}

// TestGarbageHarmsNobody writes garbage of each kind to each place that a poller reads: all of it is counted, others'
// changes arrive, nobody is shown in a state that they never were in, and nobody who is watched is let go.
func TestGarbageHarmsNobody(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 20, Paused: true})
	nc, _ := r.bus()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	v := &vandal{rig: r, p: r.poller(r.config("p")), js: js}
	uids := r.people(20)
	r.settled(uids)

	odd := len(oddTokens)
	faulty := 0 // of all garbage, for who may leave everything out
	for _, g := range garbage {
		if !g.object {
			faulty++
		}
	}
	each := func(subject string) {
		for i, g := range garbage {
			v.write(fmt.Sprint(subject, i), g.data)
		}
	}
	tokens := func(subject, data string) {
		for _, token := range oddTokens {
			v.write(subject+token, []byte(data))
		}
	}
	log := strings.TrimSuffix(testApp.Subjects(), "*")
	for _, place := range []struct {
		kind bridge.Passed
		n    int
		do   func()
	}{
		{bridge.PassedLog, len(garbage) + odd, func() { each(log + "ghost-"); tokens(log, `{"uid":"user-0003","online":true,"observed_at":1}`) }},
		{bridge.PassedHolder, faulty + 2, func() {
			each("$KV.presence_holders.ghost-")
			v.write("$KV.presence_holders.a.b", nil)
			v.write("$KV.presence_holders.holder", garbage[4].data) // of the one who lives
		}},
		{bridge.PassedWatch, faulty + odd + 2, func() {
			each("$KV.presence_watch.holder.ghost-")
			tokens("$KV.presence_watch.holder.", "")
			v.write("$KV.presence_watch.*.user-0004", nil)
			v.write("$KV.presence_watch.holder.user-0005", garbage[4].data) // who is watched
		}},
		{bridge.PassedLedger, len(garbage) + odd, func() {
			each("$KV.presence_subscriptions.user-000")
			tokens("$KV.presence_subscriptions.", `{"operator":"svc-1","until":4102444800000}`)
		}},
		{bridge.PassedHint, len(garbage) - 1, func() { // the empty one proves a permission
			for _, g := range garbage {
				require.NoError(t, nc.Publish(testApp.HintSubject(), g.data))
			}
		}},
	} {
		v.counts(place.kind, place.n, place.do)
		v.others("garbage in " + string(place.kind))
	}
	v.theirs()
	v.learned()

	r.settled(uids)
	for _, uid := range uids {
		require.True(t, v.p.watches(uid), uid)
		require.False(t, r.record.last(uid).Unwatched(), uid)
	}
	r.checkLog()
}

// theirs has another app's holder watch somebody whom nobody watches here: no garbage, and none of ours.
func (v *vandal) theirs() {
	v.write("$KV.presence_holders.theirs", []byte(`{"app":"demo#other"}`))
	v.write("$KV.presence_watch.theirs.theirs", nil)
	v.write("$KV.presence_watch.holder.ours", nil)
	v.eventually("what came after it is heard", func() bool { return v.p.watches("ours") })
	require.False(v.t, v.p.watches("theirs"))
}

// learned has one poller after the other find garbage where it looks for what was learned.
func (v *vandal) learned() {
	_, bus := v.rig.bus()
	key := "$KV.presence_learned." + testApp.Tokens() + ".0"
	for i, g := range garbage {
		v.p.stop()
		v.write(key, g.data)
		v.takesOver(fmt.Sprint("after-", i))
		v.others("garbage learned: " + g.name)
	}
	v.p.stop()
	require.NoError(v.t, bus.SaveLearned(v.t.Context(), []byte("whole, and of somebody else")))
	v.takesOver("after-all")
}

// takesOver starts another poller, which finds the garbage.
func (v *vandal) takesOver(id string) {
	v.p = v.poller(v.config(id))
	v.eventually("another leads", v.p.leading)
	require.Equal(v.t, 1, v.passed(bridge.PassedLearned), id)
}

// TestGarbageAboutOneUser overwrites the state of somebody who is watched, again and again: the next look writes over
// it, and says that it is a first one.
func TestGarbageAboutOneUser(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 3, Paused: true})
	nc, _ := r.bus()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	v := &vandal{rig: r, p: r.poller(r.config("p")), js: js}
	uids := r.people(3)
	r.settled(uids)
	for i, g := range garbage {
		v.counts(bridge.PassedLog, 1, func() { v.write(testApp.Subject("user-0001"), g.data) })
		r.eventually("it is written over: "+g.name, func() bool { return len(r.record.of("user-0001")) == 2+i })
		require.Equal(t, []string{bridge.ChangedFirst}, r.record.last("user-0001").Changed)
		v.others(g.name)
	}
	r.settled(uids)
}
