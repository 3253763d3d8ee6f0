package hub

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// keysBubble is a verifier by keys, whose endpoint and clock are the test's.
type keysBubble struct {
	*verifier
	*publisher
	logged  *logged
	metrics *metrics
}

// withKeys runs a test of time with keys that are fetched over pipes. What first publishes is there from the start.
func withKeys(t *testing.T, first func(*publisher), test func(t *testing.T, b *keysBubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &keysBubble{publisher: &publisher{t: t}, logged: &logged{}, metrics: newMetrics(nil, &sync.Mutex{})}
		first(b.publisher)
		p := newPipes()
		server := &http.Server{Handler: b.publisher}
		serving := running(t, func(context.Context) error { _ = server.Serve(p); return nil })
		a := Auth{JWKSURL: "http://issuer/keys?secret=hush"}
		k := newKeys(a.JWKSURL, b.logged.logger(), b.metrics.keys)
		k.client.Transport = &http.Transport{DialContext: p.dial, DisableKeepAlives: true}
		b.verifier = newVerifier(a, k, b.metrics.tokens)
		stop := running(t, b.keep)
		defer func() { // also when the test fails: whoever is left in a bubble hangs it
			stop()
			_ = server.Close()
			serving()
			synctest.Wait()
		}()
		test(t, b)
		require.NotContains(t, b.logged.String(), "hush")
	})
}

// takes says how long it takes to check a token, and what of.
func (b *keysBubble) takes(token string) (time.Duration, error) {
	began := time.Now()
	_, err := b.verify(token)
	return time.Since(began), err
}

func (b *keysBubble) fetched(result string) int {
	return int(testutil.ToFloat64(b.metrics.keys.WithLabelValues(result)))
}

// TestKeysRotate: a new key counts as soon as a token names it, and one that was taken back only for as long as keys
// are not fetched again.
func TestKeysRotate(t *testing.T) {
	old, young := newEd("old"), newEd("young")
	withKeys(t, func(e *publisher) { e.publishes(old) }, func(t *testing.T, b *keysBubble) {
		_, err := b.takes(old.sign(t, nil))
		require.NoError(t, err, "the first token waits for the first fetch")
		_, err = b.takes(young.sign(t, nil))
		require.ErrorIs(t, err, errToken)
		require.ErrorContains(t, err, "its kid is not among the keys")

		b.publishes(old, young)
		_, err = b.takes(young.sign(t, nil))
		require.NoError(t, err)
		require.EqualValues(t, 3, b.asked.Load())

		b.publishes(young)
		_, err = b.takes(old.sign(t, nil))
		require.NoError(t, err)
		time.Sleep(keysEvery)
		synctest.Wait()
		_, err = b.takes(old.sign(t, nil))
		require.ErrorIs(t, err, errToken)
		_, err = b.takes(young.sign(t, nil))
		require.NoError(t, err)
		require.Zero(t, b.fetched("unreachable"))
	})
}

// TestUnknownKeysDoNotHammer: whoever makes key names up costs the endpoint a fetch now and then, and nobody else any
// time.
func TestUnknownKeysDoNotHammer(t *testing.T) {
	ours, stranger := newEd("ours"), newEd("")
	withKeys(t, func(e *publisher) { e.publishes(ours) }, func(t *testing.T, b *keysBubble) {
		const spell, often = 2 * time.Minute, 250 * time.Millisecond
		for i := range int(spell / often) {
			stranger.kid = fmt.Sprintf("made-up-%d", i)
			_, err := b.takes(stranger.sign(t, nil))
			require.ErrorIs(t, err, errToken)
			took, err := b.takes(ours.sign(t, nil))
			require.NoError(t, err)
			require.Zero(t, took)
			time.Sleep(often)
		}
		require.LessOrEqual(t, b.asked.Load(), int64(2+keysBurst+spell/keysAsk))
		require.GreaterOrEqual(t, b.asked.Load(), int64(spell/keysAsk), "and a key that is new is found all the same")
	})
}

// TestKeysAway: an endpoint that is away keeps nobody out whose key is known, and whoever cannot be checked is told to
// come again.
func TestKeysAway(t *testing.T) {
	ours, young := newEd("ours"), newEd("young")
	away := func(e *publisher) { e.says(http.StatusServiceUnavailable, "hush") }
	withKeys(t, away, func(t *testing.T, b *keysBubble) {
		_, err := b.takes(ours.sign(t, nil))
		require.ErrorIs(t, err, errLater)
		require.Equal(t, closeRestarting.code, closeOf(err).code)
		require.Equal(t, http.StatusServiceUnavailable, refusalOf(err).status)
		require.Error(t, b.keys.ready())
		require.Contains(t, b.logged.String(), "AUTH_JWKS_URL gives no keys; until it does, every token is refused")
		time.Sleep(time.Hour)
		require.InDelta(t, 60, b.asked.Load(), 25, "it is asked about once a minute")

		b.publishes(ours)
		time.Sleep(keysSlow)
		synctest.Wait()
		took, err := b.takes(ours.sign(t, nil))
		require.NoError(t, err)
		require.Zero(t, took)
		require.NoError(t, b.keys.ready())

		away(b.publisher)
		time.Sleep(6 * time.Hour)
		_, err = b.takes(ours.sign(t, nil))
		require.NoError(t, err, "the last keys are kept")
		_, err = b.takes(young.sign(t, nil))
		require.ErrorIs(t, err, errLater, "who knows")
		require.Contains(t, b.logged.String(), "the last ones are kept")
	})
}

// TestKeysHang: an endpoint that takes connections and does not answer, or never ends, is waited for by those only
// whose key is not known, and not for long.
func TestKeysHang(t *testing.T) {
	for name, hang := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"dribbling": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte(" "))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ours, young := newEd("ours"), newEd("young")
			withKeys(t, func(e *publisher) { e.does(hang) }, func(t *testing.T, b *keysBubble) {
				took, err := b.takes(ours.sign(t, nil))
				require.ErrorIs(t, err, errLater)
				require.Equal(t, keysWait, took)
				time.Sleep(fetchWithin)
				synctest.Wait()
				require.Equal(t, 1, b.fetched("unreachable"))
				b.publishes(ours)
				time.Sleep(2 * keysSlow)

				b.does(hang)
				took, err = b.takes(young.sign(t, nil))
				require.ErrorIs(t, err, errLater, "who knows")
				require.Equal(t, keysWait, took)
				took, err = b.takes(ours.sign(t, nil))
				require.NoError(t, err)
				require.Zero(t, took)
				synctest.Wait()
			})
		})
	}
}

// TestKeysNonsense: what is no key set is told apart from one, counted by its kind, and changes nothing.
func TestKeysNonsense(t *testing.T) {
	ours := newEd("ours")
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(strings.Repeat(" ", 1<<10))); err != nil {
				return
			}
		}
	}
	says := func(status int, body string) http.HandlerFunc {
		e := &publisher{}
		e.says(status, body)
		return *e.answer.Load()
	}
	withKeys(t, func(e *publisher) { e.publishes(ours) }, func(t *testing.T, b *keysBubble) {
		synctest.Wait()
		for _, c := range []struct {
			name, result string
			does         http.HandlerFunc
		}{
			{"a page", "nonsense", says(200, "<html>hush</html>")},
			{"nothing", "nonsense", says(200, "")},
			{"no keys", "nonsense", says(200, `{"hush":1}`)},
			{"an empty set", "nonsense", says(200, `{"keys":[]}`)},
			{"keys that are none", "nonsense", says(200, `{"keys":"hush"}`)},
			{"a secret", "nonsense", says(200, `{"keys":[{"kty":"oct","kid":"ours","k":"aHVzaA"}]}`)},
			{"a key for another alg", "nonsense", says(200, strings.Replace(keySet(t, ours), `"kty"`, `"alg":"RS256","kty"`, 1))},
			{"a key to encrypt with", "nonsense", says(200, strings.Replace(keySet(t, ours), `"kty"`, `"use":"enc","kty"`, 1))},
			{"too many keys", "nonsense", says(200, keySet(t, make65()...))},
			{"not found", "status", says(404, keySet(t, ours))},
			{"elsewhere", "status", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://issuer/hush", http.StatusFound)
			}},
			{"endless", "too_large", endless},
			{"cut off", "unreachable", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte(`{"keys":[`))
			}},
		} {
			before := b.fetched(c.result)
			b.does(c.does)
			signal(b.keys.wanted)
			synctest.Wait()
			require.Equal(t, before+1, b.fetched(c.result), c.name)
			took, err := b.takes(ours.sign(t, nil))
			require.NoError(t, err, c.name)
			require.Zero(t, took)
		}
		require.Contains(t, b.logged.String(), "the last ones are kept")
	})
}

func make65() (list []signer) {
	for i := range maxKeys + 1 {
		list = append(list, newEd(fmt.Sprint(i)))
	}
	return list
}
