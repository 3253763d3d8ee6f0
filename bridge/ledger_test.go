package bridge

import (
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// books keeps a ledger as FollowLedger tells it.
type books struct {
	mu sync.Mutex
	m  map[UID]Subscription
}

func (k *books) changed(c LedgerChange) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Subscription == nil {
		delete(k.m, c.UID)
	} else {
		k.m[c.UID] = *c.Subscription
	}
}

func (k *books) are(want map[UID]Subscription) func() bool {
	return func() bool { k.mu.Lock(); defer k.mu.Unlock(); return maps.Equal(want, k.m) }
}

func TestTheLedgerIsToldAndFollowed(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	svc1, svc2 := Subscription{Operator: "svc-1", Since: 1, Until: 1000}, Subscription{Operator: "svc-2", Until: 2000}
	require.NoError(t, b.Subscribed(t.Context(), "alice", svc1))
	require.NoError(t, b.Subscribed(t.Context(), "bob.b", svc1))
	for key, value := range map[string]string{"Carol": "{}", "dave": "{}", "eve": "garbage", "a.b": `{"operator":"x","until":1}`} {
		_, err := b.subscriptions.Put(t.Context(), key, []byte(value))
		require.NoError(t, err)
	}
	k := &books{m: map[UID]Subscription{}}
	inBackground(t, func(ctx context.Context) error { return b.FollowLedger(ctx, k.changed) })
	require.Eventually(t, k.are(map[UID]Subscription{"alice": svc1, "bob.b": svc1}), soon, often, "what cannot be read is passed over")
	require.NoError(t, b.Unsubscribed(t.Context(), "alice"))
	require.NoError(t, b.Subscribed(t.Context(), "bob.b", svc2))
	require.Eventually(t, k.are(map[UID]Subscription{"bob.b": svc2}), soon, often)
	all, err := b.Ledger(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[UID]Subscription{"bob.b": svc2}, all)
}

func TestALedgerMadeAnewIsNoticed(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	k := &books{m: map[UID]Subscription{}}
	inBackground(t, func(ctx context.Context) error { return b.FollowLedger(ctx, k.changed) })
	svc1 := Subscription{Operator: "svc-1", Until: 1000}
	require.NoError(t, b.Subscribed(t.Context(), "alice", svc1))
	require.Eventually(t, k.are(map[UID]Subscription{"alice": svc1}), soon, often)
	deleteStream(t, b.js, "KV_"+SubscriptionsBucket)
	require.Eventually(t, func() bool { return b.Subscribed(t.Context(), "bob", svc1) == nil }, soon, often)
	require.Eventually(t, func() bool { k.mu.Lock(); defer k.mu.Unlock(); return k.m["bob"] == svc1 }, soon, often)
}

func FuzzDecodeSubscription(f *testing.F) {
	f.Add([]byte(`{"operator":"svc-1","until":1644466065100}`))
	f.Add([]byte(`{"operator":"","until":-1}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		s, err := decodeSubscription(value)
		if err != nil {
			return
		}
		require.NotEmpty(t, s.Operator)
		require.Positive(t, s.Until)
		again, err := decodeSubscription(encoded(t, s))
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}
