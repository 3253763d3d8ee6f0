package easemob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mint is a vendor that mints tokens token-1, token-2 ... and lets in whom good says.
type mint struct {
	life   string        // expires_in, as JSON; "" leaves it out
	delay  time.Duration // of a token call
	good   func(token string) bool
	status int // of a failing token call, 0: none

	mu     sync.Mutex
	minted []time.Time
	seen   []string // tokens of calls
}

func (m *mint) roundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/token") {
		return m.token(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	m.seen = append(m.seen, token)
	if m.good != nil && !m.good(token) {
		return reply(401, `{"error":"unauthorized","error_description":"Unable to authenticate due to expired access token"}`), nil
	}
	return reply(200, `{"result":"ok"}`), nil
}

func (m *mint) token(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.minted = append(m.minted, time.Now())
	n, status := len(m.minted), m.status
	m.mu.Unlock()
	if err := sleep(r.Context(), m.delay); err != nil {
		return nil, err
	}
	if status != 0 {
		return reply(status, `{"error":"invalid_grant","error_description":"client_secret does not match"}`), nil
	}
	life := ""
	if m.life != "" {
		life = `,"expires_in":` + m.life
	}
	return reply(200, fmt.Sprintf(`{"access_token":"token-%d"%s}`, n, life)), nil
}

func (m *mint) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.minted)
}

func (m *mint) last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen[len(m.seen)-1]
}

func (m *mint) setStatus(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

var minted = Config{ClientID: "id", ClientSecret: "the-client-secret", Rate: 1e6}

func set(t *testing.T, c *Client) error {
	t.Helper()
	return c.SetPresence(t.Context(), "a", "web", "1", "")
}

func TestTokenIsMintedOnceHoweverManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", delay: time.Second}
		c := newClient(t, minted, m.roundTrip)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { assert.NoError(t, set(t, c)) })
		}
		wg.Wait()
		assert.Equal(t, 1, m.count())
		assert.Len(t, m.seen, 50)
	})
}

func TestTokenIsRefreshedInUseAtHalfItsLifeAndNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", delay: 5 * time.Second}
		c := newClient(t, minted, m.roundTrip)
		require.NoError(t, set(t, c))
		time.Sleep(29 * time.Minute)
		require.NoError(t, set(t, c))
		assert.Equal(t, 1, m.count())
		time.Sleep(2 * time.Minute)
		start := time.Now()
		require.NoError(t, set(t, c))
		assert.Less(t, time.Since(start), time.Millisecond, "the old token is good still")
		assert.Equal(t, "token-1", m.last())
		time.Sleep(6 * time.Second)
		require.NoError(t, set(t, c))
		assert.Equal(t, "token-2", m.last())
		assert.Equal(t, 2, m.count())
	})
}

func TestTokenThatIsNotUsedIsNotRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600"}
		c := newClient(t, minted, m.roundTrip)
		require.NoError(t, set(t, c))
		time.Sleep(30 * 24 * time.Hour)
		assert.Equal(t, 1, m.count())
		require.NoError(t, set(t, c))
		assert.Equal(t, "token-2", m.last(), "the old one is over")
	})
}

func TestTokenForEverIsMintedOnce(t *testing.T) {
	for _, life := range []string{"", "0", "-1", `"0"`} {
		synctest.Test(t, func(t *testing.T) {
			m := &mint{life: life}
			c := newClient(t, minted, m.roundTrip)
			for range 100 {
				require.NoError(t, set(t, c))
				time.Sleep(24 * time.Hour)
			}
			assert.Equal(t, 1, m.count(), life)
		})
	}
}

func TestFailuresToMintAreKeptForTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", status: 400}
		c := newClient(t, minted, m.roundTrip)
		for range 99 { // 9.9 s
			err := set(t, c)
			require.True(t, IsUnauthorized(err), err)
			require.ErrorContains(t, err, "easemob token: 400 invalid_grant: client_secret does not match (check EASEMOB_CLIENT_ID")
			time.Sleep(100 * time.Millisecond)
		}
		assert.Equal(t, 1, m.count())
		m.setStatus(0)
		time.Sleep(200 * time.Millisecond)
		require.NoError(t, set(t, c))
		assert.Equal(t, 2, m.count())
	})
}

func TestFailureToRefreshLeavesTheOldTokenInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		m := &mint{life: "3600"}
		config := minted
		config.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c := newClient(t, config, m.roundTrip)
		require.NoError(t, set(t, c))
		m.setStatus(500)
		time.Sleep(31 * time.Minute)
		for range 100 { // 25 s
			require.NoError(t, set(t, c))
			assert.Equal(t, "token-1", m.last())
			time.Sleep(250 * time.Millisecond)
		}
		assert.Equal(t, 1+3, m.count(), "at 0, 10 and 20 s")
		assert.Equal(t, 3, strings.Count(log.String(), "refreshing the app token"))
		assert.NotContains(t, log.String(), "the-client-secret")
	})
}

func TestCancelledCallerDoesNotEndTheFlightForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", delay: 2 * time.Second}
		c := newClient(t, minted, m.roundTrip)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var first, second error
		var wg sync.WaitGroup
		wg.Go(func() { first = c.SetPresence(gone, "a", "web", "1", "") })
		synctest.Wait()
		wg.Go(func() { second = set(t, c) })
		wg.Wait()
		assert.ErrorIs(t, first, context.DeadlineExceeded)
		assert.NoError(t, second)
		assert.Equal(t, 1, m.count())
	})
}

func TestSpoiltTokenAnswers(t *testing.T) {
	c := newClient(t, minted, always(200, `{"access_token":"cut`))
	err := set(t, c)
	assert.True(t, IsRetryable(err))
	assert.NotContains(t, err.Error(), "cut")
}

func TestCloseEndsATokenCallUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{delay: time.Hour}
		c := newClient(t, minted, m.roundTrip)
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { err = set(t, c) })
		synctest.Wait()
		start := time.Now()
		c.Close()
		wg.Wait()
		assert.Zero(t, time.Since(start))
		assert.True(t, errors.Is(err, context.Canceled), err)
		assert.Error(t, set(t, c))
		assert.Equal(t, 1, m.count())
	})
}
