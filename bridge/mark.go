package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// mark is a message of the log as it was read: by it one can tell whether the log is still the one that was read. The
// zero mark is none.
type mark struct {
	seq    uint64
	stored time.Time
}

func markOf(m *jetstream.MsgMetadata) mark { return mark{m.Sequence.Stream, m.Timestamp} }

// maxMarks bounds what is kept while NATS cannot be asked: the oldest tell most.
const maxMarks = 64

// arrived notes a message that was delivered, and says whether it is new. Where the consumer was made anew, as it is when
// the server was, the log may have lost its tail meanwhile and been written on, over the sequences that were read: so
// what was read last is to be looked up. The caller holds mu.
func (r *relay) arrived(m *jetstream.MsgMetadata) bool {
	if m.Sequence.Consumer == 1 && r.last.seq > 0 && len(r.doubted) < maxMarks {
		r.doubted = append(r.doubted, r.last)
	}
	if m.Sequence.Stream <= r.last.seq {
		return false
	}
	r.last = markOf(m)
	return true
}

// marks are what the log has to hold as it was read: first what is in doubt, and then the newest message.
func (r *relay) marks() []mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(slices.Clone(r.doubted), r.last)
}

// vouched notes that the first n marks in doubt were found in the log.
func (r *relay) vouched(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted = r.doubted[n:]
}

// lostWhatWasRead says whether messages that were read are gone, other than by newer ones of the same users. A stream that
// lost its tail in a crash, or was restored from a copy, has gone back behind them; what has been written since then may
// have sequences that were read already. In one that was purged there are fewer users than before. While NATS is away
// nobody can tell.
func (b *Bus) lostWhatWasRead(ctx context.Context, r *relay) bool {
	marks := r.marks()
	newest := marks[len(marks)-1]
	stream, err := b.js.Stream(ctx, StreamName)
	if err != nil || newest.seq == 0 {
		return false
	}
	s := stream.CachedInfo().State
	fewer := s.NumSubjects < r.subjects
	r.subjects = s.NumSubjects
	if fewer || s.Msgs == 0 || s.LastSeq < newest.seq {
		return true
	}
	for _, m := range marks {
		// One that is not found has made room for newer ones of its user.
		if raw, err := stream.GetMsg(ctx, m.seq); err == nil && !raw.Time.Equal(m.stored) {
			return true
		} else if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return false
		}
	}
	r.vouched(len(marks) - 1)
	return false
}
