package bridge

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// delivered is how a message is delivered: its place in the log, and in its consumer, which counts from 1 when made anew.
func delivered(stream, consumer uint64) *jetstream.MsgMetadata {
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair{Stream: stream, Consumer: consumer}}
}

func TestWhatIsDeliveredAgainIsNotNew(t *testing.T) {
	r := &relay{}
	require.True(t, r.arrived(delivered(4, 1)))
	require.Empty(t, r.doubted, "nothing was read before")
	require.True(t, r.arrived(delivered(6, 2)))
	require.False(t, r.arrived(delivered(6, 1)), "by a consumer made anew")
	require.Equal(t, []mark{{seq: 6}}, r.doubted)
	require.False(t, r.arrived(delivered(5, 2)))
	for seq := range uint64(10 * maxMarks) {
		r.arrived(delivered(7+seq, 1))
	}
	require.Len(t, r.doubted, maxMarks, "NATS may be away for long")
	require.EqualValues(t, 6, r.doubted[0].seq, "the oldest tell most")
}

// TestWhatIsLostOfTheLog reads a log of two messages of alice and one of bob.
func TestWhatIsLostOfTheLog(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	for _, uid := range []UID{"alice", "alice", "bob"} {
		foreign(t, b, uid, encoded(t, change(uid, "")))
	}
	at := func(seq uint64) mark {
		m, err := b.stream.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		return mark{seq: seq, stored: m.Time}
	}
	another := mark{seq: 2, stored: at(2).stored.Add(time.Nanosecond)}
	for name, c := range map[string]struct {
		relay *relay
		lost  bool
	}{
		"nothing was read":                    {&relay{subjects: 2}, false},
		"all is there":                        {&relay{subjects: 2, last: at(3), doubted: []mark{at(1), at(2)}}, false},
		"the end is missing":                  {&relay{subjects: 2, last: mark{seq: 4}}, true},
		"a user is missing":                   {&relay{subjects: 3, last: at(3)}, true},
		"another is in its place":             {&relay{subjects: 2, last: another}, true},
		"another is in a doubted one's place": {&relay{subjects: 2, last: at(3), doubted: []mark{at(1), another}}, true},
	} {
		r := c.relay
		require.Equal(t, c.lost, b.lostWhatWasRead(t.Context(), r), name)
		if !c.lost {
			require.Empty(t, r.doubted, name)
		}
	}
	r := &relay{last: at(3), doubted: []mark{at(1)}}
	require.NoError(t, b.stream.DeleteMsg(t.Context(), 1))
	require.False(t, b.lostWhatWasRead(t.Context(), r), "it has made room")
	marks := len(r.marks())
	r.arrived(delivered(9, 1))
	r.vouched(marks - 1)
	require.Equal(t, []mark{at(3)}, r.doubted, "what came into doubt meanwhile stays so")
}

// TestWhatWasWrittenAndIsLostIsNoticed has a server forget messages that were acknowledged, and not read yet, and take
// others in their place.
func TestWhatWasWrittenAndIsLostIsNoticed(t *testing.T) {
	t.Parallel()
	f := newForgetful(t)
	b := busOver(t, f.URL())
	j := unaware(t, b)
	reader := &relay{bus: b, to: []Follower{j}}
	back := func() { require.Eventually(t, b.Connected, soon, often) }
	observed(t, j, look("alice", online))
	f.remember()
	back()
	require.False(t, b.lostWhatWasRead(t.Context(), reader))
	lookUntilTaken(t, j, "alice", busy)
	require.False(t, b.lostWhatWasRead(t.Context(), reader))
	f.forget()
	back()
	foreign(t, b, "bob", encoded(t, change("bob", "")))
	foreign(t, b, "carol", encoded(t, change("carol", "")))
	require.True(t, b.lostWhatWasRead(t.Context(), reader), "what was written last is another's message now")
	lookUntilTaken(t, j, "dave", online)
	require.True(t, b.lostWhatWasRead(t.Context(), reader), "also when something newer was written since")
}
