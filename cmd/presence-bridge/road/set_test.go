package road

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
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
	v := watchPeople(t, r, h, 2000)
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

// TestHubsShareTheBudget counts at the vendor what two hubs that begin together set for more people than they may.
func TestHubsShareTheBudget(t *testing.T) {
	const rate, people = 10, 400
	r := build(t, emulator.Options{Users: people, Paused: true})
	r.rate = rate
	var next atomic.Int64
	for _, id := range []string{"hub-1", "hub-2"} {
		h := r.addHub(id)
		for range 8 {
			r.start("setting at "+id, func(ctx context.Context) error {
				for ctx.Err() == nil {
					tryPresence(ctx, h, fmt.Sprintf("user-%04d", next.Add(1)%people+1))
				}
				return nil
			})
		}
	}
	eventually(t, 2*time.Minute, "many sets", func() bool { return r.emulator.Stats().Calls["set"] >= 8*rate })
	peak := r.emulator.Stats().PeakPerS["set"]
	t.Logf("at most %d sets in a second, of %d", peak, rate)
	require.LessOrEqual(t, peak, rate+2, "one more of each hub, where the loopback is late")
	require.GreaterOrEqual(t, peak, rate/2, "it is used")
}

// tryPresence sets somebody's presence, or is told to wait.
func tryPresence(ctx context.Context, h *roadHub, uid string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, h.http("/v1/presence/"+uid+"/web"), strings.NewReader(`{"status":"1"}`))
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}

// What the vendor would refuse is refused, and changes nothing.
func TestSetsThatTheVendorWouldRefuse(t *testing.T) {
	r := build(t, emulator.Options{Users: 1, Paused: true})
	h := r.addHub("hub-1")
	before := truthOf(t, r)
	for path, body := range map[string]string{
		"user-0001/web_1":                `{"status":"x"}`,
		"user-0001/web_2":                `{"status":"-1"}`,
		"user-0001/web_3":                `{"status":"1","ext":"` + strings.Repeat("x", 1025) + `"}`,
		"user-0001/web%2F4":              `{"status":"1"}`,
		"user-0001/web_5":                `{"status":"1","ext":null,"more":1}`,
		"user%200001/web_6":              `{"status":"1"}`,
		strings.Repeat("u", 65) + "/web": `{"status":"1"}`,
	} {
		request, err := http.NewRequest(http.MethodPut, h.http("/v1/presence/"+path), strings.NewReader(body))
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusBadRequest, response.StatusCode, "%s %s", path, body)
	}
	require.Equal(t, before, truthOf(t, r))
}

// watchPeople is a view of the first n people, all of whom are known.
func watchPeople(t testing.TB, r *road, h *roadHub, n int) *view {
	t.Helper()
	v := newView()
	for uids := range slices.Chunk(people(n), 1000) { // of which one connection may watch
		r.webSocket(h.addr, v, "", uids...)
	}
	eventually(t, time.Minute, "everybody is known", func() bool {
		known := 0
		v.read(func(v *view) { known = len(v.states) })
		return known == n
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
	v := watchPeople(b, r, h, users)
	i := 0
	for b.Loop() {
		i++
		uid, text := fmt.Sprintf("user-%04d", i%users+1), fmt.Sprintf("set %d", i) // nobody sets too often
		putPresence(b, h, uid, "web_1", `{"status":"1","ext":"`+text+`"}`)
		for {
			if p, _ := v.get(uid); p.Ext == text {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// BenchmarkChange is the time from a change at the vendor to a client's screen, by the poller's own turn.
func BenchmarkChange(b *testing.B) {
	for _, users := range []int{200, 5000} {
		b.Run(fmt.Sprintf("%dusers", users), func(b *testing.B) { benchmarkChange(b, users) })
	}
}

func benchmarkChange(b *testing.B, users int) {
	r := build(b, emulator.Options{Users: users, Paused: true, Seed: 4})
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	v := watchPeople(b, r, h, users)
	took := make([]time.Duration, 0, 1024)
	uids := people(users)
	for b.Loop() {
		i := len(took)
		uid, text := uids[(i*7919)%users], fmt.Sprintf("change %d", i)
		at := time.Now()
		r.emulator.SetUser(uid, map[string]string{"web_1": "1"}, text)
		for {
			if p, _ := v.get(uid); p.Ext == text {
				break
			}
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(at))
		time.Sleep(time.Duration(i*37%500) * time.Millisecond) // not in step with the poller
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
}
