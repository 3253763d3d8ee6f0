package hub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// leasing is a hub to which the test tells leases.
type leasing struct {
	*Hub
	t *testing.T
}

func newLeasing(t *testing.T) leasing {
	return leasing{t: t, Hub: quietHub(t, func(c *Config) { c.WatchUIDs = []bridge.UID{"pinned"} })}
}

func (l leasing) tell(holder string, uid bridge.UID, until time.Time) {
	l.leaseChanged(bridge.LeaseChange{Holder: holder, UID: uid, Until: until})
}

// watches says whether the user is watched once everything was seen to that is due by now.
func (l leasing) watches(uid bridge.UID, now time.Time) (yes bool) {
	l.peek(func() {
		l.endLeases(now)
		l.letGo(now)
		yes = l.wanted[uid]
	})
	return yes
}

func TestTwoHoldersOfOneUser(t *testing.T) {
	h, now := newLeasing(t), time.Now()
	h.tell("billing", "a", now.Add(time.Hour))
	h.tell("audit", "a", now.Add(time.Hour))
	h.tell("audit", "a", time.Time{})
	h.tell("stranger", "a", time.Time{})
	h.tell("stranger", "nobody", time.Time{})
	require.True(t, h.watches("a", now.Add(time.Minute)))
	h.tell("billing", "a", time.Time{})
	require.False(t, h.watches("a", now.Add(time.Minute)))
	h.peek(func() {
		require.Empty(t, h.leased)
		require.NotContains(t, h.users, bridge.UID("nobody"))
	})
}

func TestLeasesAndBrowsersEachKeepAUser(t *testing.T) {
	h, now := newLeasing(t), time.Now()
	s := greeted(t, h.Hub, grant{open: true})
	browser := func() {
		require.NoError(t, h.subscribe(t.Context(), s, "", []bridge.UID{"a", "pinned"}, ""))
	}
	browser()
	h.tell("billing", "a", now.Add(time.Hour))
	h.unsubscribe(s, []bridge.UID{"a"})
	require.True(t, h.watches("a", now.Add(2*lingerFor)), "for the backend")
	browser()
	h.tell("billing", "a", time.Time{})
	h.tell("billing", "pinned", now.Add(time.Hour))
	h.tell("billing", "pinned", time.Time{})
	require.True(t, h.watches("a", now.Add(time.Hour)), "for the browser")
	h.exit(s)
	require.True(t, h.watches("pinned", now.Add(time.Hour)), "for good")
	require.False(t, h.watches("a", time.Now().Add(2*lingerFor)))
}

// TestALeaseWhoseEndWasMissedEnds by our own clock, with some patience.
func TestALeaseWhoseEndWasMissedEnds(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		began := time.Now()
		tell := func(holder string, uid bridge.UID, d time.Duration) {
			h.leaseChanged(bridge.LeaseChange{Holder: holder, UID: uid, Until: began.Add(d)})
		}
		watches := func(uid bridge.UID, after time.Duration) (yes bool) {
			time.Sleep(time.Until(began.Add(after)))
			synctest.Wait()
			h.peek(func() { yes = h.wanted[uid] })
			return yes
		}
		const patience = 2*leaseLate + 3*tendEvery
		tell("billing", "past", -leaseLate-time.Second)
		tell("billing", "a", time.Minute)
		tell("audit", "a", 2*time.Minute)
		require.False(t, watches("past", 0))
		require.True(t, watches("a", time.Minute+patience))
		tell("audit", "a", time.Hour)
		require.True(t, watches("a", 2*time.Minute+patience), "it was renewed")
		require.True(t, watches("a", time.Hour+leaseLate-time.Second))
		require.False(t, watches("a", time.Hour+patience))
	})
}
