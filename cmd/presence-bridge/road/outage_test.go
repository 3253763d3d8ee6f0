package road

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// outage is how long NATS is away: long enough for the feed to be down, or OUTAGE=30s.
func outage(t *testing.T) time.Duration {
	t.Helper()
	if text := os.Getenv("OUTAGE"); text != "" {
		d, err := time.ParseDuration(text)
		require.NoError(t, err)
		return d
	}
	return 0
}

// NATS is away while people change. Nobody's connection ends, whoever looks is told that what they see is stale, whoever
// asks is told the same, and when it is back everybody holds the truth.
func TestNATSAway(t *testing.T) {
	r := build(t, emulator.Options{Users: 50, Paused: true, Seed: 21})
	r.settings = bridge.Settings{} // as deployed
	r.listenNATS()
	audit := r.audit()
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	uids := people(50)
	all := r.audience(h, uids)
	all.every(t, "the feed is live", func(v *view) bool { return v.feed == "live" })
	all.showTruth(t, r)

	r.nats.Stop()
	began := time.Now()
	eventually(t, time.Minute, "the fault fires", func() bool { return h.Ready() != nil })
	down := all.every(t, "the feed is down", func(v *view) bool { return v.feed == "down" })
	require.Equal(t, http.StatusServiceUnavailable, statusOf(t, h.http("/readyz")))
	require.Equal(t, "down", feedAsked(t, h, uids), "who asks is told how stale the answer is")
	late := newView()
	r.webSocket(h.addr, late, "", uids...)
	eventually(t, time.Minute, "who comes meanwhile is answered", func() bool {
		answered := false
		late.read(func(v *view) { answered = v.answered && v.feed == "down" })
		return answered
	})
	all.views = append(all.views, late)
	for i, uid := range uids[:20] {
		r.emulator.SetUser(uid, map[string]string{"web_1": "7"}, fmt.Sprintf("meanwhile %d", i))
	}
	time.Sleep(outage(t) - time.Since(began))
	away := time.Since(began)

	r.restartNATS()
	back := time.Now()
	live := all.every(t, "the feed is live again", func(v *view) bool { return v.feed == "live" })
	all.showTruth(t, r)
	right := time.Since(back)
	eventually(t, time.Minute, "the hub is ready again", func() bool { return h.Ready() == nil })
	require.Equal(t, http.StatusOK, statusOf(t, h.http("/readyz")))
	require.Equal(t, "live", feedAsked(t, h, uids))
	for _, v := range all.views {
		v.read(func(v *view) {
			require.Empty(t, v.wentBack)
			require.Zero(t, v.closeCode, "a connection ended")
		})
	}
	audit.requireHonest(t, r)
	t.Logf("away for %s: down after %s, live again %s after it was back, and right after %s", away.Round(time.Millisecond),
		down.Round(time.Millisecond), live.Round(time.Millisecond), right.Round(time.Millisecond))
}

// The vendor is away while everybody is online. Clients are told that what they see is stale, and then that nobody looks;
// nobody is called offline, neither to who was there nor to who asks. When it is back all is as the vendor has it.
func TestVendorAway(t *testing.T) {
	r := build(t, emulator.Options{Users: 50, Paused: true, Seed: 22})
	r.stale = 30 * time.Second // as by default, and more than the silence that means down
	uids := people(50)
	for _, uid := range uids {
		r.emulator.SetUser(uid, map[string]string{"web_1": "1"}, "before")
	}
	audit := r.audit()
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	all := r.audience(h, uids)
	all.every(t, "the feed is live", func(v *view) bool { return v.feed == "live" })
	all.showTruth(t, r)

	require.NoError(t, r.emulator.SetFaults(emulator.Faults{Outage: true}))
	all.every(t, "the feed is down", func(v *view) bool { return v.feed == "down" })
	require.Positive(t, r.emulator.FaultsFired().Outage, "the fault fired")
	require.Equal(t, "down", feedAsked(t, h, uids))
	require.Equal(t, http.StatusOK, statusOf(t, h.http("/readyz")), "the hub can do what it is there for")
	late := newView()
	r.webSocket(h.addr, late, "", uids...)
	eventually(t, time.Minute, "who comes meanwhile is answered", func() bool {
		answered := false
		late.read(func(v *view) { answered = v.answered && v.feed == "down" })
		return answered
	})
	for _, v := range all.views {
		v.read(func(v *view) { require.Equal(t, []string{"live", "degraded", "down"}, v.feeds[len(v.feeds)-3:]) })
	}
	all.views = append(all.views, late)
	r.emulator.SetUser(uids[0], map[string]string{"web_1": "7"}, "meanwhile")

	require.NoError(t, r.emulator.SetFaults(emulator.Faults{}))
	all.every(t, "the feed is live again", func(v *view) bool { return v.feed == "live" })
	all.showTruth(t, r)
	for _, v := range all.views {
		v.read(func(v *view) {
			require.Zero(t, v.offline, "somebody was called offline")
			require.Zero(t, v.closeCode, "a connection ended")
			require.Empty(t, v.wentBack)
		})
	}
	audit.requireHonest(t, r)
}

// audience is clients of every kind at one hub, who watch the same users.
type audience struct {
	views []*view
	uids  []string
}

func (r *road) audience(h *roadHub, uids []string) *audience {
	a := &audience{uids: uids}
	for range 5 {
		v := newView()
		r.webSocket(h.addr, v, "", uids...)
		a.views = append(a.views, v)
	}
	for range 3 {
		v := newView()
		r.eventStream(h.addr, v, uids...)
		a.views = append(a.views, v)
	}
	return a
}

// every waits until it is so with everybody, and tells how long that took.
func (a *audience) every(t *testing.T, what string, ok func(v *view) bool) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, time.Minute, what, func() bool {
		for _, v := range a.views {
			right := false
			v.read(func(v *view) { right = ok(v) })
			if !right {
				return false
			}
		}
		return true
	})
	return time.Since(began)
}

func (a *audience) showTruth(t *testing.T, r *road) {
	t.Helper()
	truth := truthOf(t, r)
	eventually(t, time.Minute, "everybody shows the truth", func() bool {
		for _, v := range a.views {
			if len(v.differences(truth, a.uids)) > 0 {
				return false
			}
		}
		return true
	})
}

// listenNATS has a NATS server that can be stopped and started again where it was, reached over TCP as in a deployment.
func (r *road) listenNATS() {
	r.nats.Stop()
	r.natsAt = bridge.ServerOptions{Listen: "127.0.0.1:0", Dir: r.t.TempDir()}
	r.restartNATS()
	r.natsAt.Listen = strings.TrimPrefix(r.nats.URL(), "nats://")
}

func (r *road) restartNATS() {
	server, err := bridge.StartServer(r.natsAt)
	require.NoError(r.t, err)
	r.nats = server
}

// feedAsked is the feed's state as who asks over HTTP is told it.
func feedAsked(t *testing.T, h *roadHub, uids []string) string {
	t.Helper()
	var answer frame
	getJSON(t, h.http("/v1/presence?uids="+strings.Join(uids, ",")), &answer)
	return answer.Feed.State
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url) //nolint:noctx // loopback
	require.NoError(t, err)
	_ = response.Body.Close()
	return response.StatusCode
}
