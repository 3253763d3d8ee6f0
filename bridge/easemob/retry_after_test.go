package easemob

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRetryAfterIsHonoured, in both of its forms, and no longer than we like.
func TestRetryAfterIsHonoured(t *testing.T) {
	for _, tt := range []struct {
		status int
		header string
		hold   time.Duration // before jitter
	}{
		{429, "7", 7 * time.Second},
		{503, "0", 0},
		{503, "-3", 0},
		{503, "soon", 0},
		{503, "99999999999999999999", 0}, // no number that there is
		{429, "86400", maxRetryAfter},
		{429, "Sat, 01 Jan 2000 00:00:20 GMT", 20 * time.Second}, // where the bubble's clock begins
		{429, "Fri, 31 Dec 1999 00:00:00 GMT", 0},
		{429, "Fri, 31 Dec 2100 00:00:00 GMT", maxRetryAfter},
		{502, "3", 3 * time.Second},
		{400, "3", -1}, // waiting changes nothing about it
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.header), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Config{Rate: 1e6}, func(*http.Request) (*http.Response, error) {
					r := reply(tt.status, "")
					r.Header.Set("Retry-After", tt.header)
					return r, nil
				})
				c.lanes[KindGet].slots.jitter = func(d time.Duration) time.Duration { return d }
				_, err := c.Get(t.Context(), "svc", []string{"a"})
				require.Error(t, err)
				start := time.Now()
				require.NoError(t, c.Wait(t.Context(), KindGet))
				want := max(tt.hold+backOffBase, 0)
				if tt.hold < 0 {
					want = 0
				}
				assert.Equal(t, want, time.Since(start).Truncate(time.Millisecond))
			})
		})
	}
}

// TestTokenCallsHonourRetryAfter, too.
func TestTokenCallsHonourRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := newClient(t, minted, func(*http.Request) (*http.Response, error) {
			sent++
			r := reply(429, "")
			r.Header.Set("Retry-After", "45")
			return r, nil
		})
		for range 44 {
			require.True(t, IsThrottled(set(t, c)))
			time.Sleep(time.Second)
		}
		assert.Equal(t, 1, sent)
		time.Sleep(time.Second)
		require.Error(t, set(t, c))
		assert.Equal(t, 2, sent)
	})
}

// TestWhoCannotWaitIsToldWhyAtOnce: a set has some seconds, and its user should hear what is the matter.
func TestWhoCannotWaitIsToldWhyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Rate: 1e6}, always(429, platform("resource_limited", "You have exceeded the limit of the Free edition")))
		require.True(t, IsOverPlan(set(t, c)))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := c.SetPresence(ctx, "a", "web", "1", "")
		assert.Zero(t, time.Since(start))
		assert.True(t, IsOverPlan(err), err)
		assert.ErrorContains(t, err, "waiting for a slot (set): held back: easemob set: 429 resource_limited")
	})
}
