package hub

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// firstWords is how much of what a newcomer says is looked at: a handshake with the cookies of a page has some 2 KiB.
const firstWords = 4 << 10

// foyer is where what a newcomer has said is read.
type foyer struct {
	room [firstWords]byte
	said []byte // of room; nil: nobody can look without taking it from the connection
	from bytes.Reader
	in   *bufio.Reader
}

var foyers = sync.Pool{New: func() any { return &foyer{in: bufio.NewReader(nil)} }}

// handshake opens a WebSocket for who asks for one as everybody does, whom this hub has room for and knows no reason to
// refuse. Of all others it takes nothing, and gives no answer: they are net/http's. The error is why the client is not let
// in, as of [Hub.enter].
func (h *Hub) handshake(c net.Conn, f *foyer) (*socket, error) {
	head := ordinary(f.said)
	if head == nil {
		return nil, nil
	}
	r := f.request(head)
	if r == nil || !h.origins.allow(r) || !speaksOurs(r) {
		return nil, nil
	}
	take := func() (net.Conn, []byte, error) {
		h.arrivals.heard(c)
		_, err := io.ReadFull(c, f.room[:len(head)])
		_ = c.SetReadDeadline(time.Time{})
		return c, nil, err
	}
	k, err := h.enter(&tap{ResponseWriter: unanswered{}, take: take}, r)
	if k != nil {
		k.arrived = true
	}
	if k != nil && h.logsAccess() {
		h.logRequest(http.MethodGet, socketPath, http.StatusSwitchingProtocols, time.Since(k.began), 0, "")
	}
	return k, err
}

const openingLine = "GET " + socketPath + " HTTP/1.1\r\n"

// ordinary is the handshake that a newcomer's first words begin with: whole, and without a byte that takes a second look.
// Anything else is nil.
func ordinary(said []byte) []byte {
	end := bytes.Index(said, []byte("\r\n\r\n"))
	if end < 0 || !bytes.HasPrefix(said, []byte(openingLine)) {
		return nil
	}
	head := said[:end+len("\r\n\r\n")]
	for _, b := range head {
		if (b < ' ' || b > '~') && b != '\r' && b != '\n' {
			return nil
		}
	}
	return head
}

// request reads an ordinary handshake; nil is what net/http's server would refuse or wait for, or what it knows better.
func (f *foyer) request(head []byte) *http.Request {
	f.from.Reset(head)
	f.in.Reset(&f.from)
	r, err := http.ReadRequest(f.in)
	if err != nil || r.Host == "" || strings.ContainsFunc(r.Host, noHost) || r.ContentLength != 0 || r.Header.Get("Expect") != "" {
		return nil
	}
	for name := range r.Header {
		if strings.Contains(name, " ") { // which net/http's reader lets pass, and its server does not
			return nil
		}
	}
	return r
}

// noHost is what names, addresses and ports are not made of.
func noHost(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._:[]", c))
}

// unanswered is for who is net/http's to answer after all.
type unanswered http.Header

func (u unanswered) Header() http.Header       { return http.Header(u) }
func (unanswered) Write(p []byte) (int, error) { return len(p), nil }
func (unanswered) WriteHeader(int)             {}
