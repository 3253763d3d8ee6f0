//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// recorder reads every message of the log, one by one and soon, for the stream keeps but the last few of each user. It
// goes on through outages, and notices where the log was cut back.
type recorder struct {
	js jetstream.JetStream

	mu      sync.Mutex
	log     []message // as it was read, with the cuts
	stands  []message // what of it stands: sequences rise
	last    map[bridge.UID]message
	missing []uint64 // sequences that were gone before they were read
	foreign []string // what cannot be read
}

func newRecorder(js jetstream.JetStream) *recorder {
	return &recorder{js: js, last: map[bridge.UID]message{}}
}

const (
	readEvery = 20 * time.Millisecond
	readFor   = 2 * time.Second // the longest that one request may take
)

// run reads until ctx is done.
func (r *recorder) run(ctx context.Context) error {
	for {
		_ = r.catchUp(ctx) // NATS may be away at any time
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(readEvery):
		}
	}
}

// catchUp reads to the end that the log has now.
func (r *recorder) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	stream, err := r.js.Stream(ctx, bridge.StreamName)
	if err != nil {
		return err
	}
	if err := r.verify(ctx, stream); err != nil {
		return err
	}
	for seq := r.position() + 1; seq <= stream.CachedInfo().State.LastSeq; seq++ {
		if err := r.read(ctx, stream, seq); err != nil {
			return err
		}
	}
	return nil
}

func (r *recorder) position() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.stands); n > 0 {
		return r.stands[n-1].seq
	}
	return 0
}

func (r *recorder) read(ctx context.Context, stream jetstream.Stream, seq uint64) error {
	raw, err := stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		r.note(message{seq: seq}, nil)
		return nil
	}
	if err != nil {
		return err
	}
	change, err := bridge.DecodeChange(raw.Data)
	if err == nil && raw.Subject != app.Subject(change.UID) {
		err = fmt.Errorf("it is on %s", raw.Subject)
	}
	r.note(message{seq: seq, stored: raw.Time, Change: change}, err)
	return nil
}

func (r *recorder) note(m message, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stands = append(r.stands, m)
	switch {
	case err != nil:
		r.foreign = append(r.foreign, fmt.Sprintf("message %d: %v", m.seq, err))
	case m.Change == nil:
		r.missing = append(r.missing, m.seq)
	default:
		r.log = append(r.log, m)
		r.last[m.UID] = m
	}
}

// verify takes back what the log does not hold any more, or holds otherwise: a server that was killed may have lost
// what it had already told of.
func (r *recorder) verify(ctx context.Context, stream jetstream.Stream) error {
	for {
		newest, ok := r.newest()
		if !ok {
			return nil
		}
		if newest.seq <= stream.CachedInfo().State.LastSeq {
			raw, err := stream.GetMsg(ctx, newest.seq)
			if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
				return err
			}
			if err != nil && newest.Change == nil || err == nil && raw.Time.Equal(newest.stored) {
				return nil
			}
			if err != nil && r.pushedOut(ctx, stream, newest) {
				return nil
			}
		}
		r.takeBack(newest)
	}
}

// pushedOut says whether a message may have made room for newer ones of its user.
func (r *recorder) pushedOut(ctx context.Context, stream jetstream.Stream, m message) bool {
	raw, err := stream.GetLastMsgForSubject(ctx, app.Subject(m.UID))
	return err != nil || raw.Sequence > m.seq
}

func (r *recorder) newest() (message, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.stands) == 0 {
		return message{}, false
	}
	return r.stands[len(r.stands)-1], true
}

func (r *recorder) takeBack(m message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stands = r.stands[:len(r.stands)-1]
	if n := len(r.log); n > 0 && r.log[n-1].Change == nil { // one cut, however much it takes
		r.log = r.log[:n-1]
	}
	r.log = append(r.log, message{seq: m.seq})
	r.last = map[bridge.UID]message{}
	for _, s := range r.stands {
		if s.Change != nil {
			r.last[s.UID] = s
		}
	}
}

// lastOf is the last message of a user that stands.
func (r *recorder) lastOf(uid bridge.UID) (message, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.last[uid]
	return m, ok
}

// all is the whole log, as it was read.
func (r *recorder) all() (log []message, missing []uint64, foreign []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.log...), append([]uint64(nil), r.missing...), append([]string(nil), r.foreign...)
}
