package bridge

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHistoryIsTheNewestOfOneUser(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	told := func(uid UID) (exts []string) {
		t.Helper()
		changes, err := b.History(t.Context(), uid)
		require.NoError(t, err)
		for _, c := range changes {
			require.Equal(t, uid, c.UID)
			exts = append(exts, c.Ext)
		}
		return exts
	}
	require.Empty(t, told("alice"))
	foreign(t, b, "bob", encoded(t, change("bob", "1")))
	foreign(t, b, "bob", []byte("garbage"))
	foreign(t, b, "bob", encoded(t, change("alice", "not bob")))
	foreign(t, b, "bob", encoded(t, change("bob", "2")))
	for i := range MessagesPerUser + 3 {
		foreign(t, b, "alice", encoded(t, change("alice", fmt.Sprint(i))))
		foreign(t, b, "alice.b", encoded(t, change("alice.b", "another")))
	}
	require.Equal(t, []string{"10", "9", "8", "7", "6", "5", "4", "3"}, told("alice"))
	require.Equal(t, []string{"2", "1"}, told("bob"))
	consumers, err := b.stream.Info(t.Context())
	require.NoError(t, err)
	require.Zero(t, consumers.State.Consumers)
}

func TestOneSubscriptionOfTheLedger(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	want := Subscription{Operator: "svc-1", Since: 1, Until: 1000}
	require.NoError(t, b.Subscribed(t.Context(), "bob.b", want))
	_, err := b.subscriptions.Put(t.Context(), "eve", []byte("garbage"))
	require.NoError(t, err)
	for uid, want := range map[UID]*Subscription{"bob.b": &want, "bob": nil, "eve": nil} {
		got, err := b.SubscriptionOf(t.Context(), uid)
		require.NoError(t, err)
		require.Equal(t, want, got, uid)
	}
	require.NoError(t, b.Unsubscribed(t.Context(), "bob.b"))
	got, err := b.SubscriptionOf(t.Context(), "bob.b")
	require.NoError(t, err)
	require.Nil(t, got)
}

// TestWhatIsKeptCannotBeReadWhileNATSIsAway, which is said at once rather than when nobody waits any more.
func TestWhatIsKeptCannotBeReadWhileNATSIsAway(t *testing.T) {
	t.Parallel()
	s := startServer(t, ServerOptions{})
	b := busAt(t, s, quick)
	s.Stop()
	require.Eventually(t, b.Away, soon, often)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	_, err := b.History(ctx, "alice")
	require.ErrorIs(t, err, errAway)
	_, err = b.SubscriptionOf(ctx, "alice")
	require.ErrorIs(t, err, errAway)
}
