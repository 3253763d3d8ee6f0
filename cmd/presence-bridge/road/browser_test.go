package road

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// A real browser opens the page, sees people change, loses the hub, shows stale, gets the hub back, and is
// right again, without a reload.
func TestBrowser(t *testing.T) {
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	r := build(t, emulator.Options{Users: 200, Paused: true, Seed: 6})
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	page := openBrowser(t, path)
	page.showAll(t, h.http("/"))
	page.until(t, "200 people are known", allKnown)
	page.until(t, "the page is live", `document.body.dataset.stale === "false" && document.body.dataset.feed === "live"`)
	require.True(t, page.ask(t, `window.neverReloaded = true`))

	r.emulator.SetUser("user-0005", map[string]string{"web_1": "1"}, "hello <b>there</b>")
	page.until(t, "a change is seen", card("user-0005", "online", "hello <b>there</b>"))
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "0"}, "")
	page.until(t, "another change is seen", card("user-0005", "offline", ""))

	h.stop()
	page.until(t, "the page is stale", `document.body.dataset.stale === "true" && document.body.dataset.feed === "disconnected"`)
	require.True(t, page.ask(t, `document.querySelectorAll('[data-uid]').length === 200`), "stale people are still shown")
	r.emulator.SetUser("user-0009", map[string]string{"web_1": "1"}, "while you were out")

	r.addHubAt("hub-2", h.addr)
	page.until(t, "the page is live again", `document.body.dataset.stale === "false"`)
	page.until(t, "what changed meanwhile is shown", card("user-0009", "online", "while you were out"))
	require.True(t, page.ask(t, `window.neverReloaded === true`), "the page was reloaded")
	requirePageIsTrue(t, r, page)
}

// allKnown is an expression: 200 people are shown, and the state of each is known.
const allKnown = `document.querySelectorAll('[data-uid][data-state="online"],[data-uid][data-state="offline"]').length === 200`

// showAll opens the page in a window so high that 200 people are in sight: who is not has no row.
func (p *browser) showAll(t testing.TB, url string) {
	t.Helper()
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(1440, 13000), chromedp.Navigate(url)))
}

// card is an expression: this user's row shows this state and text.
func card(uid, state, ext string) string {
	return fmt.Sprintf(`(() => { const c = document.querySelector('[data-uid=%q]');
		return !!c && c.dataset.state === %q && (c.querySelector('[data-ext]')?.textContent ?? "") === %q; })()`, uid, state, ext)
}

func requirePageIsTrue(t *testing.T, r *road, p *browser) {
	t.Helper()
	for uid, state := range truthOf(t, r) {
		want := "offline"
		if state.Online {
			want = "online"
		}
		p.until(t, uid+" is "+want, card(uid, want, state.Ext))
	}
}

type browser struct{ ctx context.Context }

func openBrowser(t testing.TB, path string) *browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-dev-shm-usage", true))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser to end
		cancel()
		cancelAllocator()
	})
	return &browser{ctx: ctx}
}

func (p *browser) ask(t testing.TB, expression string) bool {
	t.Helper()
	yes, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](expression))
	require.NoError(t, err)
	return yes
}

func (p *browser) until(t testing.TB, what, expression string) {
	t.Helper()
	p.untilWithin(t, 30*time.Second, what, expression)
}

func (p *browser) untilWithin(t testing.TB, patience time.Duration, what, expression string) {
	t.Helper()
	for end := time.Now().Add(patience); !p.ask(t, expression); time.Sleep(50 * time.Millisecond) {
		require.True(t, time.Now().Before(end), "waited in vain until %s", what)
	}
}

// BenchmarkFirstChange is the time from the demo's start, its binary built and the browser open, to the first
// change of somebody on its page.
func BenchmarkFirstChange(b *testing.B) {
	page := openBrowser(b, program(b, "chromium", "chromium-browser", "google-chrome"))
	binary := buildBinary(b)
	require.NoError(b, chromedp.Do(page.ctx, chromedp.Navigate("about:blank")))
	for b.Loop() {
		b.Run("demo", func(b *testing.B) { // each is a demo of its own, stopped at its end
			at := time.Now()
			demo := startDemo(b, binary)
			up := time.Since(at)
			page.showAll(b, demo.page)
			page.until(b, "200 people are known", allKnown)
			known := time.Since(at)
			page.until(b, "somebody has changed", `document.querySelectorAll('#log li').length > 0`)
			b.ReportMetric(float64(up.Milliseconds()), "up-ms")
			b.ReportMetric(float64(known.Milliseconds()), "known-ms")
			b.ReportMetric(float64(time.Since(at).Milliseconds()), "change-ms")
		})
	}
}

// BenchmarkChangeInBrowser is the time from a change at the vendor to a row of the page, by the poller's own turn.
func BenchmarkChangeInBrowser(b *testing.B) {
	path := program(b, "chromium", "chromium-browser", "google-chrome")
	for _, users := range []int{200, 5000} {
		b.Run(fmt.Sprintf("%dusers", users), func(b *testing.B) { benchmarkChangeInBrowser(b, path, users) })
	}
}

func benchmarkChangeInBrowser(b *testing.B, path string, users int) {
	r := build(b, emulator.Options{Users: users, Paused: true, Seed: 4})
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	watchPeople(b, r, h, users) // the page shows 200 of them
	page := openBrowser(b, path)
	page.showAll(b, h.http("/"))
	page.until(b, "the page is live", allKnown)
	var took []time.Duration
	for b.Loop() {
		i := len(took)
		uid, text := people(200)[(i*79)%200], fmt.Sprintf("change %d", i)
		at := time.Now()
		r.emulator.SetUser(uid, map[string]string{"web_1": "1"}, text)
		for !page.ask(b, card(uid, "online", text)) {
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(at))
		time.Sleep(time.Duration(i*37%500) * time.Millisecond) // not in step with the poller
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "max-ms")
}
