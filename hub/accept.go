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
// coder/websocket writes has to fit, so that it is written at once; and a ping that is read, see controls.
const (
	readBuffer  = 144
	writeBuffer = 128
)

// accept makes a WebSocket of a request, and answers it where that is not possible.
func (k *socket) accept(tap *tap, r *http.Request) error {
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
	conn.SetReadLimit(-1) // take has the limit
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	k.in, k.session.conn, k.session.line, k.session.opening = tap.in, conn, tap.line, tap.opening
	k.session.writing = true // until begin has written the opening
	k.hub.heart.add(k.session)
	return nil
}

// tap puts a line between coder/websocket and the connection, and small buffers in place of net/http's. It keeps what
// opens the WebSocket, so that it goes out with the first message: one write where there would be two.
type tap struct {
	http.ResponseWriter // for who cannot be let in
	// take takes the connection over, with what the client has said already: it may say something as soon as it sees that
	// it was accepted.
	take    func() (c net.Conn, early []byte, err error)
	line    *line
	in      *bufio.Reader
	opening []byte
}

// tapped takes the connection of a request over from net/http.
func tapped(w http.ResponseWriter) *tap {
	return &tap{ResponseWriter: w, take: func() (net.Conn, []byte, error) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return nil, nil, err
		}
		early, _ := rw.Reader.Peek(rw.Reader.Buffered())
		return conn, bytes.Clone(early), nil
	}}
}

// openingSize is room for an answer to a handshake.
const openingSize = 256

// WriteHeader implements [http.ResponseWriter].
func (t *tap) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		t.ResponseWriter.WriteHeader(status)
		return
	}
	b := bytes.NewBuffer(make([]byte, 0, openingSize))
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = t.Header().Write(b) // to a buffer: it cannot fail
	t.opening = append(b.Bytes(), "\r\n"...)
}

// Hijack implements [http.Hijacker]. What the client has said already has to be in the new reader's buffer:
// coder/websocket takes what is buffered, and the connection.
func (t *tap) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, early, err := t.take()
	if err != nil {
		return nil, nil, err
	}
	t.line = newLine(conn)
	from := io.Reader(conn)
	if len(early) > 0 {
		from = io.MultiReader(bytes.NewReader(early), conn)
	}
	t.in = bufio.NewReaderSize(from, max(readBuffer, len(early)))
	_, _ = t.in.Peek(len(early))
	return t.line, bufio.NewReadWriter(t.in, bufio.NewWriterSize(t.line, writeBuffer)), nil
}
