package road

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
)

// listening is what runs before all else on a page: it notes what the policy forbids, what goes wrong, and tasks
// that keep the browser from drawing.
const listening = `window.broken = []; window.longTasks = [];
	addEventListener("securitypolicyviolation", (e) => broken.push(e.violatedDirective + " " + e.blockedURI));
	addEventListener("error", (e) => broken.push(e.message));
	addEventListener("unhandledrejection", (e) => broken.push(String(e.reason)));
	new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => e.duration))).observe({ type: "longtask" });`

// anHourOff has a browser's clock be an hour fast. What people read is by the hub's.
const anHourOff = `const right = Date.now; window.clockOff = 3600000; Date.now = () => right() + window.clockOff;`

// before has a script run before those of each page that the tab opens.
func (p *browser) before(t testing.TB, script string) {
	t.Helper()
	_, err := chromedp.Run(p.ctx, func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return chromedp.Void{}, err
	})
	require.NoError(t, err)
}

func (p *browser) keys(t testing.TB, keys string) {
	t.Helper()
	require.NoError(t, chromedp.Do(p.ctx, chromedp.KeyEvent(keys)))
}

func (p *browser) click(t testing.TB, selector string) {
	t.Helper()
	require.True(t, p.ask(t, fmt.Sprintf(`(document.querySelector(%q).click(), true)`, selector)), selector)
}

// write fills a field in as a person does.
func (p *browser) write(t testing.TB, id, text string) {
	t.Helper()
	require.True(t, p.ask(t, fmt.Sprintf(`(() => { const f = document.getElementById(%q); f.focus(); f.select(); return true; })()`, id)))
	p.keys(t, kb.Backspace+text)
}

// says is an expression: what this element says contains a text.
func says(id, text string) string {
	return fmt.Sprintf(`document.getElementById(%q).textContent.includes(%q)`, id, text)
}

// pageWorld is a hub that wants tokens, with a page open on it.
type pageWorld struct {
	r          *road
	hub        *roadHub
	page       *browser
	stopPoller func()
}

func openPage(t *testing.T) *pageWorld {
	t.Helper()
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	r := build(t, emulator.Options{Users: 200, Paused: true, Seed: 6})
	r.auth = hub.Auth{HMACSecret: []byte(clientSecret)}
	r.emulator.SetUser("user-0001", map[string]string{"web_1": "0"}, "")
	r.emulator.SetUser("user-0005", map[string]string{"web_1": "0"}, "")
	w := &pageWorld{r: r}
	w.stopPoller, _ = r.addPoller("poller-1")
	w.hub = r.addHub("hub-1")
	w.page = openBrowser(t, path)
	w.page.before(t, listening+anHourOff)
	require.NoError(t, chromedp.Do(w.page.ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(w.withHistory(t))))
	return w
}

// withHistory is the address of the hub behind a proxy that answers for the history where the hub does not serve it.
func (w *pageWorld) withHistory(t *testing.T) string {
	t.Helper()
	address, err := url.Parse(w.hub.http(""))
	require.NoError(t, err)
	onward := httputil.NewSingleHostReverseProxy(address)
	onward.FlushInterval = -1
	onward.ModifyResponse = func(answer *http.Response) error {
		if !strings.HasSuffix(answer.Request.URL.Path, "/history") || answer.StatusCode != http.StatusNotFound {
			return nil
		}
		now := time.Now().UnixMilli()
		body := fmt.Sprintf(`{"uid":"user-0005","changes":[{"uid":"user-0005","online":true,"status":{"web_1":"1"},"ext":"in the garden",
			"last_time":%d,"observed_at":%d,"not_before":%d,"changed":["status","ext"],
			"prev":{"online":false,"status":{"web_1":"0"},"ext":"","last_time":1},"source":"poll"},
			{"uid":"user-0005","online":false,"status":{"web_1":"0"},"ext":"","last_time":1,"observed_at":%d,"not_before":0,"changed":["first"],"source":"subscribe"}],
			"subscription":{"until":%d},"feed":{"state":"live","as_of":%d}}`, now, now-1000, now-3000, now-60_000, now+3_600_000, now)
		stub := httptest.NewRecorder()
		stub.Header().Set("Content-Type", "application/json")
		_, _ = stub.WriteString(body)
		*answer = *stub.Result()
		return nil
	}
	proxy := httptest.NewServer(onward)
	t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })
	return proxy.URL
}

// TestPage goes through all that the page is for, in a real browser, at a hub that wants a token.
func TestPage(t *testing.T) {
	w := openPage(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *pageWorld)
	}{
		{"asks for a token and keeps it to itself", pageAsksForAToken},
		{"shows people, and finds them", pageFindsPeople},
		{"tells of one", pageTellsOfOne},
		{"is used by keys", pageIsUsedByKeys},
		{"sets one's own presence", pageSetsOneself},
		{"shows the wire", pageShowsTheWire},
		{"is accessible", pageIsAccessible},
		{"speaks Chinese", pageSpeaksChinese},
		{"shows a feed that is down as stale", pageFeedDown},
		{"breaks no policy", pageBreaksNoPolicy},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.run(t, w) }) {
			return // the rest would only wait in vain
		}
	}
}

func pageAsksForAToken(t *testing.T, w *pageWorld) {
	p := w.page
	p.until(t, "a token is asked for", `document.body.dataset.view === "token" && document.activeElement.id === "token"`)
	p.keys(t, "no token at all"+kb.Enter)
	p.until(t, "a slip is told", says("token-why", "That is no token"))
	p.write(t, "token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"+kb.Enter)
	p.until(t, "a refusal is told in words", says("token-why", "did not take that token"))
	token := clientToken(t, "user-0001")
	p.write(t, "token", token+kb.Enter)
	p.until(t, "the board is shown", `document.body.dataset.view === "board" && document.body.dataset.stale === "false"`)
	everywhere := `[location.href, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.documentElement.outerHTML,
		...[...document.querySelectorAll("input")].map((i) => i.value), ...performance.getEntries().map((e) => e.name)].join("\n")`
	require.NotContains(t, p.text(t, everywhere), strings.Split(token, ".")[1], "the token is somewhere it should not be")
}

func pageFindsPeople(t *testing.T, w *pageWorld) {
	p := w.page
	p.until(t, "all are known", `document.getElementById("count-unknown").textContent === "0" && document.getElementById("count-all").textContent === "200"`)
	require.True(t, p.ask(t, `document.querySelectorAll(".row").length < 40`), "there are rows for who is out of sight")
	w.r.emulator.SetUser("user-0005", map[string]string{"web_1": "1"}, "in the garden")
	p.write(t, "search", "GARDEN")
	p.until(t, "they are found by their text", `document.querySelectorAll(".row").length === 1 && `+card("user-0005", "online", "in the garden"))
	p.until(t, "the change is in the log", `!!document.querySelector("#log li")?.textContent.includes("user-0005")`)
	p.click(t, `[name=show][value=offline]`)
	p.until(t, "they are not among those offline", `!document.getElementById("nobody").hidden && document.querySelectorAll(".row").length === 0`)
	p.click(t, `[name=show][value=all]`)
	p.write(t, "search", " ")
	p.until(t, "all are shown again", `document.querySelectorAll(".row").length > 10`)
}

func pageTellsOfOne(t *testing.T, w *pageWorld) {
	p := w.page
	p.write(t, "search", "user-0005")
	p.until(t, "one is found", `document.querySelectorAll(".row").length === 1`)
	p.click(t, `.row`)
	fact := func(name, text string) string {
		return fmt.Sprintf(`!!document.querySelector('[data-fact=%q] dd')?.textContent.includes(%q)`, name, text)
	}
	p.until(t, "why they are shown so", fact("state", "Online, because web_1 says so."))
	p.until(t, "when everybody was verified, by the hub's clock", fact("verified", "looked at no earlier than")+
		`&& /\((just now|\d+ s ago)\)/.test(document.querySelector('[data-fact="verified"] dd').textContent)`)
	p.until(t, "who has just changed has", `/^changed (just now|\d+ s ago)/.test(document.querySelector(".row .when")?.textContent)`)
	p.until(t, "when it happened", fact("happened", "Between "))
	p.until(t, "how it was learned", fact("source", "("))
	p.until(t, "until when they are subscribed", fact("subscription", "Until "))
	p.until(t, "what was before", `document.querySelectorAll("#panel-history li").length >= 2`)
	require.Contains(t, p.text(t, `document.querySelector("#panel-history li").textContent`), "came online on web_1")
	require.Equal(t, "user-0005", p.text(t, `document.activeElement.textContent`), "who reads by ear is told whom it is about")
	pageKeepsTheCaret(t, p)
	p.keys(t, kb.Escape)
	p.until(t, "it is closed, and one is back in the list", `!document.getElementById("panel").open && document.activeElement.id === "people"`)
	p.write(t, "search", " ")
}

// pageKeepsTheCaret: the panel is above the page where that is narrow, and beside the list elsewhere. Who types there goes on
// when it is there again; who is in the panel stays where they were in it.
func pageKeepsTheCaret(t *testing.T, p *browser) {
	const caret = `document.getElementById("search").selectionStart`
	for _, who := range []struct{ in, above string }{{"search", "panel-title"}, {"panel-close", "panel-close"}} {
		require.True(t, p.ask(t, fmt.Sprintf(`(document.getElementById(%q).focus(), document.getElementById("search").setSelectionRange(2, 2), true)`, who.in)))
		for _, at := range []struct {
			width        int64
			modal, focus string
		}{{800, "true", who.above}, {1440, "false", who.in}} {
			require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(at.width, 900)))
			p.until(t, fmt.Sprintf("at %d the focus is in %s", at.width, at.focus), fmt.Sprintf(
				`document.getElementById("panel").open && document.getElementById("panel").matches(":modal") === %s && document.activeElement.id === %q`, at.modal, at.focus))
		}
		require.Equal(t, "2", p.text(t, `String(`+caret+`)`), "the caret has moved")
	}
}

func pageIsUsedByKeys(t *testing.T, w *pageWorld) {
	p := w.page
	require.True(t, p.ask(t, `(document.activeElement.blur(), true)`))
	p.keys(t, "/")
	p.until(t, "a slash goes to the search", `document.activeElement.id === "search"`)
	p.write(t, "search", " ") // the debugging protocol types the slash all the same, which a keyboard does not
	p.click(t, `[name=sort][value=name]`)
	require.True(t, p.ask(t, `(document.getElementById("people").focus(), true)`))
	marked := `document.getElementById(document.getElementById("people").getAttribute("aria-activedescendant"))?.dataset.uid === `
	p.keys(t, kb.Home)
	p.until(t, "the first is marked", marked+`"user-0001"`)
	p.keys(t, kb.ArrowDown)
	p.until(t, "the next is marked", marked+`"user-0002"`)
	p.keys(t, kb.End)
	p.until(t, "the last is marked and in sight", marked+`"user-0200" && document.querySelector('[data-uid="user-0200"]').getBoundingClientRect().bottom <= innerHeight`)
	require.True(t, p.ask(t, `document.querySelectorAll(".row").length < 40`), "there are rows for who is out of sight")
	p.keys(t, kb.Enter)
	p.until(t, "Enter opens the details", `document.getElementById("panel-title").textContent === "user-0200"`)
	p.keys(t, kb.Escape)
	p.until(t, "Escape closes them", `!document.getElementById("panel").open`)
	p.keys(t, kb.Home)
	p.click(t, `[name=sort][value=online]`)
}

func pageSetsOneself(t *testing.T, w *pageWorld) {
	p := w.page
	p.click(t, "#mine-open")
	p.until(t, "one is told who one is", says("mine-as", "You are user-0001."))
	p.write(t, "mine-device", "web 1?"+kb.Enter)
	p.until(t, "what the vendor does not take is told in words", says("mine-said", "The vendor takes no such device, status or text."))
	p.write(t, "mine-device", "web_1")
	p.write(t, "mine-ext", "on the page <i>myself</i>"+kb.Enter)
	p.until(t, "it is set", says("mine-said", "Set."))
	p.click(t, "#mine-cancel")
	p.write(t, "search", "myself")
	p.until(t, "the page shows it", card("user-0001", "online", "on the page <i>myself</i>"))
	p.write(t, "search", " ")
}

func pageShowsTheWire(t *testing.T, w *pageWorld) {
	p := w.page
	p.click(t, `[name=aside][value=wire]`)
	has := func(way, frame string) string {
		return fmt.Sprintf(`!!document.querySelector('#wire [data-way=%q][data-type=%q]')`, way, frame)
	}
	p.until(t, "frames of both ways are shown", has("out", "subscribe")+"&&"+has("in", "subscribed")+"&&"+has("in", "changes")+"&&"+has("out", "set")+"&&"+has("in", "ok"))
	p.click(t, `#wire [data-type="set"] summary`)
	p.until(t, "a frame is laid out and explained", `/One's own presence.*"resource": "web_1"/s.test(document.querySelector('#wire [data-type="set"]').textContent)`)
	p.click(t, "#wire-pause")
	w.r.emulator.SetUser("user-0007", map[string]string{"web_1": "1"}, "while paused")
	p.until(t, "what comes while it is paused is counted", says("wire-missed", "more while paused"))
	require.False(t, p.ask(t, says("wire", "while paused")), "a frame is shown while paused")
	p.click(t, "#wire-pause")
	p.click(t, "#wire-clear")
	p.until(t, "it is empty", `document.querySelectorAll("#wire li").length === 0`)
}

// pageIsAccessible runs axe in each state of the page, on a desktop and on a phone, in both themes.
func pageIsAccessible(t *testing.T, w *pageWorld) {
	axe, err := os.ReadFile(filepath.Join(webPackages(t), "node_modules", "axe-core", "axe.min.js"))
	require.NoError(t, err)
	p := w.page
	require.True(t, p.ask(t, string(axe)+"; true"))
	for _, screen := range []struct{ width, height int64 }{{1440, 900}, {360, 740}} {
		require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(screen.width, screen.height)))
		require.True(t, p.ask(t, `document.documentElement.scrollWidth <= innerWidth`), "the page is wider than %d", screen.width)
		for _, theme := range []string{"light", "dark"} {
			p.until(t, theme, fmt.Sprintf(`document.documentElement.dataset.theme === %q || (document.getElementById("theme").click(), false)`, theme))
			for state, go_ := range map[string][2]string{
				"board": {`true`, `true`},
				"panel": {`document.querySelector(".row").click()`, `document.getElementById("panel-close").click()`},
				"mine":  {`document.getElementById("mine-open").click()`, `document.getElementById("mine-cancel").click()`},
			} {
				require.True(t, p.ask(t, `(`+go_[0]+`, true)`))
				axeFindsNothing(t, p, fmt.Sprintf("%s, %s, %d px", state, theme, screen.width))
				require.True(t, p.ask(t, `(`+go_[1]+`, true)`))
			}
		}
	}
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(1440, 900)))
}

// axeFindsNothing runs axe, which pageIsAccessible has brought onto the page, in the state that the page is in.
func axeFindsNothing(t *testing.T, p *browser, state string) {
	t.Helper()
	const run = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => (window.violations = violations
		.filter(({ impact }) => impact === "serious" || impact === "critical")
		.map(({ id, help, nodes }) => id + ": " + help + ": " + nodes.map((n) => n.target).join(" "))), (e) => (window.violations = [String(e)]))`
	require.True(t, p.ask(t, `(window.violations = null, `+run+`, true)`))
	p.until(t, "axe is done", `window.violations !== null`)
	require.Equal(t, "[]", p.text(t, `JSON.stringify(window.violations)`), state)
}

// pageSpeaksChinese: what is still Latin is what people and the hub say, and that is marked as nothing to translate.
func pageSpeaksChinese(t *testing.T, w *pageWorld) {
	p := w.page
	require.Equal(t, "en", p.text(t, `document.documentElement.lang`))
	p.click(t, "#language")
	p.until(t, "the page is Chinese", `document.documentElement.lang === "zh-CN" && document.title === "在线状态"`)
	p.write(t, "search", "user-0005")
	p.click(t, `[name=aside][value=log]`)
	p.until(t, "one is found", `document.querySelectorAll(".row").length === 1`)
	p.click(t, ".row")
	p.until(t, "the history is read", `document.querySelectorAll("#panel-history li").length >= 2`)
	latin := p.text(t, `(() => {
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
		for (let n; (n = texts.nextNode()); ) {
			const words = n.data.replace(/“.*?”|(user|ios|win|web|mac|android|chrome|firefox|safari)([-_]|\s·\s)?\w*|NATS|poll|subscribe|hint|bridge/g, "");
			const told = n.parentElement.checkVisibility() && !n.parentElement.closest("[translate=no], #language");
			if (told && /[A-Za-z]{2}/.test(words)) found.push(n.data);
		}
		return found.join(" | ");
	})()`)
	require.Empty(t, latin)
	p.keys(t, kb.Escape)
	p.write(t, "search", " ")
	p.click(t, "#language")
	p.until(t, "the page is English again", `document.documentElement.lang === "en" && document.title === "Presence"`)
}

func pageFeedDown(t *testing.T, w *pageWorld) {
	p := w.page
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(1440, 13000)))
	p.until(t, "everybody is in sight", allKnown)
	const states = `[...document.querySelectorAll(".row")].map((r) => r.dataset.uid + " " + r.dataset.state).sort().join()`
	before, offline := p.text(t, states), p.text(t, `document.getElementById("count-offline").textContent`)
	w.stopPoller()
	p.until(t, "the page says that the feed is down", `document.body.dataset.feed === "down" && document.body.dataset.stale === "true"`)
	p.until(t, "and why, and since when", says("stale-note", "The feed is down.")+"&&"+says("stale-why", "no poller is active")+`&& /as of \d\d:\d\d:\d\d/.test(document.getElementById("stale-since").textContent)`)
	require.True(t, p.ask(t, `(() => {
		const [h, m, s] = document.getElementById("stale-since").textContent.match(/(\d\d):(\d\d):(\d\d)/).slice(1).map(Number);
		const age = new Date(Date.now() - window.clockOff) - new Date(Date.now() - window.clockOff).setHours(h, m, s, 0);
		return Math.abs(age) < 600_000 || Math.abs(age) > 86_400_000 - 600_000; // midnight
	})()`), "since when is by the hub's clock: %s", p.text(t, `document.getElementById("stale-since").textContent`))
	p.click(t, "#language")
	p.until(t, "why, in Chinese", says("stale-why", "原因：没有正在工作的轮询进程。"))
	p.until(t, "and in the feed's own words, in sight", says("stale-words", "no poller is active")+`&& document.getElementById("stale-words").checkVisibility()`)
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(360, 740)))
	require.True(t, p.ask(t, `document.documentElement.scrollWidth <= innerWidth`), "the page is wider than a phone")
	axeFindsNothing(t, p, "stale, in Chinese, on a phone")
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(1440, 13000)))
	p.until(t, "everybody is in sight again", `document.querySelectorAll(".row").length === 200`)
	p.click(t, "#language")
	p.until(t, "in English they are said once", says("stale-why", "Reason: no poller is active")+`&& document.getElementById("stale-words").hidden`)
	require.Equal(t, before, p.text(t, states), "nobody has become offline")
	require.Equal(t, offline, p.text(t, `document.getElementById("count-offline").textContent`))
	p.until(t, "rows speak of the look", `!!document.querySelector(".row .when")?.textContent.includes("observed")`)
	w.r.emulator.SetUser("user-0009", map[string]string{"web_1": "1"}, "meanwhile")
	w.r.addPoller("poller-2")
	p.until(t, "it is live again", `document.body.dataset.feed === "live" && document.body.dataset.stale === "false" && document.getElementById("stale-note").hidden`)
	p.until(t, "and right", card("user-0009", "online", "meanwhile"))
}

func pageBreaksNoPolicy(t *testing.T, w *pageWorld) {
	require.Equal(t, "[]", w.page.text(t, `JSON.stringify(window.broken)`))
}
