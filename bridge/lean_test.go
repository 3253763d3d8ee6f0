package bridge

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

func leanRound(t testing.TB, users []UID, conditional bool) func() {
	bus := busAt(t, startServer(t, ServerOptions{}), Settings{})
	msgs := benchMessages(t, users)
	last := make([]uint64, len(msgs)) // of each user
	prefix := bus.nc.NewInbox() + "."
	var left atomic.Int64
	done := make(chan struct{}, 1)
	window := make(chan struct{}, 1600)
	_, err := bus.nc.Subscribe(prefix+"*", func(m *nats.Msg) {
		i, err := strconv.Atoi(m.Subject[len(prefix):])
		require.NoError(t, err)
		at := bytes.Index(m.Data, []byte(`"seq":`))
		n := uint64(0)
		for _, c := range m.Data[at+6:] {
			if c < '0' || c > '9' {
				break
			}
			n = n*10 + uint64(c-'0')
		}
		last[i] = n
		<-window
		if left.Add(-1) == 0 {
			done <- struct{}{}
		}
	})
	require.NoError(t, err)
	return func() {
		left.Store(int64(len(msgs)))
		for i, msg := range msgs {
			window <- struct{}{}
			m := &nats.Msg{Subject: msg.Subject, Header: msg.Header, Data: msg.Data, Reply: prefix + strconv.Itoa(i)}
			if conditional {
				m.Header["Nats-Expected-Last-Subject-Sequence"] = []string{strconv.FormatUint(last[i], 10)}
			}
			require.NoError(t, bus.nc.PublishMsg(m))
		}
		<-done
	}
}
