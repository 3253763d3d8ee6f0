package easemob

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefusedTokenIsReplacedOnceAndTheCallRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600"}
		config := minted
		config.Rate = 10
		c := newClient(t, config, m.roundTrip)
		require.NoError(t, set(t, c))
		m.good = func(token string) bool { return token != "token-1" } // revoked, whatever its time
		time.Sleep(time.Minute)
		start := time.Now()
		require.NoError(t, set(t, c))
		assert.Equal(t, []string{"token-1", "token-1", "token-2"}, m.seen)
		assert.GreaterOrEqual(t, time.Since(start), time.Second/10, "the repetition takes a slot of its own")
	})
}

func TestManyRefusedAtOnceMintOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", delay: time.Second}
		c := newClient(t, minted, m.roundTrip)
		require.NoError(t, set(t, c))
		m.good = func(token string) bool { return token != "token-1" }
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { assert.NoError(t, set(t, c)) })
		}
		wg.Wait()
		assert.Equal(t, 2, m.count())
	})
}

func TestTokensThatAreAllRefusedAreNotMintedInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", good: func(string) bool { return false }}
		c := newClient(t, minted, m.roundTrip)
		for range 600 { // a minute
			err := set(t, c)
			require.True(t, IsUnauthorized(err), err)
			time.Sleep(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, m.count(), 2+6)
		assert.LessOrEqual(t, len(m.seen), 2+6, "nor is the vendor asked with what it refused")
		m.good = nil
		time.Sleep(longestRest)
		assert.NoError(t, set(t, c))
	})
}

func TestTokensThatAreGoodForOneCallAreNotMintedInALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := map[string]bool{}
		m := &mint{good: func(token string) bool { fresh := !used[token]; used[token] = true; return fresh }}
		c := newClient(t, minted, m.roundTrip)
		for range 600 { // a minute
			_ = set(t, c)
			time.Sleep(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, m.count(), 2+maxRefusals+2*6)
	})
}

func TestRefusedFixedTokenNamesItsVariable(t *testing.T) {
	calls := 0
	c := newClient(t, Config{Token: "fixed"}, func(*http.Request) (*http.Response, error) {
		calls++
		return reply(401, sample(t, "unauthorized_401.json")), nil
	})
	err := set(t, c)
	assert.True(t, IsUnauthorized(err))
	assert.ErrorContains(t, err, "EASEMOB_TOKEN was refused")
	assert.Equal(t, 1, calls)
}

// TestRefusedCredentialsAreAskedEverMoreRarely for as long as nobody mends them.
func TestRefusedCredentialsAreAskedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", status: 400}
		c := newClient(t, minted, m.roundTrip)
		for start := time.Now(); time.Since(start) < 24*time.Hour; time.Sleep(time.Second) {
			require.True(t, IsUnauthorized(set(t, c)))
		}
		assert.LessOrEqual(t, m.count(), 6+24*12)
		gaps := make([]time.Duration, 6)
		for i := range gaps {
			gaps[i] = m.minted[i+1].Sub(m.minted[i])
		}
		s := time.Second
		assert.Equal(t, []time.Duration{10 * s, 20 * s, 40 * s, 80 * s, 160 * s, longestRest}, gaps)
		m.setStatus(0)
		time.Sleep(longestRest)
		require.NoError(t, set(t, c), "it is never given up")
		time.Sleep(tokenTrial)
		require.NoError(t, set(t, c))
		m.setStatus(400)
		time.Sleep(time.Hour)
		require.Error(t, set(t, c))
		m.setStatus(0)
		time.Sleep(tokenRest)
		require.NoError(t, set(t, c), "a token that was let in makes the next rest a first one")
	})
}

// TestRefusedFixedTokenIsTriedEverMoreRarely, and taken up again when the vendor does.
func TestRefusedFixedTokenIsTriedEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, good := 0, false
		c := newClient(t, Config{Token: "fixed", Rate: 1e6}, func(*http.Request) (*http.Response, error) {
			calls++
			if good {
				return reply(200, `{"result":"ok"}`), nil
			}
			return reply(401, sample(t, "unauthorized_401.json")), nil
		})
		for range 3600 {
			require.ErrorContains(t, set(t, c), "EASEMOB_TOKEN was refused")
			time.Sleep(time.Second)
		}
		assert.Less(t, calls, 2+6+12)
		good = true
		time.Sleep(longestRest)
		for range 100 {
			require.NoError(t, set(t, c))
		}
		good = false
		require.Error(t, set(t, c))
		good = true
		require.NoError(t, set(t, c), "one refusal alone is no reason to rest")
	})
}

// TestTokenRevokedUnderManyCallsIsReplacedOnce, whenever the answers to those under way come in.
func TestTokenRevokedUnderManyCallsIsReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{life: "3600", delay: 300 * time.Millisecond}
		n := 0
		c := newClient(t, minted, func(r *http.Request) (*http.Response, error) {
			answer, err := m.roundTrip(r)
			if !strings.HasSuffix(r.URL.Path, "/token") {
				m.mu.Lock()
				n++
				late := time.Duration(n%20) * 100 * time.Millisecond // before, while and after the new token comes
				m.mu.Unlock()
				time.Sleep(late)
			}
			return answer, err
		})
		require.NoError(t, set(t, c))
		m.mu.Lock()
		m.good = func(token string) bool { return token != "token-1" }
		m.mu.Unlock()
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() { assert.NoError(t, set(t, c)) })
		}
		wg.Wait()
		assert.Equal(t, 2, m.count())
	})
}
