package bridge

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// aloft is a journal of stream 1, and a flight to it that was sent when the user's last message was number 5.
func aloft(b *Bus) (*Journal, *flight) {
	j := NewJournal(b)
	j.Reset(1)
	j.CaughtUp()
	return j, &flight{stream: 1, after: 5, change: &Change{UID: "alice", State: busy}, at: time.Now()}
}

// said is what others have written, as it is read from the log.
func said(seq uint64) Entry {
	return Entry{Change: &Change{UID: "alice", State: online, ObservedAt: 1}, Seq: seq}
}

func lastSeq(j *Journal) uint64 {
	e, _, _ := j.Last("alice")
	return e.Seq
}

// TestALateWordMovesNothingBack: acknowledgements and what is read back may come after newer news, or after the stream
// was made anew.
func TestALateWordMovesNothingBack(t *testing.T) {
	j, f := aloft(nil)
	j.Apply(said(7))
	j.landed(f, 6)
	require.EqualValues(t, 7, lastSeq(j), "the log has gone on since it landed")
	j.learn(f, said(6))
	require.EqualValues(t, 7, lastSeq(j), "and since it was read back")

	j.Reset(2)
	j.landed(f, 6)
	j.learn(f, said(6))
	require.Zero(t, lastSeq(j), "both are of another stream")
}

// TestAMessageOfOursThatWasReadFirstIsStillOurs: the log told it as one of another's, whom no look of ours confirms.
func TestAMessageOfOursThatWasReadFirstIsStillOurs(t *testing.T) {
	j, f := aloft(nil)
	j.Apply(said(6))
	j.landed(f, 6)
	e, verified, _ := j.Last("alice")
	require.Same(t, f.change, e.Change)
	require.Equal(t, f.at, verified)
	j.Apply(e) // as it is read when its acknowledgement was faster
	_, verified, _ = j.Last("alice")
	require.Equal(t, f.at, verified, "it is no news")
}

// TestARefusalIsNoFailure, also where what it was refused for is gone when the log is read.
func TestARefusalIsNoFailure(t *testing.T) {
	t.Parallel()
	j, f := aloft(newBus(t))
	f.after, f.data, f.err = 0, []byte("sent"), &jetstream.APIError{ErrorCode: jetstream.JSErrCodeStreamWrongLastSequence}
	out, err := j.land(t.Context(), []*flight{f}, Outcome{}, nil)
	require.NoError(t, err)
	require.Equal(t, Outcome{Again: []UID{"alice"}}, out)
}

// TestWhatIsUncertainMovesNoMemory, not even that of whom the log holds nothing.
func TestWhatIsUncertainMovesNoMemory(t *testing.T) {
	j, f := aloft(nil)
	f.err = context.DeadlineExceeded
	j.took(1, []*flight{f})
	_, _, ok := j.Last("alice")
	require.False(t, ok)
	require.Zero(t, j.acked.newest)
}
