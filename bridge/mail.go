package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	ackTimeout = 5 * time.Second // how long an acknowledgement is waited for before it counts as uncertain

	volleySize = 256 // messages at most
	maxVolleys = 32  // under way at once

	numberBase = 36 // in which acknowledgements are numbered

	resends    = 2 // of what no stream took, as while a cluster elects who leads it
	resendWait = 250 * time.Millisecond
)

// mail brings a journal's messages to JetStream and tells what became of each, as PublishMsgAsync of nats.go does. That
// spends a timer, two channels, a place in a map and encoding/json on each message, which is a quarter of what client
// and server together need to publish one. Here volleys have them.
type mail struct {
	nc    *nats.Conn
	inbox string        // where acknowledgements come: to it and a number, see open
	room  chan struct{} // holds one of each volley that is under way
	pause time.Duration // before what no stream took is sent again

	mu      sync.Mutex
	newest  uint64
	volleys map[uint64]*volley // by number
}

// volley are flights that are waited for together. What is in it is guarded by the mail's mu.
type volley struct {
	number  uint64
	flights []*flight
	left    int           // of how many nothing is known yet
	done    chan struct{} // closed when left is 0
}

// newMail listens for acknowledgements for as long as the connection lasts.
func newMail(nc *nats.Conn) (*mail, error) {
	m := &mail{
		nc: nc, inbox: nc.NewInbox() + ".", room: make(chan struct{}, maxVolleys), pause: resendWait,
		volleys: map[uint64]*volley{},
	}
	if _, err := nc.Subscribe(m.inbox+"*", m.told); err != nil {
		return nil, fmt.Errorf("listening for acknowledgements: %w", err)
	}
	return m, nil
}

// carry sends the flights, and returns when each has either the sequence that it was acknowledged with or an error. The
// error says why it was refused, or that nobody knows what became of it.
func (m *mail) carry(ctx context.Context, app App, flights []*flight) {
	l := newLetter(app)
	for range resends {
		m.carryOnce(ctx, l, flights)
		flights = slices.DeleteFunc(slices.Clone(flights), func(f *flight) bool { return !errors.Is(f.err, nats.ErrNoResponders) })
		if len(flights) == 0 || pause(ctx, m.pause) != nil {
			return
		}
	}
	m.carryOnce(ctx, l, flights)
}

func (m *mail) carryOnce(ctx context.Context, l *letter, flights []*flight) {
	for some := range slices.Chunk(flights, volleySize) {
		if err := m.enter(ctx); err != nil {
			m.fail(some, err)
			continue
		}
		m.fire(ctx, l, some)
		<-m.room
	}
}

// enter waits for room.
func (m *mail) enter(ctx context.Context) error {
	select {
	case m.room <- struct{}{}:
		return nil
	default:
	}
	select {
	case m.room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fire sends one volley and waits for what becomes of it.
func (m *mail) fire(ctx context.Context, l *letter, flights []*flight) {
	cut := m.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer m.nc.RemoveStatusListener(cut)
	v := m.open(flights)
	m.send(v, l)
	patience := time.NewTimer(ackTimeout)
	defer patience.Stop()
	var err error
	select {
	case <-v.done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-cut:
		err = nats.ErrDisconnected
	case <-patience.C:
		err = nats.ErrTimeout
	}
	m.close(v, err)
}

// open makes a volley. Acknowledgements of it come with the number number*volleySize + place.
func (m *mail) open(flights []*flight) *volley {
	for _, f := range flights {
		f.seq, f.err = 0, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.newest++
	v := &volley{number: m.newest, flights: flights, left: len(flights), done: make(chan struct{})}
	m.volleys[v.number] = v
	return v
}

func (m *mail) send(v *volley, l *letter) {
	for i, f := range v.flights {
		number := v.number*volleySize + uint64(i)
		l.write(f, m.inbox, number)
		if err := m.nc.PublishMsg(&l.msg); err != nil {
			m.tell(number, 0, fmt.Errorf("publishing a change: %w", err))
		}
	}
}

// close waits no longer for those of whom nothing is known yet.
func (m *mail) close(v *volley, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.volleys, v.number)
	for _, f := range v.flights {
		if !f.known() {
			f.err = err
		}
	}
}

func (m *mail) fail(flights []*flight, err error) {
	for _, f := range flights {
		f.seq, f.err = 0, err
	}
}

// told takes an acknowledgement or a refusal. Those that nobody waits for any more are nobody's.
func (m *mail) told(msg *nats.Msg) {
	number, err := strconv.ParseUint(msg.Subject[len(m.inbox):], numberBase, 64)
	if err != nil {
		return
	}
	seq, err := ackOf(msg)
	m.tell(number, seq, err)
}

func (m *mail) tell(number, seq uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, i := m.volleys[number/volleySize], int(number%volleySize)
	if v == nil || i >= len(v.flights) || v.flights[i].known() {
		return
	}
	v.flights[i].seq, v.flights[i].err = seq, err
	if v.left--; v.left == 0 {
		close(v.done)
	}
}

// plainAck is how an acknowledgement begins, nearly always. The sequence and a brace follow.
var plainAck = []byte(`{"stream":"` + StreamName + `","seq":`)

var errNoAck = errors.New("what came is no acknowledgement")

// ackOf is the sequence that JetStream gave a message, or why it gave none.
func ackOf(msg *nats.Msg) (seq uint64, err error) {
	if digits, ok := bytes.CutPrefix(msg.Data, plainAck); ok {
		if digits, ok = bytes.CutSuffix(digits, []byte{'}'}); ok {
			if seq, err = strconv.ParseUint(string(digits), 10, 64); err == nil && seq > 0 {
				return seq, nil
			}
		}
	}
	if len(msg.Data) == 0 && msg.Header.Get("Status") == "503" {
		return 0, nats.ErrNoResponders
	}
	var ack struct {
		Error  *jetstream.APIError `json:"error"`
		Stream string              `json:"stream"`
		Seq    uint64              `json:"seq"`
	}
	switch err := json.Unmarshal(msg.Data, &ack); {
	case err != nil:
		return 0, fmt.Errorf("%w: %w", errNoAck, err)
	case ack.Error != nil:
		return 0, ack.Error
	case ack.Stream == "" || ack.Seq == 0:
		return 0, errNoAck
	}
	return ack.Seq, nil
}
