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
	var views []*view
	for range 5 {
		views = append(views, newView())
		r.webSocket(h.addr, views[len(views)-1], "", uids...)
	}
	for range 3 {
		views = append(views, newView())
		r.eventStream(h.addr, views[len(views)-1], uids...)
	}
	every := func(what string, ok func(v *view) bool) time.Duration {
		began := time.Now()
		eventually(t, time.Minute, what, func() bool {
			for _, v := range views {
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
	showsTruth := func() time.Duration {
		began, truth := time.Now(), truthOf(t, r)
		eventually(t, time.Minute, "everybody shows the truth", func() bool {
			for _, v := range views {
				if len(v.differences(truth, uids)) > 0 {
					return false
				}
			}
			return true
		})
		return time.Since(began)
	}
	every("the feed is live", func(v *view) bool { return v.feed == "live" })
	showsTruth()

	r.nats.Stop()
	began := time.Now()
	require.Error(t, h.Ready(), "the fault fired")
	down := every("the feed is down", func(v *view) bool { return v.feed == "down" })
	require.Equal(t, http.StatusServiceUnavailable, statusOf(t, h.http("/readyz")))
	require.Equal(t, "down", feedAsked(t, h, uids), "who asks is told how stale the answer is")
	late := newView()
	r.webSocket(h.addr, late, "", uids...)
	eventually(t, time.Minute, "who comes meanwhile is answered", func() bool {
		answered := false
		late.read(func(v *view) { answered = v.answered && v.feed == "down" })
		return answered
	})
	views = append(views, late)
	for i, uid := range uids[:20] {
		r.emulator.SetUser(uid, map[string]string{"web_1": "7"}, fmt.Sprintf("meanwhile %d", i))
	}
	time.Sleep(outage(t) - time.Since(began))
	away := time.Since(began)

	r.restartNATS()
	back := time.Now()
	live := every("the feed is live again", func(v *view) bool { return v.feed == "live" })
	showsTruth()
	right := time.Since(back)
	eventually(t, time.Minute, "the hub is ready again", func() bool { return h.Ready() == nil })
	require.Equal(t, http.StatusOK, statusOf(t, h.http("/readyz")))
	require.Equal(t, "live", feedAsked(t, h, uids))
	for _, v := range views {
		v.read(func(v *view) {
			require.Empty(t, v.wentBack)
			require.Zero(t, v.closeCode, "a connection ended")
		})
	}
	audit.requireHonest(t, r)
	t.Logf("away for %s: down after %s, live again %s after it was back, and right after %s", away.Round(time.Millisecond),
		down.Round(time.Millisecond), live.Round(time.Millisecond), right.Round(time.Millisecond))
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
