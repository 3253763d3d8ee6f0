package road

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
)

// TestPageOfTenThousand: ten thousand people change on one page, are sought, sorted and scrolled through, and it has no
// more rows than fit into the window and stays quick. What it costs is counted in time of the processor, and of the tasks
// that keep the browser from drawing only the very long ones: those of 50 ms and more are many on a machine that has
// much else to do. With a row for everybody both bounds are exceeded many times over.
func TestPageOfTenThousand(t *testing.T) {
	const users = 10_000
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	r := build(t, emulator.Options{Users: users, Paused: true, Seed: 6, LimitPerS: 1000})
	r.rate, r.limits, r.page = 100, hub.Limits{MaxUIDsPerConnection: users}, "user-0001..user-10000"
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	p := openBrowser(t, path)
	p.before(t, listening)
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(h.http("/"))))
	p.untilWithin(t, time.Minute, "all are known", `document.getElementById("count-all").textContent === "10,000" && document.getElementById("count-unknown").textContent === "0"`)
	few := func() {
		t.Helper()
		require.True(t, p.ask(t, `document.querySelectorAll(".row").length > 5 && document.querySelectorAll(".row").length < 40`), "rows are not those in sight")
	}
	few()

	require.True(t, p.ask(t, `(window.changed = 0, new MutationObserver((list) => (changed += list.length)).observe(document.getElementById("log"), { childList: true }), longTasks.length = 0, true)`))
	began, before := time.Now(), p.worked(t)
	for round := range 10 {
		for i := range 200 {
			r.emulator.SetUser(fmt.Sprintf("user-%04d", 1+(i*50+round)%users), map[string]string{"web_1": fmt.Sprint((round + i) % 2)}, fmt.Sprintf("round %d", round))
		}
		p.until(t, "a round is seen", fmt.Sprintf(`document.getElementById("log").textContent.includes("round %d")`, round))
		few()
	}
	p.write(t, "search", "user-1000")
	p.until(t, "they are found", `[...document.querySelectorAll(".row")].map((r) => r.dataset.uid).sort().join() === "user-1000,user-10000"`)
	p.write(t, "search", " ")
	p.click(t, `[name=sort][value=name]`)
	require.True(t, p.ask(t, `(document.getElementById("people").focus(), true)`))
	p.keys(t, kb.End)
	p.until(t, "the last is in sight", `!!document.querySelector('[data-uid="user-10000"]')`)
	few()

	took, worked := time.Since(began), p.worked(t)-before
	t.Logf("2,000 changes among 10,000 people in %.1f s: the page worked for %.1f s; long tasks: %s ms", took.Seconds(), worked.Seconds(), p.text(t, `longTasks.map(Math.round).join()`))
	require.Less(t, worked, 8*time.Second, "the page works too much") // 1.4 s to 2.1 s were measured
	require.True(t, p.ask(t, `longTasks.filter((ms) => ms > 1000).length <= 3`), "the browser was kept from drawing, again and again")
	require.Equal(t, "[]", p.text(t, `JSON.stringify(window.broken)`))
}

// worked is for how long the page's main thread has had the processor.
func (p *browser) worked(t *testing.T) time.Duration {
	t.Helper()
	metrics, err := chromedp.Run(p.ctx, func(ctx context.Context, target *chromedp.Target) ([]*performance.Metric, error) {
		if _, err := cdp.Call(ctx, target, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks}); err != nil {
			return nil, err
		}
		got, err := cdp.Call(ctx, target, performance.GetMetrics, cdp.Empty{})
		return got.Metrics, err
	})
	require.NoError(t, err)
	at := slices.IndexFunc(metrics, func(m *performance.Metric) bool { return m.Name == "TaskDuration" })
	require.GreaterOrEqual(t, at, 0)
	return time.Duration(metrics[at].Value * float64(time.Second))
}
