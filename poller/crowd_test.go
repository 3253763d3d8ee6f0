package poller

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// TestACrowdJoinsTheLineInOrder: those who come back together, as of a hub that was away, are put in line in the order
// in which they were looked at, which package schedule asks for (TestTwoCrowdsBecomeOneSoon).
func TestACrowdJoinsTheLineInOrder(t *testing.T) {
	r := newRig(t, emulator.Options{Users: 300, Paused: true})
	p := r.poller(r.config("p"))
	uids := r.people(300)
	r.settled(uids)
	r.eventually("the poller knows them", func() bool { return p.turned(time.Time{}) })
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortFunc(uids, func(a, b bridge.UID) int { return p.term.list.users[b].verified.Compare(p.term.list.users[a].verified) })
	first, last := uids[0], uids[len(uids)-1]
	require.True(t, p.term.list.users[first].verified.After(p.term.list.users[last].verified), "not all in one call")
	p.term.watch(uids, time.Now())
	require.Less(t, slices.Index(uids, last), slices.Index(uids, first))
	require.True(t, slices.IsSortedFunc(uids, func(a, b bridge.UID) int {
		return p.term.list.users[a].verified.Compare(p.term.list.users[b].verified)
	}))
}
