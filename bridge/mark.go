package bridge

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// mark is a message of the log as it was read, or as it was written by us: by it one can tell whether the log is still
// the same one. The zero mark is none.
type mark struct {
	seq    uint64
	stored time.Time // of one that was read
	data   []byte    // of one that was written
}

func markOf(m *jetstream.MsgMetadata) mark { return mark{seq: m.Sequence.Stream, stored: m.Timestamp} }

// is says whether this is the message.
func (m mark) is(raw *jetstream.RawStreamMsg) bool {
	if m.data != nil {
		return bytes.Equal(raw.Data, m.data)
	}
	return raw.Time.Equal(m.stored)
}

// witness knows what the log has to hold: first what is in doubt, and then the newest message.
type witness interface {
	marks() []mark
	vouched(n int) // the first n marks in doubt were found
}

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

// marks implements witness, of what was read.
func (r *relay) marks() []mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(slices.Clone(r.doubted), r.last)
}

// vouched implements witness.
func (r *relay) vouched(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted = r.doubted[n:]
}

// acked is a journal's witness of what it has written. An acknowledgement may be far ahead of what was read, and what the
// log lost of that no reader would miss.
type acked struct {
	epoch   uint64 // of the connection over which newest was acknowledged
	newest  mark
	doubted []mark // what was the newest when the connection was made anew, until it is looked up
}

func (a *acked) note(epoch uint64, m mark) {
	if epoch != a.epoch {
		if a.newest.seq > 0 && len(a.doubted) < maxMarks {
			a.doubted = append(a.doubted, a.newest)
		}
		a.epoch, a.newest = epoch, mark{}
	}
	if m.seq > a.newest.seq {
		a.newest = m
	}
}

// marks implements witness.
func (j *Journal) marks() []mark {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append(slices.Clone(j.acked.doubted), j.acked.newest)
}

// vouched implements witness. The marks may be those of a stream before.
func (j *Journal) vouched(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.acked.doubted = j.acked.doubted[min(n, len(j.acked.doubted)):]
}

// lostWhatWasRead says whether messages that were read, or written, are gone, other than by newer ones of the same users.
// A stream that lost its tail in a crash, or was restored from a copy, has gone back behind them; what has been written
// since then may have their sequences. In one that was purged there are fewer users than before. While NATS is away
// nobody can tell.
func (b *Bus) lostWhatWasRead(ctx context.Context, r *relay) bool {
	all := r.witnesses()
	marks := make([][]mark, len(all)) // before the stream is asked how far it goes
	for i, w := range all {
		marks[i] = w.marks()
	}
	stream, err := b.js.Stream(ctx, StreamName)
	if err != nil {
		return false
	}
	s := stream.CachedInfo().State
	fewer := s.NumSubjects < r.subjects
	r.subjects = s.NumSubjects
	if fewer {
		return true
	}
	for i, w := range all {
		if lost, err := anyLost(ctx, stream, marks[i]); lost || err != nil {
			return lost
		}
		w.vouched(len(marks[i]) - 1)
	}
	return false
}

func (r *relay) witnesses() []witness {
	all := []witness{r}
	for _, f := range r.to {
		if w, ok := f.(witness); ok {
			all = append(all, w)
		}
	}
	return all
}

// anyLost looks the marks up.
func anyLost(ctx context.Context, stream jetstream.Stream, marks []mark) (bool, error) {
	s := stream.CachedInfo().State
	for _, m := range marks {
		switch {
		case m.seq == 0:
			continue
		case s.Msgs == 0, s.LastSeq < m.seq:
			return true, nil
		}
		raw, err := stream.GetMsg(ctx, m.seq)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound): // it has made room for newer ones of its user
		case err != nil:
			return false, err
		case !m.is(raw):
			return true, nil
		}
	}
	return false, nil
}
