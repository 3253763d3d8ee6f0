package easemob

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRequestsAsTheVendorDocumentsThem looks at the wire: method, path, body and its length, headers.
func TestRequestsAsTheVendorDocumentsThem(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		assert.Equal(t, int64(len(body)), r.ContentLength, "a DELETE without a length loses its body")
		assert.Equal(t, "Bearer the-token", r.Header.Get("Authorization"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "application/json", r.Header.Get("Accept"))
		got = append(got, strings.TrimSpace(fmt.Sprint(r.Method, " ", r.RequestURI, " ", string(body))))
		switch {
		case r.Method == http.MethodGet:
			io.WriteString(w, sample(t, "sublist_200.json"))
		case strings.HasSuffix(r.URL.Path, "/presence/1000"):
			io.WriteString(w, sample(t, "subscribe_200.json"))
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/presence"):
			io.WriteString(w, sample(t, "get_200.json"))
		default:
			io.WriteString(w, sample(t, "ok_200.json"))
		}
	}))
	defer server.Close()
	for prefix, config := range map[string]Config{
		"/org/app":     {URL: server.URL + "/", Org: "org", App: "app"},
		"/app-id/x1":   {URL: server.URL, AppID: "x1"},
		"/pre/o-1/a_1": {URL: server.URL + "/pre", Org: "o-1", App: "a_1"},
	} {
		got = nil
		config.Token, config.Rate = "the-token", 1e6
		c, err := New(config)
		require.NoError(t, err)
		ctx := t.Context()
		require.NoError(t, c.SetPresence(ctx, "C1", "web_1.a-B", "0", `<"你">`))
		sub, err := c.Subscribe(ctx, "WZY", []string{"c2", "c3"}, 1000*time.Second+time.Millisecond)
		require.NoError(t, err)
		assert.Len(t, sub.Presences, 2)
		a, err := c.Get(ctx, "wzy", []string{"C2", "c3", "c2"})
		require.NoError(t, err)
		assert.Len(t, a.Presences, 2)
		require.NoError(t, c.Unsubscribe(ctx, "wzy", []string{"c1"}))
		page, err := c.Subscriptions(ctx, "a b/c", 1, 100)
		require.NoError(t, err)
		assert.Equal(t, 2, page.Total)
		c.Close()
		assert.Equal(t, []string{
			"POST " + prefix + `/users/c1/presence/web_1.a-B/0 {"ext":"<\"你\">"}`,
			"POST " + prefix + `/users/wzy/presence/1000 {"usernames":["c2","c3"]}`,
			"POST " + prefix + `/users/wzy/presence {"usernames":["c2","c3"]}`,
			"DELETE " + prefix + `/users/wzy/presence ["c1"]`,
			"GET " + prefix + `/users/a%20b%2Fc/presence/sublist?pageNum=1&pageSize=100`,
		}, got)
	}
}

func TestArgumentsAreCheckedBeforeAnythingIsSent(t *testing.T) {
	ctx := t.Context()
	c := newClient(t, Config{}, func(r *http.Request) (*http.Response, error) {
		t.Errorf("sent %s", r.URL)
		return reply(500, ""), nil
	})
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprint("u", i)
	}
	ok := []string{"a"}
	get := func(operator string, uids []string) error { _, err := c.Get(ctx, operator, uids); return err }
	subscribe := func(uids []string, ttl time.Duration) error { _, err := c.Subscribe(ctx, "svc", uids, ttl); return err }
	list := func(page, size int) error { _, err := c.Subscriptions(ctx, "svc", page, size); return err }
	_, listErr := c.Subscriptions(ctx, "", 1, 1)
	for name, err := range map[string]error{
		"nobody":                 get("svc", nil),
		"101":                    get("svc", many),
		"an empty uid":           get("svc", []string{"a", ""}),
		"a long uid":             get("svc", []string{strings.Repeat("x", 65)}),
		"a broken uid":           get("svc", []string{"\xff"}),
		"no operator":            get("", ok),
		"operator ..":            get("..", ok),
		"ttl 0":                  subscribe(ok, 0),
		"ttl below a second":     subscribe(ok, time.Second-1),
		"ttl over 30 days":       subscribe(ok, MaxTTL+1),
		"subscribing nobody":     subscribe(nil, time.Hour),
		"subscribing itself":     subscribe([]string{"a", "SVC"}, time.Hour),
		"unsubscribing nobody":   c.Unsubscribe(ctx, "svc", nil),
		"unsubscribing 101":      c.Unsubscribe(ctx, "svc", many),
		"page 0":                 list(0, 100),
		"size 0":                 list(1, 0),
		"size 101":               list(1, 101),
		"list without operator":  listErr,
		"set for nobody":         c.SetPresence(ctx, "", "web", "1", ""),
		"set without a resource": c.SetPresence(ctx, "a", "", "1", ""),
		"resource with a slash":  c.SetPresence(ctx, "a", "web/1", "1", ""),
		"resource ..":            c.SetPresence(ctx, "a", "..", "1", ""),
		"a long resource":        c.SetPresence(ctx, "a", strings.Repeat("x", 257), "1", ""),
		"no status":              c.SetPresence(ctx, "a", "web", "", ""),
		"status of words":        c.SetPresence(ctx, "a", "web", "online", ""),
		"status negative":        c.SetPresence(ctx, "a", "web", "-1", ""),
		"status endless":         c.SetPresence(ctx, "a", "web", strings.Repeat("1", 11), ""),
		"ext too long":           c.SetPresence(ctx, "a", "web", "1", strings.Repeat("x", 1025)),
		"ext no UTF-8":           c.SetPresence(ctx, "a", "web", "1", "\xff"),
	} {
		assert.ErrorIs(t, err, ErrInvalid, name)
		assert.False(t, IsRetryable(err), name)
	}
}

func TestAsMuchAsTheVendorTakesIsSent(t *testing.T) {
	c := newClient(t, Config{Rate: 1e6}, always(200, `{"result":"ok"}`))
	ctx := t.Context()
	hundred := make([]string, MaxUIDs)
	for i := range hundred {
		hundred[i] = strings.Repeat("x", 60) + fmt.Sprint(i)
	}
	assert.NoError(t, c.Unsubscribe(ctx, "svc", hundred))
	assert.NoError(t, c.SetPresence(ctx, "a", "web", "1234567890", strings.Repeat("x", MaxExt)))
}

// pages is a vendor that has these pages of subscriptions, and says what total it likes.
func pages(total string, list ...string) (vendor, *int) {
	calls := 0
	return func(r *http.Request) (*http.Response, error) {
		calls++
		var n int
		fmt.Sscan(r.URL.Query().Get("pageNum"), &n)
		page := ""
		if n <= len(list) {
			page = list[n-1]
		}
		return reply(200, `{"result":{"totalnum":`+total+`,"sublist":[`+page+`]}}`), nil
	}, &calls
}

func TestAllSubscriptionsReadsOnToAnEmptyPage(t *testing.T) {
	const a1, a2, b, c1, spoilt = `{"uid":"a","expiry":1}`, `{"uid":"A","expiry":"2"}`, `{"uid":"b","expiry":3}`, `{"uid":"c","expiry":4}`, `{"uid":""}`
	for name, tt := range map[string]struct {
		list  []string
		want  []Subscription
		calls int
	}{
		"nobody":                 {nil, nil, 1},
		"short pages":            {[]string{a1, b, c1}, []Subscription{{"a", unix(1)}, {"b", unix(3)}, {"c", unix(4)}}, 4},
		"one moved between two":  {[]string{a1 + "," + b, a2 + "," + c1}, []Subscription{{"a", unix(2)}, {"b", unix(3)}, {"c", unix(4)}}, 3},
		"the last page for ever": {[]string{a1, a1, a1, a1}, []Subscription{{"a", unix(1)}}, 2},
		"a page of spoilt ones":  {[]string{a1, spoilt, b}, []Subscription{{"a", unix(1)}, {"b", unix(3)}}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			v, calls := pages(`"0"`, tt.list...) // a total that lags is of no account
			all, err := newClient(t, Config{Rate: 1e6}, v).AllSubscriptions(t.Context(), "svc", nil)
			require.NoError(t, err)
			assert.Equal(t, tt.want, all)
			assert.Equal(t, tt.calls, *calls)
		})
	}
}

// TestAPageThatFailsIsAskedForAgain, and not the pages before it.
func TestAPageThatFailsIsAskedForAgain(t *testing.T) {
	const a, b = `{"uid":"a","expiry":1}`, `{"uid":"b","expiry":2}`
	spoilt := func() (*http.Response, error) { return reply(200, `{"result":{"subl`), nil }
	for name, tt := range map[string]struct {
		fails func() (*http.Response, error)
		times int // in a row, of the second page
		calls int
		well  bool
	}{
		"throttled":           {func() (*http.Response, error) { return reply(429, `{"error":"reach_limit"}`), nil }, 3, 6, true},
		"too many queries":    {func() (*http.Response, error) { return reply(400, `{"result":"too many queries"}`), nil }, 3, 6, true},
		"broken":              {func() (*http.Response, error) { return reply(500, ""), nil }, 3, 6, true},
		"spoilt on its way":   {spoilt, 3, 6, true},
		"cut off":             {func() (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, 3, 6, true},
		"spoilt for ever":     {spoilt, 99, 5, false},
		"refused for good":    {func() (*http.Response, error) { return reply(403, ""), nil }, 99, 2, false},
		"not answered at all": {func() (*http.Response, error) { return nil, os.ErrDeadlineExceeded }, 99, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, _ := pages("2", a, b)
				calls := 0
				c := newClient(t, Config{Rate: 1e6}, func(r *http.Request) (*http.Response, error) {
					calls++
					if r.URL.Query().Get("pageNum") == "2" && calls <= 1+tt.times {
						return tt.fails()
					}
					return v(r)
				})
				all, err := c.AllSubscriptions(t.Context(), "svc", nil)
				assert.Equal(t, tt.well, err == nil, "%v", err)
				assert.Equal(t, tt.calls, calls)
				if tt.well {
					assert.Equal(t, []Subscription{{"a", unix(1)}, {"b", unix(2)}}, all)
				}
			})
		})
	}
}

func TestAllSubscriptionsIsBounded(t *testing.T) {
	n := 0
	c := newClient(t, Config{Rate: 1e6}, func(*http.Request) (*http.Response, error) {
		n++
		return reply(200, fmt.Sprintf(`{"result":{"totalnum":1,"sublist":[{"uid":"u%d"}]}}`, n)), nil
	})
	_, err := c.AllSubscriptions(t.Context(), "svc", nil)
	assert.ErrorContains(t, err, "more than 64 pages")
	assert.Equal(t, maxPages, n)
	broken := newClient(t, Config{}, always(500, ""))
	_, err = broken.AllSubscriptions(t.Context(), "svc", nil)
	assert.True(t, IsRetryable(err), err)
}
