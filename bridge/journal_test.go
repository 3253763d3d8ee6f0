package bridge

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

func TestJournalWritesWhatChangesAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := journalAt(t, b)
	first, same, change := look("alice", online), Observation{}, Observation{}
	require.Equal(t, Outcome{Published: 1}, observed(t, j, first))
	same = look("alice", online)
	require.Equal(t, Outcome{}, observed(t, j, same), "nothing for nothing new")
	_, verified, ok := j.Last("alice")
	require.True(t, ok)
	require.Equal(t, same.At, verified)
	change = look("alice", busy)
	require.Equal(t, Outcome{Published: 1}, observed(t, j, change))

	log := history(t, b, "alice")
	require.Len(t, log, 2)
	require.Equal(t, []string{ChangedFirst}, log[0].Changed)
	require.Nil(t, log[0].Prev)
	require.Zero(t, log[0].NotBefore, "nobody knows since when")
	require.Equal(t, Millis(first.At), log[0].ObservedAt)
	require.Equal(t, []string{ChangedStatus, ChangedExt}, log[1].Changed)
	require.Equal(t, online, *log[1].Prev)
	require.Equal(t, Millis(same.At), log[1].NotBefore, "the last look that saw the old state")
	require.Equal(t, Millis(change.At), log[1].ObservedAt, "the start of the look that saw the new one")
	require.Nil(t, j.users["alice"].flight, "what has landed is forgotten")
}

func TestFirstComesAgainAfterUnwatched(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := journalAt(t, b)
	observed(t, j, look("alice", busy))
	require.Equal(t, []UID{"alice"}, j.LeftBehind(func(uid UID) bool { return uid != "alice" }))
	underway := look("alice", busy)
	for range 2 { // the second time there is nothing to say
		_, err := j.Unwatch(t.Context(), []UID{"alice", "nobody"})
		require.NoError(t, err)
	}
	require.Empty(t, j.LeftBehind(func(UID) bool { return false }))
	out, err := j.Observe(t.Context(), []Observation{underway})
	require.NoError(t, err)
	require.Equal(t, []UID{"alice"}, out.Again, "a look of those who watched before is no first one for those who come")
	observed(t, j, look("alice", busy))

	log := history(t, b, "alice")
	require.Len(t, log, 3)
	require.True(t, log[1].Unwatched())
	require.Equal(t, busy, log[1].State)
	require.Equal(t, []string{ChangedFirst}, log[2].Changed)
	require.Equal(t, busy, *log[2].Prev)
	require.Empty(t, history(t, b, "nobody"))
}

func TestChangesCarryCloudEventsHeaders(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := journalAt(t, b)
	ids := map[string]bool{}
	for _, s := range []State{online, busy, offline} {
		obs := look("alice", s)
		observed(t, j, obs)
		msg, err := b.stream.GetLastMsgForSubject(t.Context(), b.app.Subject("alice"))
		require.NoError(t, err)
		for key, want := range map[string]string{
			"ce-specversion": "1.0", "ce-type": "presence.changed.v1", "ce-subject": "alice", "ce-source": "/presence-bridge/demo/presence",
			"ce-time": time.UnixMilli(Millis(obs.At)).UTC().Format(time.RFC3339Nano), "content-type": "application/json",
		} {
			require.Equal(t, want, msg.Header.Get(key), key)
		}
		ids[msg.Header.Get("ce-id")] = true
	}
	require.Len(t, ids, 3, "ids are unique")
	require.NotContains(t, ids, "")
}

// unaware is a journal that knows the log as it is now and hears of nothing else by following.
func unaware(t *testing.T, b *Bus) *Journal {
	t.Helper()
	j := NewJournal(b)
	stop := inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, j) })
	waitFor(t, j.Ready(), "the journal")
	stop()
	return j
}

func TestAnotherWriterIsNeverWrittenOver(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := unaware(t, b)
	observed(t, j, look("alice", online))
	other := Change{UID: "alice", State: busy, ObservedAt: Millis(time.Now()) + 5000, Changed: []string{ChangedStatus}, Source: SourcePoll}
	foreign(t, b, "alice", encoded(t, other))

	obs := look("alice", offline)
	out, err := j.Observe(t.Context(), []Observation{obs})
	require.NoError(t, err)
	require.Equal(t, Outcome{Again: []UID{"alice"}}, out)
	require.Equal(t, busy, newest(t, b, "alice").State)
	out, err = j.Observe(t.Context(), []Observation{obs})
	require.NoError(t, err)
	require.Equal(t, []UID{"alice"}, out.Again, "the look began before we learned of the message")

	observed(t, j, look("alice", offline))
	last := newest(t, b, "alice")
	require.Equal(t, offline, last.State)
	require.Equal(t, busy, *last.Prev)
	require.Equal(t, other.ObservedAt, last.ObservedAt, "our clock is behind, observed_at does not go back")
}

func TestALookThatBeganBeforeAMessageWasHeardIsOvertaken(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := journalAt(t, b)
	observed(t, j, look("alice", online))
	obs := look("alice", online)
	foreign(t, b, "alice", encoded(t, Change{UID: "alice", State: busy, ObservedAt: 1, Changed: []string{ChangedStatus}}))
	require.Eventually(t, func() bool { e, _, _ := j.Last("alice"); return e.Seq == 2 }, soon, often)
	out, err := j.Observe(t.Context(), []Observation{obs})
	require.NoError(t, err)
	require.Equal(t, []UID{"alice"}, out.Again)
	require.Equal(t, Outcome{Published: 1}, observed(t, j, look("alice", online)), "put right by the next look")
}

func TestTwoLooksAtOneUserInOneBatch(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := unaware(t, b)
	out, err := j.Observe(t.Context(), []Observation{look("alice", online), look("alice", busy)})
	require.NoError(t, err)
	require.Equal(t, Outcome{Published: 1, Again: []UID{"alice"}}, out)
	require.Len(t, history(t, b, "alice"), 1)
}

func TestARestartPublishesNoFalseChange(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	observed(t, journalAt(t, b), look("alice", busy))
	j := journalAt(t, b)
	require.Equal(t, Outcome{}, observed(t, j, look("alice", busy)))
	require.Len(t, history(t, b, "alice"), 1)
}

func TestUnreadableLastMessageIsWrittenOver(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T, *Bus) *Journal{"following": journalAtT, "not following": unaware} {
		b := newBus(t)
		j := make(t, b)
		observed(t, j, look("alice", online))
		foreign(t, b, "alice", []byte("not JSON"))
		state := online // whoever follows writes over it at once, others with the next change
		if name == "following" {
			require.Eventually(t, func() bool { _, _, ok := j.Last("alice"); return !ok }, soon, often)
		} else {
			state = busy
		}
		lookUntilTaken(t, j, "alice", state)
		msg, err := b.stream.GetLastMsgForSubject(t.Context(), b.app.Subject("alice"))
		require.NoError(t, err)
		c, err := DecodeChange(msg.Data)
		require.NoError(t, err, name)
		require.Equal(t, []string{ChangedFirst}, c.Changed)
		require.Equal(t, state, c.State)
	}
}

func journalAtT(t *testing.T, b *Bus) *Journal { t.Helper(); return journalAt(t, b) }

func TestMessagesTakenOutOfTheLog(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := journalAt(t, b)
	observed(t, j, look("alice", online))
	observed(t, j, look("alice", busy))
	require.NoError(t, b.stream.DeleteMsg(t.Context(), newest(t, b, "alice").Seq))
	lookUntilTaken(t, j, "alice", offline)
	require.Equal(t, online, *newest(t, b, "alice").Prev, "the last message that is left")

	require.NoError(t, b.stream.Purge(t.Context(), jetstream.WithPurgeSubject(b.app.Subject("alice"))))
	lookUntilTaken(t, j, "alice", busy)
	last := newest(t, b, "alice")
	require.Nil(t, last.Prev)
	require.Equal(t, []string{ChangedFirst}, last.Changed)
}

func TestBeforeItKnowsTheLogAJournalConcludesNothing(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	j := NewJournal(b)
	out, err := j.Observe(t.Context(), []Observation{look("alice", online)})
	require.NoError(t, err)
	require.Equal(t, Outcome{Again: []UID{"alice"}}, out)
	out, err = j.Unwatch(t.Context(), []UID{"alice"})
	require.NoError(t, err)
	require.Equal(t, Outcome{Again: []UID{"alice"}}, out)
	_, _, ok := j.Last("alice")
	require.False(t, ok)
}

func TestLastIsVerifiedByOthersUntilWeLook(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	foreign(t, b, "alice", encoded(t, Change{UID: "alice", State: busy, ObservedAt: 1644466065100}))
	j := journalAt(t, b)
	e, verified, ok := j.Last("alice")
	require.True(t, ok)
	require.Equal(t, busy, e.State)
	require.Equal(t, int64(1644466065100), verified.UnixMilli())
}
