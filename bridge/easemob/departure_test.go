package easemob

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is a client of a server that counts the calls it gets; a secure one speaks HTTP/2.
func counted(t *testing.T, secure bool) (*Client, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = w.Write([]byte(`{"result":[{"uid":"a","status":{"web":"1"}}],"data":{"a":"online"}}`))
	}))
	server.EnableHTTP2 = secure
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	c, err := New(Config{URL: server.URL, Org: "org", App: "app", Token: "fixed-token", Rate: 1000, HTTPClient: server.Client()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, &calls
}

// TestWhatMayNotLeaveIsNotSent asks at the last moment, over both versions of HTTP.
func TestWhatMayNotLeaveIsNotSent(t *testing.T) {
	for name, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			var c *Client
			var calls *atomic.Int64
			if !secure { // HTTP/2 sends the headers first; what comes is a call that ends before it has begun
				t.Cleanup(func() { assert.EqualValues(t, 1, calls.Load(), "all that had come by the time the server was closed") })
			}
			c, calls = counted(t, secure)
			no := errors.New("not any more")
			held := BeforeLeaving(t.Context(), func(context.Context) error { return no })
			for range 20 {
				_, err := c.Get(held, "svc", []string{"a"})
				require.ErrorIs(t, err, no)
				_, err = c.Exists(held, "a")
				require.ErrorIs(t, err, no)
			}
			before := calls.Load()
			got, err := c.Get(BeforeLeaving(t.Context(), func(context.Context) error { return nil }), "svc", []string{"a"})
			require.NoError(t, err)
			assert.True(t, got.Presences["a"].Online)
			assert.EqualValues(t, 1, calls.Load()-before)
		})
	}
}

// TestWhoGetsAnotherConnectionWaitsForNobody: net/http boards again where a connection turns out to be dead.
func TestWhoGetsAnotherConnectionWaitsForNobody(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d := newDeparture(ctx, newWire(newLimiter(1000)))
	require.NoError(t, d.board())
	require.NoError(t, d.board(), "its turn is its own")
	d.end()
	d.end()
	require.NoError(t, d.wire.wait(ctx), "and was given back once")
}

// TestAskedIsWhenTheCallLeft holds a call up where it is about to leave, as a process is that was stopped.
func TestAskedIsWhenTheCallLeft(t *testing.T) {
	c, _ := counted(t, false)
	var released time.Time
	got, err := c.Get(BeforeLeaving(t.Context(), func(context.Context) error {
		released = time.Now()
		return nil
	}), "svc", []string{"a"})
	require.NoError(t, err)
	assert.False(t, got.Asked.Before(released), "the call left at %v, and says %v", released, got.Asked)
	assert.False(t, got.Asked.After(time.Now()))
}

// TestTheWireYieldsAsSlotsDo: those who wait for a connection when the vendor finds us too fast leave more slowly too.
func TestTheWireYieldsAsSlotsDo(t *testing.T) {
	slots := newLimiter(100 * slotShare)
	wire := newWire(slots)
	now := time.Now()
	assert.InDelta(t, float64(time.Second)/(100*wireShare), float64(wire.gap(now)), 2)
	slots.pace.yield(now)
	assert.Greater(t, wire.gap(now), 12*time.Millisecond)
	slots.setMost(10)
	assert.Greater(t, wire.gap(now), 90*time.Millisecond)
}
