package easemob

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipes is a network inside the process, on which dialling takes a while. Its server takes whatever comes.
type pipes struct {
	dial  time.Duration
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := sleep(ctx, p.dial); err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	p.conns <- far
	return near, nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// TestServerNeverSeesMoreThanTheRate measures where it counts, at the server, over real net/http: the first
// calls wait for slow handshakes and for a slow token while slots go on, then later ones have connections at
// once. Without the pacing of what leaves, they would meet.
func TestServerNeverSeesMoreThanTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen []time.Time
		p := &pipes{dial: 700 * time.Millisecond, conns: make(chan net.Conn), done: make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/org/app/token" {
				time.Sleep(1500 * time.Millisecond)
				io.WriteString(w, `{"access_token":"t"}`)
				return
			}
			mu.Lock()
			seen = append(seen, time.Now())
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			io.WriteString(w, `{"result":[]}`)
		})}
		go server.Serve(p)
		defer server.Close()
		c, err := New(Config{
			URL: "http://vendor.test", Org: "org", App: "app", ClientID: "id", ClientSecret: "s", Rate: 40,
			HTTPClient: &http.Client{Transport: &http.Transport{DialContext: p.DialContext, MaxIdleConnsPerHost: 100}},
		})
		require.NoError(t, err)
		defer c.Close()
		var wg sync.WaitGroup
		for range 400 {
			wg.Go(func() {
				_, err := c.Get(t.Context(), "svc", []string{"a"})
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		require.Len(t, seen, 400)
		assert.LessOrEqual(t, busiestSecond(seen), 41)
		assert.Less(t, seen[399].Sub(seen[0]), 11*time.Second, "the budget is used")
	})
}

// TestNoCallIsRepeatedBehindOurBack breaks a kept connection under a call: net/http would send a GET again.
func TestNoCallIsRepeatedBehindOurBack(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			io.WriteString(w, sample(t, "sublist_200.json"))
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			conn.Close()
		}
	}))
	defer server.Close()
	c, err := New(Config{URL: server.URL, Org: "o", App: "a", Token: "t"})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Subscriptions(t.Context(), "svc", 1, 100)
	require.NoError(t, err)
	_, err = c.Subscriptions(t.Context(), "svc", 1, 100)
	assert.True(t, IsRetryable(err), err)
	assert.EqualValues(t, 2, calls.Load())
}

// TestKindsDoNotWaitForEachOther and a throttled kind holds back only itself.
func TestKindsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Rate: 1}, always(200, `{"result":"ok"}`))
		c.lanes[KindSet].slots.jitter = func(d time.Duration) time.Duration { return d }
		start := time.Now()
		for k := KindSet; k <= KindList; k++ {
			require.NoError(t, c.Wait(t.Context(), k))
		}
		assert.Zero(t, time.Since(start))
	})
}

func TestThrottledAnswersHoldTheirKindBack(t *testing.T) {
	for name, refusal := range map[string]*struct {
		status int
		body   string
	}{
		"429": {429, platform("reach_limit", "This request has reached api limit")},
		"503": {503, ""},
		"400": {400, service("too many queries")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				down := true
				c := newClient(t, Config{Rate: 1000}, func(*http.Request) (*http.Response, error) {
					if down {
						return reply(refusal.status, refusal.body), nil
					}
					return reply(200, `{"result":[]}`), nil
				})
				c.lanes[KindGet].slots.jitter = func(d time.Duration) time.Duration { return d }
				get := func() error { _, err := c.Get(t.Context(), "svc", []string{"a"}); return err }
				require.True(t, IsThrottled(get()))
				start := time.Now()
				require.NoError(t, c.Wait(t.Context(), KindSubscribe), "another kind goes on")
				assert.Zero(t, time.Since(start))
				require.True(t, IsThrottled(get()))
				assert.Equal(t, 500*time.Millisecond, time.Since(start))
				down = false
				require.NoError(t, get())
				assert.Equal(t, 1500*time.Millisecond, time.Since(start))
				down = true
				require.True(t, IsThrottled(get()))
				start = time.Now()
				require.True(t, IsThrottled(get()))
				assert.Equal(t, 500*time.Millisecond, time.Since(start), "success began it anew")
			})
		})
	}
}

// TestWhatOnlyAPersonCuresIsAskedRarely: no waiting cures it, so each call costs the vendor for nothing.
func TestWhatOnlyAPersonCuresIsAskedRarely(t *testing.T) {
	for name, v := range map[string]vendor{
		"plan":          always(429, platform("resource_limited", "You have exceeded the limit")),
		"not activated": always(400, service("the app not open presence")),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Config{Rate: 1000}, v)
				start := time.Now()
				for range 60 {
					_, err := c.Get(t.Context(), "svc", []string{"a"})
					require.False(t, IsRetryable(err), err)
				}
				assert.Greater(t, time.Since(start), 59*longHold/2)
				assert.Less(t, time.Since(start), 59*longHold)
			})
		})
	}
}

func TestGetNowTakesNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Rate: 1}, always(200, `{"result":[]}`))
		start := time.Now()
		require.NoError(t, c.Wait(t.Context(), KindGet))
		a, err := c.GetNow(t.Context(), "svc", []string{"a"})
		require.NoError(t, err)
		assert.Equal(t, []string{"a"}, a.Missing)
		assert.Zero(t, time.Since(start))
		_, err = c.Get(t.Context(), "svc", []string{"a"})
		require.NoError(t, err)
		assert.Greater(t, time.Since(start), time.Second)
	})
}
