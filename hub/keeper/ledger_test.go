package keeper

import (
	"context"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"

	"github.com/stretchr/testify/require"
)

// TestLedger holds the fake to what the real ledger does.
func TestLedger(t *testing.T) {
	t.Run("real", func(t *testing.T) { conformLedger(t, newBus(t)) })
	t.Run("fake", func(t *testing.T) {
		conformLedger(t, &memoryLedger{lines: map[bridge.UID]bridge.Subscription{}})
	})
}

func conformLedger(t *testing.T, l ledger) {
	ctx := t.Context()
	tells := func(want map[bridge.UID]bridge.Subscription) {
		t.Helper()
		lines, err := l.Ledger(ctx)
		require.NoError(t, err)
		require.Equal(t, want, lines)
	}
	one := bridge.Subscription{Operator: "op-1", Until: time.Now().UnixMilli()}
	two := bridge.Subscription{Operator: "op-2", Until: one.Until + 1}
	tells(map[bridge.UID]bridge.Subscription{})
	require.NoError(t, l.Unsubscribed(ctx, "nobody.here"), "taking out nobody is no error")
	require.NoError(t, l.Subscribed(ctx, "a.b", one))
	require.NoError(t, l.Subscribed(ctx, "c", one))
	require.NoError(t, l.Subscribed(ctx, "c", two))
	tells(map[bridge.UID]bridge.Subscription{"a.b": one, "c": two})
	require.NoError(t, l.Unsubscribed(ctx, "a.b"))
	tells(map[bridge.UID]bridge.Subscription{"c": two})
	require.NoError(t, l.Subscribed(ctx, "a.b", two))
	tells(map[bridge.UID]bridge.Subscription{"a.b": two, "c": two})

	gone, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, l.Subscribed(gone, "d", one), context.Canceled)
	require.ErrorIs(t, l.Unsubscribed(gone, "c"), context.Canceled)
	tells(map[bridge.UID]bridge.Subscription{"a.b": two, "c": two})
}
