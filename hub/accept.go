package hub

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// What a WebSocket's connection is read and written through. net/http's pair of 4 KiB would be kept for as long as the
// connection: most messages are far smaller, and what is larger goes past the buffer. One of the frames that
// coder/websocket writes has to fit, so that it is written at once.
const (
	readBuffer  = 128
	writeBuffer = 128
)

// accept makes a WebSocket of a request, and answers it where that is not possible.
func (k *socket) accept(w http.ResponseWriter, r *http.Request) error {
	tap := &tap{ResponseWriter: w}
	conn, err := websocket.Accept(tap, r, &websocket.AcceptOptions{
		Subprotocols:       []string{Subprotocol},
		InsecureSkipVerify: true, // origins were checked by the middleware that all of /v1 goes through
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     k.pinged,
		OnPongReceived:     k.ponged,
	})
	if err != nil {
		return err
	}
	conn.SetReadLimit(-1) // receive has the limit
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	k.session.conn, k.session.line, k.session.opening = conn, tap.line, tap.opening
	k.session.writing = true // until begin has written the opening
	k.hub.heart.add(k.session)
	return nil
}

// tap puts a line between coder/websocket and the connection, and small buffers in place of net/http's. It keeps what
// opens the WebSocket, so that it goes out with the first message: one write where there would be two.
type tap struct {
	http.ResponseWriter
	line    *line
	opening []byte
}

// WriteHeader implements [http.ResponseWriter].
func (t *tap) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		t.ResponseWriter.WriteHeader(status)
		return
	}
	b := bytes.NewBufferString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = t.Header().Write(b) // to a buffer: it cannot fail
	t.opening = append(b.Bytes(), "\r\n"...)
}

// Hijack implements [http.Hijacker]. A client may say something as soon as it sees that it was accepted, so net/http
// may have read of it already. That has to be in the new reader's buffer: coder/websocket takes what is buffered, and
// the connection.
func (t *tap) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.line = newLine(conn)
	n := rw.Reader.Buffered()
	early, _ := rw.Reader.Peek(n)
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn), max(readBuffer, n))
	_, _ = r.Peek(n)
	return t.line, bufio.NewReadWriter(r, bufio.NewWriterSize(t.line, writeBuffer)), nil
}
