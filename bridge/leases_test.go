package bridge

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lessor keeps leases as FollowLeases tells them.
type lessor struct {
	mu sync.Mutex
	m  map[string]time.Time // holder/uid -> until
}

func (l *lessor) changed(c LeaseChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := c.Holder + "/" + string(c.UID)
	if l.m[key] = c.Until; c.Until.IsZero() {
		delete(l.m, key)
	}
}

func (l *lessor) are(want map[string]time.Time) func() bool {
	return func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return maps.EqualFunc(want, l.m, time.Time.Equal)
	}
}

func following(t *testing.T, b *Bus) *lessor {
	t.Helper()
	l := &lessor{m: map[string]time.Time{}}
	inBackground(t, func(ctx context.Context) error { return b.FollowLeases(ctx, l.changed) })
	return l
}

func leased(t *testing.T, b *Bus, holder string, ttl time.Duration, uids ...UID) time.Time {
	t.Helper()
	until, err := b.Lease(t.Context(), holder, uids, ttl)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(ttl), until, time.Minute)
	return until
}

func TestLeasesAreToldAndFollowed(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	billing := leased(t, b, "billing", time.Hour, "alice", "bob.b")
	for key, value := range map[string]string{"billing.Carol": `{"until":1}`, "billing.dave": "garbage", "billing.eve": `{}`,
		"alone": `{"until":1}`, "a=2Eb.carol": `{"until":9999999999999}`, "billing.fay.x": `{"until":9999999999999}`} {
		_, err := b.leases.Put(t.Context(), key, []byte(value))
		require.NoError(t, err)
	}
	l := following(t, b)
	require.Eventually(t, l.are(map[string]time.Time{"billing/alice": billing, "billing/bob.b": billing}), soon, often,
		"what cannot be read is passed over")
	audit := leased(t, b, "audit", 2*time.Hour, "alice")
	require.NoError(t, b.Release(t.Context(), "billing", []UID{"alice", "nobody"}))
	require.Eventually(t, l.are(map[string]time.Time{"audit/alice": audit, "billing/bob.b": billing}), soon, often,
		"the leases of others stay")
}

// TestALeaseEndsWithItsTimeUnlessItIsRenewed: the server ends it, whoever took it may be gone.
func TestALeaseEndsWithItsTimeUnlessItIsRenewed(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	l := following(t, b)
	leased(t, b, "billing", MinLease, "renewed")
	ending := leased(t, b, "billing", MinLease, "ending")
	renewed := leased(t, b, "billing", time.Hour, "renewed")
	require.Eventually(t, l.are(map[string]time.Time{"billing/renewed": renewed, "billing/ending": ending}), soon, often)
	require.Eventually(t, l.are(map[string]time.Time{"billing/renewed": renewed}), time.Minute, often)
	require.False(t, time.Now().Before(ending.Add(-2*time.Second)), "the server's clock counts, in whole seconds")
	_, err := b.leases.Get(t.Context(), "billing.renewed")
	require.NoError(t, err)
	_, err = b.leases.Get(t.Context(), "billing.ending")
	require.Error(t, err)
}

func TestLeasesMadeAnewAreNoticed(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	l := following(t, b)
	before := leased(t, b, "billing", time.Hour, "alice")
	require.Eventually(t, l.are(map[string]time.Time{"billing/alice": before}), soon, often)
	deleteStream(t, b.js, "KV_"+LeasesBucket)
	var after time.Time
	require.Eventually(t, func() (ok bool) {
		var err error
		after, err = b.Lease(t.Context(), "billing", []UID{"bob"}, time.Hour)
		return err == nil
	}, soon, often)
	require.Eventually(t, l.are(map[string]time.Time{"billing/alice": before, "billing/bob": after}), soon, often,
		"what was lost with the bucket is nobody's end")
}

// TestWhoLeasesMakesTheBucketAnew where nobody follows it.
func TestWhoLeasesMakesTheBucketAnew(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	deleteStream(t, b.js, "KV_"+LeasesBucket)
	require.Error(t, b.Release(t.Context(), "billing", []UID{"alice"}))
	leased(t, b, "billing", time.Hour, "alice")
}

func TestWhatIsNoLease(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	for _, holder := range []string{"", strings.Repeat("x", MaxHolderBytes+1), "a.b", "a b", "*", ">", "é", "a\n"} {
		_, err := b.Lease(t.Context(), holder, []UID{"alice"}, time.Hour)
		require.ErrorIs(t, err, ErrLease, holder)
		require.ErrorIs(t, b.Release(t.Context(), holder, []UID{"alice"}), ErrLease, holder)
	}
	for _, ttl := range []time.Duration{-time.Hour, 0, MinLease - 1, MaxLease + 1} {
		_, err := b.Lease(t.Context(), "billing", []UID{"alice"}, ttl)
		require.ErrorIs(t, err, ErrLease, ttl)
	}
	stream, err := b.js.Stream(t.Context(), "KV_"+LeasesBucket)
	require.NoError(t, err)
	require.Zero(t, stream.CachedInfo().State.LastSeq)
}

// FuzzLeaseUntil: whatever is written, nobody is watched for longer than a lease may be for.
func FuzzLeaseUntil(f *testing.F) {
	f.Add([]byte(`{"until":1644466065100}`))
	f.Add([]byte(`{"until":9223372036854775807}`))
	f.Add([]byte(`{"until":-1}`))
	now := time.UnixMilli(1644466065000)
	f.Fuzz(func(t *testing.T, value []byte) {
		until, err := leaseUntil(value, now)
		if err != nil {
			require.Zero(t, until)
			return
		}
		require.Positive(t, until.UnixMilli())
		require.False(t, until.After(now.Add(MaxLease)))
	})
}
