//go:build linux

package fanout

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// What the floor is told in its environment.
const (
	coalesceVariable = "FANOUT_COALESCE" // one write a client for all that waits; else one a client and message
	dropVariable     = "FANOUT_DROP"     // n: each n-th delivery is left out, so that the harness can be seen to notice
)

// floor delivers with what the kernel asks for and nothing else: one loop, one epoll, and a frame that is built once
// is written as it is to everybody who watches. What it is to deliver comes in over a connection of its own: a user's
// number, a payload's length, both of four bytes, and the payload.
type floor struct {
	epoll    int
	clients  int // the socket that clients are accepted on
	feeder   int // that the feed is
	feed     int // the connection that the feed is; 0: none yet
	coalesce bool
	drop     int
	sent     int

	peers   map[int]*peer
	watched map[uint32][]*peer
	waiting []byte // of the feed, not a whole message yet
	touched []*peer
	frame   []byte
	buf     []byte
}

// peer is a client of the floor.
type peer struct {
	fd      int
	in      []byte // not a whole message yet
	open    bool   // its handshake is over
	uids    []uint32
	out     []byte // what its socket has not taken
	touched bool
	stuck   bool // its socket is full
}

func serveFloor(ctx context.Context, at func(...any)) (err error) {
	f := &floor{peers: map[int]*peer{}, watched: map[uint32][]*peer{}, buf: make([]byte, 1<<20)}
	f.coalesce = os.Getenv(coalesceVariable) != ""
	f.drop, _ = strconv.Atoi(os.Getenv(dropVariable))
	if f.epoll, err = syscall.EpollCreate1(0); err != nil {
		return err
	}
	var ports [2]int
	for i, fd := range []*int{&f.clients, &f.feeder} {
		if *fd, ports[i], err = listen(); err != nil {
			return err
		}
		f.look(*fd, syscall.EPOLLIN, syscall.EPOLL_CTL_ADD)
	}
	at(fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1]))
	context.AfterFunc(ctx, func() { os.Exit(0) }) // the loop below waits for nothing but sockets
	return f.run()
}

func listen() (fd, port int, err error) {
	fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, err
	}
	if err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, 0, err
	}
	if err = syscall.Listen(fd, 4096); err != nil {
		return 0, 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, 0, err
	}
	return fd, name.(*syscall.SockaddrInet4).Port, nil
}

func (f *floor) look(fd int, events uint32, op int) {
	_ = syscall.EpollCtl(f.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

func (f *floor) run() error {
	events := make([]syscall.EpollEvent, 1024)
	for {
		n, err := syscall.EpollWait(f.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if err := f.handle(int(e.Fd), e.Events); err != nil {
				return err
			}
		}
	}
}

func (f *floor) handle(fd int, events uint32) error {
	switch fd {
	case f.clients, f.feeder:
		return f.accept(fd)
	case f.feed:
		return f.readFeed()
	}
	p := f.peers[fd]
	if p != nil && events&syscall.EPOLLOUT != 0 {
		f.look(fd, syscall.EPOLLIN, syscall.EPOLL_CTL_MOD)
		p.stuck = false
		f.flush(p)
	}
	if p != nil && events&^uint32(syscall.EPOLLOUT) != 0 {
		f.read(p)
	}
	return nil
}

// accept takes whoever waits.
func (f *floor) accept(l int) error {
	for {
		fd, _, err := syscall.Accept4(l, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		if l == f.feeder {
			f.feed = fd
		} else {
			_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
			f.peers[fd] = &peer{fd: fd}
		}
		f.look(fd, syscall.EPOLLIN, syscall.EPOLL_CTL_ADD)
	}
}

// read takes what a client says.
func (f *floor) read(p *peer) {
	n, err := syscall.Read(p.fd, f.buf)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return
	}
	if n <= 0 {
		f.forget(p)
		return
	}
	p.in = append(p.in, f.buf[:n]...)
	if !p.open {
		f.open(p)
	}
	for p.open && f.hear(p) {
	}
	if len(p.in) == 0 {
		p.in = nil
	}
}

func (f *floor) forget(p *peer) {
	_ = syscall.Close(p.fd)
	delete(f.peers, p.fd)
	for _, uid := range p.uids {
		list := f.watched[uid]
		for i, other := range list {
			if other == p {
				list[i] = list[len(list)-1]
				f.watched[uid] = list[:len(list)-1]
				break
			}
		}
	}
}

// open answers a handshake (RFC 6455, 4.2.2), when it is there.
func (f *floor) open(p *peer) {
	request, rest, whole := bytes.Cut(p.in, []byte("\r\n\r\n"))
	if !whole {
		return
	}
	_, key, _ := bytes.Cut(request, []byte("Sec-WebSocket-Key: "))
	key, _, _ = bytes.Cut(key, []byte("\r\n"))
	sum := sha1.Sum(append(bytes.Clone(key), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	p.open, p.in = true, rest
	f.push(p, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: presence.v1\r\nSec-WebSocket-Accept: "+base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n"))
}

// hear takes one frame of a client, and says whether there was one. It is a subscribe, or of no interest.
func (f *floor) hear(p *peer) bool {
	text, n := unmask(p.in)
	if n == 0 {
		return false
	}
	p.in = p.in[n:]
	p.uids = appendUsers(p.uids, text)
	for _, uid := range p.uids {
		f.watched[uid] = append(f.watched[uid], p)
	}
	f.push(p, appendText(nil, []byte(subscribedMark+"}")))
	return true
}

// unmask reads a client's frame, which is changed for it, and its length; 0 where it is not whole.
func unmask(b []byte) (text []byte, n int) {
	if len(b) < 2 {
		return nil, 0
	}
	length, at := int(b[1]&0x7f), 2
	if length == 126 {
		if len(b) < 4 {
			return nil, 0
		}
		length, at = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < at+4+length {
		return nil, 0
	}
	key, text := b[at:at+4], b[at+4:at+4+length]
	for i := range text {
		text[i] ^= key[i%4]
	}
	return text, at + 4 + length
}

// appendUsers adds the numbers of the users whom a subscribe names.
func appendUsers(uids []uint32, text []byte) []uint32 {
	for {
		_, after, more := bytes.Cut(text, []byte(`"u`))
		if !more {
			return uids
		}
		var n uint32
		for len(after) > 0 && after[0] >= '0' && after[0] <= '9' {
			n, after = n*10+uint32(after[0]-'0'), after[1:]
		}
		if n > 0 { // "uids" has none
			uids = append(uids, n)
		}
		text = after
	}
}

// readFeed delivers all that waits.
func (f *floor) readFeed() error {
	n, err := syscall.Read(f.feed, f.buf)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return nil
	}
	if n <= 0 {
		_ = syscall.Close(f.feed)
		f.feed = 0
		return err
	}
	f.waiting = append(f.waiting, f.buf[:n]...)
	left := f.waiting
	for len(left) >= 8 {
		uid, length := binary.BigEndian.Uint32(left), int(binary.BigEndian.Uint32(left[4:]))
		if len(left) < 8+length {
			break
		}
		f.deliver(uid, left[8:8+length])
		left = left[8+length:]
	}
	f.waiting = append(f.waiting[:0], left...)
	for _, p := range f.touched {
		p.touched = false
		f.flush(p)
	}
	f.touched = f.touched[:0]
	return nil
}

func (f *floor) deliver(uid uint32, payload []byte) {
	f.frame = appendText(f.frame[:0], payload)
	for _, p := range f.watched[uid] {
		if f.sent++; f.drop > 0 && f.sent%f.drop == 0 {
			continue
		}
		if !f.coalesce {
			f.push(p, f.frame)
			continue
		}
		p.out = append(p.out, f.frame...)
		if !p.touched {
			p.touched = true
			f.touched = append(f.touched, p)
		}
	}
}

// push writes to a client at once, or where its socket is full as soon as it is not.
func (f *floor) push(p *peer, data []byte) {
	if len(p.out) > 0 {
		p.out = append(p.out, data...)
		return
	}
	if n := f.write(p, data); n < len(data) {
		p.out = append(p.out, data[n:]...)
	}
}

func (f *floor) flush(p *peer) {
	if p.stuck || len(p.out) == 0 {
		return
	}
	n := f.write(p, p.out)
	p.out = append(p.out[:0], p.out[n:]...)
}

// write writes what the socket takes, and has epoll tell when it takes more.
func (f *floor) write(p *peer, data []byte) int {
	n, err := syscall.Write(p.fd, data)
	if err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
		return len(data) // it is gone, and read finds out
	}
	if n = max(n, 0); n < len(data) {
		p.stuck = true
		f.look(p.fd, syscall.EPOLLIN|syscall.EPOLLOUT, syscall.EPOLL_CTL_MOD)
	}
	return n
}

// appendText appends a frame of text.
func appendText(b, payload []byte) []byte {
	if n := len(payload); n < 126 {
		b = append(b, 0x81, byte(n))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x81, 126), uint16(n))
	}
	return append(b, payload...)
}
