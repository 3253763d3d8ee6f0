package road

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// What a user sets through the bridge is on another client's screen after one call out of turn: long before
// the user's turn would come.
func TestOwnSet(t *testing.T) {
	r := build(t, emulator.Options{Users: 2000, Paused: true, Seed: 4})
	r.rate = 4 // a turn of 2,000 users takes 5 s
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	v := watchTwoThousand(t, r, h)
	for i := range 5 {
		uid := fmt.Sprintf("user-%04d", 1+i*400)
		text := fmt.Sprintf("set %d", i)
		putPresence(t, h, uid, "web_1", `{"status":"1","ext":"`+text+`"}`)
		before := r.emulator.Stats().Calls["get"]
		eventually(t, 5*time.Second, "the other client sees it", func() bool { p, _ := v.get(uid); return p.Ext == text })
		// One call may have been chosen before the set, the next has to hold the user, and one more may have
		// begun before the client was looked at.
		require.LessOrEqual(t, r.emulator.Stats().Calls["get"]-before, 3, "it waited for its turn: a turn is 20 calls")
	}
}

func watchTwoThousand(t testing.TB, r *road, h *roadHub) *view {
	t.Helper()
	v := newView()
	uids := people(2000)
	r.webSocket(h.addr, v, "", uids[:1000]...)
	r.webSocket(h.addr, v, "", uids[1000:]...)
	eventually(t, 30*time.Second, "everybody is known", func() bool {
		n := 0
		v.read(func(v *view) { n = len(v.states) })
		return n == len(uids)
	})
	return v
}

// BenchmarkOwnSet is the time from a PUT to another client's screen.
func BenchmarkOwnSet(b *testing.B) {
	for _, users := range []int{200, 2000} {
		b.Run(fmt.Sprintf("%dusers", users), func(b *testing.B) { benchmarkOwnSet(b, users) })
	}
}

func benchmarkOwnSet(b *testing.B, users int) {
	r := build(b, emulator.Options{Users: users, Paused: true, Seed: 4})
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	v := newView()
	for i := 0; i < users; i += 1000 {
		r.webSocket(h.addr, v, "", people(users)[i:min(i+1000, users)]...)
	}
	eventually(b, 30*time.Second, "everybody is known", func() bool {
		n := 0
		v.read(func(v *view) { n = len(v.states) })
		return n == users
	})
	i := 0
	for b.Loop() {
		i++
		text := fmt.Sprintf("set %d", i)
		putPresence(b, h, "user-0007", "web_1", `{"status":"1","ext":"`+text+`"}`)
		for {
			if p, _ := v.get("user-0007"); p.Ext == text {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}
