package bridge

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// toCarry are flights of users of whom the log holds nothing.
func toCarry(t *testing.T, n int) []*flight {
	t.Helper()
	flights := make([]*flight, n)
	for i := range flights {
		c := change(UID(fmt.Sprint("u", i)), "")
		flights[i] = &flight{change: &c, data: encoded(t, c)}
	}
	return flights
}

// TestEachMessageHasItsOwnAcknowledgement, also where they are more than a volley, and some are refused.
func TestEachMessageHasItsOwnAcknowledgement(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	flights := toCarry(t, 2*volleySize+3)
	for i := 0; i < len(flights); i += 5 {
		flights[i].after = 99
	}
	b.mail.carry(t.Context(), b.app, flights)
	for i, f := range flights {
		if i%5 == 0 {
			require.True(t, conditionFailed(f.err), "%v", f.err)
			require.Zero(t, f.seq)
			continue
		}
		require.NoError(t, f.err)
		msg, err := b.stream.GetMsg(t.Context(), f.seq)
		require.NoError(t, err)
		require.Equal(t, b.app.Subject(f.change.UID), msg.Subject)
		require.Equal(t, f.data, msg.Data)
	}
	require.Empty(t, b.mail.volleys, "nothing is kept of what is over")
	require.Empty(t, b.mail.room)
}

// deaf is mail at a server where somebody takes the app's messages and says nothing.
func deaf(t *testing.T) (m *mail, nc *nats.Conn, took chan *nats.Msg) {
	t.Helper()
	s := startServer(t, ServerOptions{})
	took = make(chan *nats.Msg, 100)
	_, err := connectTo(t, s).ChanSubscribe(StreamSubjects, took)
	require.NoError(t, err)
	nc = connectTo(t, s)
	m, err = newMail(nc)
	require.NoError(t, err)
	return m, nc, took
}

func TestNobodyWaitsForAnAcknowledgementWhoHasGone(t *testing.T) {
	t.Parallel()
	m, _, took := deaf(t)
	gone, cancel := context.WithCancel(t.Context())
	flights := toCarry(t, 2)
	inBackground(t, func(context.Context) error { <-took; cancel(); return nil })
	m.carry(gone, demoApp, flights)
	for _, f := range flights {
		require.ErrorIs(t, f.err, context.Canceled)
	}
	require.Empty(t, m.volleys)
}

func TestALostConnectionIsNewsAtOnce(t *testing.T) {
	t.Parallel()
	m, nc, took := deaf(t)
	flights := toCarry(t, 1)
	inBackground(t, func(context.Context) error { <-took; return nc.ForceReconnect() })
	m.carry(t.Context(), demoApp, flights)
	require.ErrorIs(t, flights[0].err, nats.ErrDisconnected)
}

func TestSilenceIsUncertain(t *testing.T) {
	t.Parallel()
	m, _, _ := deaf(t)
	flights := toCarry(t, 1)
	m.carry(t.Context(), demoApp, flights)
	require.ErrorIs(t, flights[0].err, nats.ErrTimeout)
}

// TestWhatNoStreamTookIsSentAgain has somebody begin to take messages only after the first was sent in vain.
func TestWhatNoStreamTookIsSentAgain(t *testing.T) {
	t.Parallel()
	s := unheardServer(t, ServerOptions{}) // who listens would be a responder
	nc := connectTo(t, s)
	m, err := newMail(nc)
	require.NoError(t, err)
	flights := toCarry(t, 1)
	m.carry(t.Context(), demoApp, flights)
	require.ErrorIs(t, flights[0].err, nats.ErrNoResponders)

	m.pause = 5 * time.Second // time for others to begin
	before := m.newest
	inBackground(t, func(ctx context.Context) error {
		for sent := false; !sent; {
			if err := pause(ctx, often); err != nil {
				return err
			}
			m.mu.Lock()
			sent = m.newest > before && len(m.volleys) == 0
			m.mu.Unlock()
		}
		_, err := nc.Subscribe(StreamSubjects, func(msg *nats.Msg) { _ = msg.Respond([]byte(`{"stream":"PRESENCE","seq":1}`)) })
		return err
	})
	m.carry(t.Context(), demoApp, flights)
	require.NoError(t, flights[0].err)
	require.EqualValues(t, 1, flights[0].seq)
}

func TestWhatIsAnAcknowledgement(t *testing.T) {
	for data, seq := range map[string]uint64{
		`{"stream":"PRESENCE","seq":17}`:                       17,
		`{"stream":"PRESENCE","domain":"hub","seq":18}`:        18,
		`{"stream":"PRESENCE", "seq":19,"duplicate":true}`:     19,
		`{"stream":"PRESENCE","seq":20,"batch":"b","count":1}`: 20,
		`{"stream":"PRESENCE","seq":18446744073709551615}`:     1<<64 - 1,
		`{"stream":"PRESENCE","seq":0}`:                        0,
		`{"stream":"PRESENCE","seq":}`:                         0,
		`{"stream":"PRESENCE","seq":18446744073709551616}`:     0,
		`{"seq":7}`: 0, `{}`: 0, `+OK`: 0, ``: 0, `{"stream":"PRESENCE","seq":21`: 0,
	} {
		got, err := ackOf(&nats.Msg{Data: []byte(data)})
		require.Equal(t, seq, got, data)
		require.Equal(t, seq == 0, err != nil, data)
	}
	_, err := ackOf(&nats.Msg{Data: []byte(`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"PRESENCE","seq":0}`)})
	require.True(t, conditionFailed(err))
	_, err = ackOf(&nats.Msg{Header: nats.Header{"Status": {"503"}}})
	require.ErrorIs(t, err, nats.ErrNoResponders)
}

// TestWordsThatNobodyWaitsFor come late, twice, or from somebody who made them up.
func TestWordsThatNobodyWaitsFor(t *testing.T) {
	m := &mail{inbox: "_INBOX.a.", volleys: map[uint64]*volley{}}
	flights := []*flight{{}, {}}
	v := m.open(flights)
	word := func(number, data string) { m.told(&nats.Msg{Subject: m.inbox + number, Data: []byte(data)}) }
	for _, number := range []string{"", "-1", "!", "zzzzzzzzzzzzzzzzzz", "0", "74" /* 256: the first of ours */} {
		word(number, `{"stream":"PRESENCE","seq":1}`)
	}
	require.EqualValues(t, 1, flights[0].seq)
	word("74", `{"stream":"PRESENCE","seq":2}`)
	word("76", `{"stream":"PRESENCE","seq":3}`) // a third one
	require.EqualValues(t, 1, flights[0].seq, "it was told already")
	require.Equal(t, 1, v.left)
	word("75", `{"error":{"err_code":10071}}`)
	waitFor(t, v.done, "the end of the volley")
	require.Equal(t, jetstream.JSErrCodeStreamWrongLastSequence, flights[1].err.(*jetstream.APIError).ErrorCode)
	m.close(v, nats.ErrTimeout)
	require.NoError(t, flights[0].err)
	word("74", `{"stream":"PRESENCE","seq":4}`)
	require.EqualValues(t, 1, flights[0].seq)
}
