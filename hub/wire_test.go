package hub

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// The first byte of a frame is one of each of these.
const (
	opMore   = 0x0 // continues a message
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xA

	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
)

// masked is a frame as clients have to send it.
func masked(first byte, payload string) string {
	key := []byte{0x5A, 0x00, 0xC3, 0x7E}
	body := []byte(payload)
	for i := range body {
		body[i] ^= key[i%4]
	}
	return frameHead(first, 0x80, len(payload)) + string(key) + string(body)
}

// unmasked is one as only servers may.
func unmasked(first byte, payload string) string { return frameHead(first, 0, len(payload)) + payload }

func frameHead(first, mask byte, n int) string {
	switch head := []byte{first}; {
	case n < 126:
		return string(append(head, mask|byte(n)))
	case n < 1<<16:
		return string(binary.BigEndian.AppendUint16(append(head, mask|126), uint16(n)))
	default:
		return string(binary.BigEndian.AppendUint64(append(head, mask|127), uint64(n)))
	}
}

// closeWith is the payload of a close frame.
func closeWith(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// wire is a client that sends whatever bytes it likes.
type wire struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func newWire(t testing.TB, conn net.Conn) *wire {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return &wire{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// wire connects over TCP and says nothing.
func (h *testHub) wire() *wire {
	h.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	require.NoError(h.t, err)
	return newWire(h.t, conn)
}

// send does not mind that the hub has ended the connection: what it has said before is what counts.
func (w *wire) send(bytes string) { _, _ = io.WriteString(w.conn, bytes) }

// handshake is the head of a request for a socket; more are header lines.
func handshake(more ...string) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	lines := append([]string{"GET /v1/ws HTTP/1.1", "Host: hub", "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + base64.StdEncoding.EncodeToString(nonce)}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// upgrade makes the connection a socket. It offers compression, which the hub has to decline.
func (w *wire) upgrade(more ...string) {
	w.t.Helper()
	head := handshake(append(more, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")...)
	w.send(head)
	answer := w.answer()
	require.Equal(w.t, http.StatusSwitchingProtocols, answer.StatusCode)
	_, key, _ := strings.Cut(head, "Sec-WebSocket-Key: ")
	key, _, _ = strings.Cut(key, "\r\n")
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	require.Equal(w.t, base64.StdEncoding.EncodeToString(sum[:]), answer.Header.Get("Sec-WebSocket-Accept"))
	require.Empty(w.t, answer.Header.Get("Sec-WebSocket-Extensions"), "compression is off")
}

// answer is the next HTTP response, without its body.
func (w *wire) answer() *http.Response {
	w.t.Helper()
	r, err := http.ReadResponse(w.in, nil)
	require.NoError(w.t, err)
	return r
}

// read is the next frame of the hub, which has to be in order: whole, unmasked, without reserved bits, and with the
// length in the shortest way. An error is the end of the connection.
func (w *wire) read() (op byte, payload string, err error) {
	w.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(w.in, head[:]); err != nil {
		return 0, "", err
	}
	require.Equal(w.t, byte(fin), head[0]&^0xF, "whole, and no reserved bits")
	size, least, wide := uint64(head[1]), uint64(0), 0 // a mask would make it 128 and more
	switch size {
	case 126:
		least, wide = 126, 2
	case 127:
		least, wide = 1<<16, 8
	}
	if wide > 0 {
		long := make([]byte, 8)
		if _, err := io.ReadFull(w.in, long[8-wide:]); err != nil {
			return 0, "", err
		}
		size = binary.BigEndian.Uint64(long)
	}
	require.True(w.t, head[1] < 128 && size >= least && size < 1<<24, "%x, %d bytes", head, size)
	body := make([]byte, size)
	_, err = io.ReadFull(w.in, body)
	return head[0] & 0xF, string(body), err
}

// hears tells in words what the next frame is. Whoever is told goodbye answers it, as the protocol wants.
func (w *wire) hears() string {
	w.t.Helper()
	op, payload, err := w.read()
	switch {
	case err != nil:
		return "ends"
	case op == opPong:
		return fmt.Sprintf("pong %q", payload)
	case op == opText:
		f := decodeFrame(w.t, []byte(payload))
		return strings.TrimSpace("says " + f.Type + " " + f.ID)
	case op == opClose && len(payload) == 0:
		return "closes"
	case op == opClose && len(payload) > 1:
		w.send(masked(fin|opClose, payload[:2]))
		return fmt.Sprintf("closes %d", binary.BigEndian.Uint16([]byte(payload)))
	}
	return fmt.Sprintf("sends %x %q", op, payload)
}

// hearsUntil is all that comes until something is heard, or the end.
func (w *wire) hearsUntil(last string) (all []string) {
	w.t.Helper()
	for {
		heard := w.hears()
		all = append(all, heard)
		if heard == last || heard == "ends" {
			return all
		}
	}
}

// sum is what all the series of one of the hub's metrics are together, or those alone that have a label's value.
func sum(t testing.TB, r *prometheus.Registry, name, value string) (total float64) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "presence_bridge_hub_"+name && (value == "" || m.GetLabel()[0].GetValue() == value) {
				total += m.GetCounter().GetValue()
			}
		}
	}
	return total
}

// closeWrite says that nothing more will come, and goes on reading.
func closeWrite(t testing.TB, w *wire) {
	t.Helper()
	require.NoError(t, w.conn.(*net.TCPConn).CloseWrite())
}
