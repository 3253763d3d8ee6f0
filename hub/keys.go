package hub

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

const (
	keysEvery = 5 * time.Minute  // between fetches while all is well: how long a key that was taken back still counts
	keysRetry = time.Second      // after the first fetch that failed, doubled with each
	keysSlow  = time.Minute      // at most, while the endpoint is away
	keysWait  = 2 * time.Second  // for which a token with a key that is not known waits for a fetch
	keysAsk   = 10 * time.Second // between fetches that tokens make, beyond the first keysBurst of them
	keysBurst = 3
)

// keys are the public keys of AUTH_JWKS_URL. They are fetched when the hub starts, every keysEvery, and when a token
// names a key that is not among them; that seldom, so that whoever makes key names up costs the endpoint nothing. The
// last ones are kept for as long as the endpoint is away. Whoever shows a token with a key that is known never waits.
type keys struct {
	url     string
	client  *http.Client
	log     *slog.Logger
	fetches *prometheus.CounterVec // by result
	limit   *rate.Limiter          // of fetches that tokens make
	wanted  chan struct{}          // holds one token when somebody waits for a fetch

	stored jwkset.Storage // the keys; it has a lock of its own
	lookup keyfunc.Keyfunc

	mu    sync.Mutex
	busy  bool          // a fetch is under way, or about to be
	ended chan struct{} // closed when the next fetch has ended
	err   error         // of the last fetch
	count int           // keys stored
}

// newKeys starts nothing: run fetches.
func newKeys(address string, log *slog.Logger, fetches *prometheus.CounterVec) *keys {
	k := &keys{
		url: address, client: keysClient(), log: log, fetches: fetches,
		limit: rate.NewLimiter(rate.Every(keysAsk), keysBurst), wanted: make(chan struct{}, 1),
		stored: jwkset.NewMemoryStorage(), busy: true, ended: make(chan struct{}), err: errors.New("it was not asked yet"),
	}
	k.lookup, _ = keyfunc.New(keyfunc.Options{Storage: k.stored}) // it fails for want of a storage only
	return k
}

// run keeps the keys up to date until ctx is done.
func (k *keys) run(ctx context.Context) error {
	for failures := 0; ; {
		failures = k.refresh(ctx, failures)
		pause := time.NewTimer(pauseAfter(failures))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-k.wanted:
		case <-pause.C:
		}
		pause.Stop()
	}
}

// pauseAfter is the time until the next fetch, jittered so that hubs do not ask in step.
func pauseAfter(failures int) time.Duration {
	d := keysEvery
	if failures > 0 {
		d = min(keysSlow, keysRetry<<min(failures-1, 10))
	}
	return d - rand.N(d/5)
}

// refresh fetches once, and returns how many fetches have failed in a row.
func (k *keys) refresh(ctx context.Context, failures int) int {
	k.mu.Lock()
	k.busy = true
	k.mu.Unlock()
	list, err := fetchKeys(ctx, k.client, k.url)
	if ctx.Err() != nil {
		return failures // nobody is left to be told
	}
	k.fetches.WithLabelValues(fetchResult(err)).Inc()
	k.tell(list, err)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		_ = k.stored.KeyReplaceAll(ctx, list) // in memory
		k.count = len(list)
	}
	k.err, k.busy = err, false
	close(k.ended)
	k.ended = make(chan struct{})
	if err != nil {
		return failures + 1
	}
	return 0
}

// tell logs what became of a fetch, where it is news.
func (k *keys) tell(list []jwkset.JWK, err error) {
	k.mu.Lock()
	before, count := k.err, k.count
	k.mu.Unlock()
	from := slog.String("host", k.host())
	switch {
	case err == nil && (before != nil || count != len(list)):
		k.log.Info("the keys of AUTH_JWKS_URL are here", from, "keys", len(list))
	case err != nil && count == 0:
		k.log.Error("AUTH_JWKS_URL gives no keys; until it does, every token is refused", from, "error", err)
	case err != nil:
		k.log.Warn("AUTH_JWKS_URL gives no keys; the last ones are kept", from, "keys", count, "error", err)
	}
}

// host is what may be told of the URL: the rest may hold a secret.
func (k *keys) host() string {
	u, err := url.Parse(k.url)
	if err != nil {
		return ""
	}
	return u.Host
}

// find is the key that a token says it is signed with, or all of them where it says nothing.
func (k *keys) find(t *jwt.Token) (any, error) {
	late := false
	key, err := k.lookup.Keyfunc(t)
	if k.missing(err) {
		late = k.news()
		key, err = k.lookup.Keyfunc(t)
	}
	switch {
	case k.missing(err) && (late || k.trouble() != nil):
		return nil, &problem{class: errLater, reason: "keys_away", words: "this hub waits for the keys of AUTH_JWKS_URL; try again"}
	case k.missing(err):
		return nil, refuseToken("key", "its kid is not among the keys of AUTH_JWKS_URL")
	case err != nil:
		return nil, refuseToken("alg", "its alg or kid is not what its key is for")
	}
	return key, nil
}

// missing says whether a key may yet come that is not there.
func (k *keys) missing(err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count == 0 || errors.Is(err, jwkset.ErrKeyNotFound)
}

// news waits for the fetch under way, or for one that the limit allows, and says whether it is late.
func (k *keys) news() (late bool) {
	k.mu.Lock()
	busy, ended := k.busy, k.ended
	k.mu.Unlock()
	if !busy {
		if !k.limit.Allow() {
			return false
		}
		signal(k.wanted)
	}
	select {
	case <-ended:
		return false
	case <-time.After(keysWait):
		return true
	}
}

// trouble is why the last fetch failed.
func (k *keys) trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// ready is nil when there are keys to check tokens with. Without AUTH_JWKS_URL, with nil keys, it always is.
func (k *keys) ready() error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.count == 0 {
		return errors.New("AUTH_JWKS_URL has given no keys yet")
	}
	return nil
}
