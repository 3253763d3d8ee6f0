package road

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// clientToken lets somebody see everybody, and set their own presence.
func clientToken(t *testing.T, sub string) string {
	t.Helper()
	claims := jwt.MapClaims{"sub": sub, "watch": "*", "set": true, "exp": time.Now().Add(time.Hour).Unix()}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(clientSecret))
	require.NoError(t, err)
	return signed
}

// tab opens another tab of the browser, on a page of this address that runs nothing of its own.
func (p *browser) tab(t *testing.T, address string) *browser {
	t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(address)))
	return &browser{ctx}
}

// connect makes a client, window.c, that watches user-0005, by the module and with the options that are JavaScript.
func (p *browser) connect(t *testing.T, module, token, options string) {
	t.Helper()
	require.True(t, p.ask(t, fmt.Sprintf(`(window.broken = [], addEventListener("securitypolicyviolation", (e) => broken.push(e.violatedDirective)),
		import(%q).then(({ connect }) => {
			window.c = connect({ token: %q, %s });
			c.addEventListener("error", (e) => broken.push(e.detail.message));
			window.stop = c.watch(["user-0005"], () => {});
		}, (err) => broken.push(String(err))), true)`, module, token, options)))
	p.until(t, "user-0005 is known", `!!window.c?.get("user-0005")?.known && !c.get("user-0005").stale`)
}

func (p *browser) text(t *testing.T, expression string) string {
	t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	require.NoError(t, err)
	return text
}

// TestSharedWorker: in a real browser the tabs of a user are one connection of the hub, those of another user are not,
// and all are stale and right again together.
func TestSharedWorker(t *testing.T) {
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	r, h, _ := clientWorld(t)
	page := openBrowser(t, path)
	require.NoError(t, chromedp.Do(page.ctx, chromedp.Navigate(h.http("/presence.d.ts"))))
	first, second, stranger := page, page.tab(t, h.http("/presence.d.ts")), page.tab(t, h.http("/presence.d.ts"))
	first.connect(t, "/shared.js", clientToken(t, "user-0001"), "")
	second.connect(t, "/shared.js", clientToken(t, "user-0001"), "")
	stranger.connect(t, "/shared.js", clientToken(t, "user-0002"), "")
	session := first.text(t, `c.session`)
	require.NotEmpty(t, session)
	require.Equal(t, session, second.text(t, `c.session`), "two tabs, one connection")
	require.NotEqual(t, session, stranger.text(t, `c.session`))
	require.Equal(t, "user-0002", stranger.text(t, `c.uid`))

	all := []*browser{first, second, stranger}
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "1"}, "to all tabs")
	for _, p := range all {
		p.until(t, "the change is seen", `c.get("user-0005").ext === "to all tabs"`)
	}
	h.stop()
	for _, p := range all {
		p.until(t, "it is stale, and not offline", `c.stale && c.get("user-0005").stale && c.get("user-0005").state === "online"`)
	}
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "1"}, "meanwhile")
	r.addHubAt("hub-2", h.addr)
	for _, p := range all {
		p.until(t, "it is right again", `!c.stale && c.get("user-0005").ext === "meanwhile" && !c.get("user-0005").stale`)
	}
	require.Equal(t, first.text(t, `c.session`), second.text(t, `c.session`))

	require.NoError(t, chromedp.Do(first.ctx, chromedp.Navigate("about:blank")))
	require.True(t, second.ask(t, `(c.set({ resource: "web_9", status: 1, ext: "by the tab that is left" }), window.stop2 = c.watch(["user-0001"], () => {}), true)`))
	second.until(t, "the other tab goes on", `c.get("user-0001")?.ext === "by the tab that is left"`)
	require.Equal(t, "[]", second.text(t, `JSON.stringify(broken)`))
}

// TestBrowserWithoutWebSockets: where something on the way blocks them, the client takes event streams, with its token
// and under the strictest policy, and comes back when they get through.
func TestBrowserWithoutWebSockets(t *testing.T) {
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	r, h, _ := clientWorld(t)
	hub, err := url.Parse(h.http(""))
	require.NoError(t, err)
	var open atomic.Bool
	var refused atomic.Int32
	onward := httputil.NewSingleHostReverseProxy(hub)
	onward.FlushInterval = -1
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Header.Get("Upgrade") != "" && !open.Load() {
			refused.Add(1)
			http.Error(w, "no WebSockets here", http.StatusForbidden)
			return
		}
		onward.ServeHTTP(w, request)
	}))
	t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })

	page := openBrowser(t, path)
	require.NoError(t, chromedp.Do(page.ctx, chromedp.Navigate(proxy.URL+"/presence.d.ts")))
	// The waits for a WebSocket to be tried again are half a minute, a minute and so on; here they are a moment.
	page.connect(t, "/presence.js", clientToken(t, "user-0001"), `setTimeout: (f, ms) => setTimeout(f, ms % 30000 === 0 && ms > 0 ? 500 : ms), sleepAfterMs: 100`)
	require.GreaterOrEqual(t, refused.Load(), int32(2))
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "1"}, "by stream")
	page.until(t, "the change is seen", `c.get("user-0005").ext === "by stream"`)
	require.True(t, page.ask(t, `(c.watch(["user-0001", "user-0006"], () => {}), c.set({ resource: "web_1", status: 1, ext: "by PUT" }), true)`))
	page.until(t, "one's own set is seen", `c.get("user-0001")?.ext === "by PUT" && c.get("user-0006")?.known`)

	session := page.text(t, `c.session`)
	open.Store(true)
	page.until(t, "it is back on a WebSocket", fmt.Sprintf(`!!c.session && c.session !== %q && !c.stale`, session))
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "0"}, "by socket")
	page.until(t, "the change is seen", `c.get("user-0005").ext === "by socket"`)

	const turn = `(Object.defineProperty(document, "hidden", { value: %t, configurable: true }), document.dispatchEvent(new Event("visibilitychange", { bubbles: true })))`
	require.True(t, page.ask(t, fmt.Sprintf(turn, true)))
	page.until(t, "a hidden page sleeps", `c.status === "stale"`)
	require.True(t, page.ask(t, fmt.Sprintf(turn, false)))
	page.until(t, "a page that is shown is awake", `c.status === "open" && !c.get("user-0005").stale`)
	require.Equal(t, "[]", page.text(t, `JSON.stringify(broken)`))
}
