package hub

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// hundreds is a hub that knows the first of every two of so many hundred users, and the hundreds of them.
func hundreds(t testing.TB, n int) (*Hub, [][]bridge.UID) {
	h := quietHub(t)
	h.hear(live())
	lists := make([][]bridge.UID, n)
	for i := range lists {
		lists[i] = uidsOf(names(100*i, 100))
		for j := 0; j < 100; j += 2 {
			h.Apply(entry(uint64(100*i+j+1), lists[i][j], online(fmt.Sprint(i)), bridge.ChangedFirst))
		}
	}
	return h, lists
}

// isAbout says whether an answer is about these of the hundreds, and nobody else.
func isAbout(t testing.TB, uids []bridge.UID, answer frame) {
	t.Helper()
	told := make([]bridge.UID, 0, len(uids))
	for i, p := range answer.Presences {
		require.Equal(t, uids[2*i], p.UID)
		told = append(told, p.UID, answer.Pending[i])
	}
	require.Equal(t, uids, told)
}

// TestNoAnswerIsWrittenOver: answers use the same room one after the other, and what is given to one client, or waits for
// them, is theirs whoever comes next.
func TestNoAnswerIsWrittenOver(t *testing.T) {
	h, lists := hundreds(t, 6)
	all := make([]*session, len(lists))
	for i := range all {
		all[i] = greeted(t, h, grant{open: true})
	}
	subscribe := func(i int) {
		require.NoError(t, h.subscribe(t.Context(), all[i], "", append([]bridge.UID{}, lists[i]...), ""))
	}
	subscribe(0)
	isAbout(t, lists[0], taken(t, h, all[0])[0])
	require.NotEmpty(t, h.scratch.frames, "or there is nothing that could be written over")
	subscribe(1)
	now, cancel := context.WithCancel(t.Context())
	cancel()
	asked, err := h.ask(now, t.Context(), grant{open: true}, lists[2])
	require.NoError(t, err)
	subscribe(3)
	pulled := h.pull(all[3])
	subscribe(4)
	isAbout(t, lists[4], taken(t, h, all[4])[0])
	subscribe(5)
	isAbout(t, lists[1], taken(t, h, all[1])[0])
	isAbout(t, lists[2], decodeFrame(t, asked.encode()))
	isAbout(t, lists[3], decodeFrame(t, pulled[0]))
	isAbout(t, lists[5], taken(t, h, all[5])[0])
}

// TestScratchHoldsNothing: what was answered is not kept by the room for it, and huge answers make it none.
func TestScratchHoldsNothing(t *testing.T) {
	h, lists := hundreds(t, 1)
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", lists[0], ""))
	r := &h.scratch
	require.Equal(t, make([]*user, cap(r.users)), r.users[:cap(r.users)])
	require.Equal(t, make(presences, cap(r.presences)), r.presences[:cap(r.presences)])
	require.Equal(t, make([]bridge.UID, cap(r.pending)), r.pending[:cap(r.pending)])
	require.GreaterOrEqual(t, cap(r.users), 100)
	for range 2 * spareFrames {
		r.sent(make([]byte, 0, spareAtLeast))
		r.sent(make([]byte, 0, spareAtLeast-1))
		r.sent(make([]byte, 0, spareAtMost+1))
	}
	require.Len(t, r.frames, spareFrames)
	require.Equal(t, spareAtLeast+1, cap(r.frame(spareAtLeast+1)), "where none is large enough, there is a new one")
}

// TestListsHoldNothing: who takes a list for the uids of a message finds nothing of another in it; one that has grown is kept,
// a huge one is not.
func TestListsHoldNothing(t *testing.T) {
	list := make([]bridge.UID, 0, 2)
	grown := append(list, "a", "b", "c")
	putList(&list, grown)
	require.Equal(t, make([]bridge.UID, cap(grown)), list[:cap(list)])
	other := append(make([]bridge.UID, 0, 3), "half", "a", "message")[:0]
	putList(&other, nil)
	require.Equal(t, make([]bridge.UID, 3), other[:cap(other)])
	for range 100 {
		putList(new([]bridge.UID), make([]bridge.UID, 2<<10))
		require.Less(t, cap(*lists.Get().(*[]bridge.UID)), 2<<10)
	}
}

// TestASubscribeLeavesLittle: a subscribe of a hundred users makes the session's own list of them, the cursor of the answer,
// and the list in which that waits; and reads the cursor of who comes back.
func TestASubscribeLeavesLittle(t *testing.T) {
	h, lists := hundreds(t, 1)
	s := greeted(t, h, grant{open: true, key: "me"})
	uids, buf := make([]bridge.UID, 100), []byte(nil)
	for since, most := range map[string]float64{"": 4, h.position.String(): 8} {
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			_ = h.subscribe(t.Context(), s, "", uids[:copy(uids, lists[0])], since)
			h.mu.Lock()
			h.take(s, &buf)
			h.leaveAll(s, lists[0])
			s.watches = nil
			h.mu.Unlock()
		}), most, since)
	}
}

// TestWhoWaitsIsToldOfEachOnce: an answer that is made anew, because somebody has come to be known, has nothing of before.
func TestWhoWaitsIsToldOfEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, lists := hundreds(t, 1)
		asked := make(chan subscribedMessage, 1)
		go func() {
			answer, _ := h.ask(t.Context(), t.Context(), grant{open: true}, append([]bridge.UID{}, lists[0][:2]...))
			asked <- answer
		}()
		synctest.Wait()
		h.Apply(entry(1000, lists[0][1], online("at last"), bridge.ChangedFirst))
		answer := <-asked
		require.Len(t, answer.Presences, 2)
		require.Empty(t, answer.Pending)
	})
}

// TestWhoIsWatchedAlreadyCountsOnce for the limits of a subject.
func TestWhoIsWatchedAlreadyCountsOnce(t *testing.T) {
	h, lists := hundreds(t, 1)
	h.limits.MaxUIDsPerSubject = 150
	s := greeted(t, h, grant{open: true, key: "me"})
	for range 2 {
		require.NoError(t, h.subscribe(t.Context(), s, "", append([]bridge.UID{}, lists[0]...), ""))
		require.Equal(t, 100, h.subject("me").uids)
	}
	h.unsubscribe(s, lists[0])
	require.Zero(t, h.subject("me").uids)
}
