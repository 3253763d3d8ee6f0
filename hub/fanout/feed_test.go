//go:build linux

package fanout

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// name is a user's, of whom the first is 1.
func name(uid int) bridge.UID { return bridge.UID(fmt.Sprintf("u%d", uid)) }

// feed takes what users have changed to. What was published is on its way after a flush at the latest.
type feed interface {
	publish(uid int, ext string) error
	flush() error
	close()
}

// target is a server that clients connect to, and the feed that it delivers.
type target struct {
	*child
	feed
	stop func() // ends both, and what is behind them
}

// startHub starts a hub with a NATS server of its own.
func startHub(t testing.TB) *target {
	t.Helper()
	server := start(t, "nats")
	h := start(t, "hub", natsVariable+"="+server.at[0])
	nc, err := nats.Connect(server.at[0])
	require.NoError(t, err)
	f := &hubFeed{nc: nc}
	return &target{child: h, feed: f, stop: func() { f.close(); h.stop(); server.stop() }}
}

// startFloor starts the floor, which does what the environment says.
func startFloor(t testing.TB, env ...string) *target {
	t.Helper()
	c := start(t, "floor", env...)
	conn, err := net.Dial("tcp", c.at[1])
	require.NoError(t, err)
	f := &floorFeed{conn: conn, w: bufio.NewWriterSize(conn, 64<<10), log: bridge.Cursor{Stream: time.Now().UnixNano()}}
	return &target{child: c, feed: f, stop: func() { f.close(); c.stop() }}
}

func presenceOf(uid int, ext string) bridge.Presence {
	state := bridge.StateOf(map[string]string{"web": "1"}, ext, 0)
	return bridge.Presence{UID: name(uid), State: state, ObservedAt: time.Now().UnixMilli()}
}

// hubFeed publishes to the log as a poller does, without waiting to hear that the log has it.
type hubFeed struct{ nc *nats.Conn }

func (f *hubFeed) publish(uid int, ext string) error {
	p := presenceOf(uid, ext)
	data, err := json.Marshal(bridge.Change{UID: p.UID, State: p.State, ObservedAt: p.ObservedAt,
		Changed: []string{bridge.ChangedExt}, Source: bridge.SourcePoll})
	if err != nil {
		return err
	}
	return f.nc.Publish(app.Subject(p.UID), data)
}

// flush leaves it to the client's own writer, which is as prompt.
func (f *hubFeed) flush() error { return f.nc.LastError() }
func (f *hubFeed) close()       { f.nc.Close() }

// floorFeed tells the floor the very messages that a hub makes of the same changes.
type floorFeed struct {
	conn net.Conn
	w    *bufio.Writer
	log  bridge.Cursor
	buf  []byte
}

func (f *floorFeed) publish(uid int, ext string) error {
	f.log.Seq, f.log.Stored = f.log.Seq+1, time.Now().UnixNano()
	b := append(f.buf[:0], make([]byte, 8)...)
	b = append(f.log.Append(append(b, `{"type":"changes","cursor":"`...)), `","presences":[`...)
	b = append(bridge.AppendPresence(b, presenceOf(uid, ext)), `]}`...)
	binary.BigEndian.PutUint32(b, uint32(uid))
	binary.BigEndian.PutUint32(b[4:], uint32(len(b)-8))
	f.buf = b
	_, err := f.w.Write(b)
	return err
}

func (f *floorFeed) flush() error { return f.w.Flush() }
func (f *floorFeed) close()       { _ = f.conn.Close() }
