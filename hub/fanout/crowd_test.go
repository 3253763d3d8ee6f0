//go:build linux

package fanout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// grain is how often the crowd looks. It does not block: else whoever writes to it would be charged for waking it.
	grain = 500 * time.Microsecond

	atOnce         = 128    // connections that are under way while the crowd grows
	perAddress     = 20_000 // connections of one source address, which has 28,000 ports
	bindNoPort     = 24     // IP_BIND_ADDRESS_NO_PORT: a port is taken when the destination is known
	smallSegment   = 536    // bytes: the other end makes its room by it, and loopback's are of 64 KB
	subscribedMark = `{"type":"subscribed"`
)

var (
	ping = []byte{0x89, 0} // never in what is text here: that is ASCII
	pong = []byte{0x8a, 0x80, 0, 0, 0, 0}
)

// crowd is many clients in one thread. They count deliveries, and how long those took.
type crowd struct {
	t       testing.TB
	server  syscall.SockaddrInet4
	uids    [][]int // of each client: whom it watches
	grown   chan time.Duration
	begun   time.Time
	stopped atomic.Bool
	paused  atomic.Bool                       // nothing is read
	room    int                               // bytes in the sockets of those who connect; 0: as the system has it
	got     func(client int, published int64) // called of each delivery; nil: nobody asks
	all     sync.WaitGroup

	received atomic.Int64
	bytes    atomic.Int64
	latency  atomic.Pointer[histogram] // added to by the thread alone; nil: nobody asks
	failed   atomic.Pointer[error]     // the first that went wrong

	// owned by the thread
	epoll   int
	clients map[int]*client // by descriptor
	made    int
	growing int
	buf     []byte
	now     time.Time
	events  []syscall.EpollEvent
}

// client is one of a crowd.
type client struct {
	fd    int
	i     int
	stage stage
	early []byte // what came before it was subscribed
	tail  [delivery]byte
	kept  int // of tail
}

type stage int

const (
	connecting stage = iota
	upgrading
	subscribing
	watching
)

// newCrowd makes a crowd of so many clients, of which none is there yet.
func newCrowd(t testing.TB, server string, clients [][]int) *crowd {
	t.Helper()
	at, err := netip.ParseAddrPort(server)
	require.NoError(t, err)
	c := &crowd{t: t, server: syscall.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}, uids: clients,
		grown: make(chan time.Duration, 1), clients: map[int]*client{}, buf: make([]byte, 256<<10),
		events: make([]syscall.EpollEvent, 1024)}
	c.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	require.NoError(t, err)
	return c
}

// gather starts a crowd, and returns how long it took until all were subscribed. It is stopped with the test at the
// latest.
func (c *crowd) gather() time.Duration {
	c.t.Helper()
	c.begun = time.Now()
	c.all.Go(c.run)
	c.t.Cleanup(c.stop)
	took, ok := <-c.grown
	if !ok {
		c.t.Fatalf("gathering %d clients: %v", len(c.uids), *c.failed.Load())
	}
	return took
}

// stop ends all connections at once, so that none is left in TIME_WAIT, and waits until it is so.
func (c *crowd) stop() {
	c.stopped.Store(true)
	c.all.Wait()
}

func (c *crowd) run() {
	runtime.LockOSThread() // the thread ends with it
	defer c.close()
	for next := time.Now(); !c.stopped.Load() && c.failed.Load() == nil; next = next.Add(grain) {
		nap(time.Until(next))
		c.grow()
		if !c.paused.Load() {
			c.look()
		}
		if now := time.Now(); now.After(next) {
			next = now.Add(-grain) // a look took longer: the next one follows at once
		}
	}
}

// nap is a sleep of the thread: the runtime's timers are no finer than a millisecond at rest.
func nap(d time.Duration) {
	if d > 0 {
		span := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&span, nil)
	}
}

func (c *crowd) close() {
	for fd := range c.clients {
		_ = syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
		_ = syscall.Close(fd)
	}
	_ = syscall.Close(c.epoll)
	close(c.grown)
}

func (c *crowd) fail(err error) { c.failed.CompareAndSwap(nil, &err) }

// grow makes connections while some are to be made.
func (c *crowd) grow() {
	for c.made < len(c.uids) && c.growing < atOnce && c.failed.Load() == nil {
		if err := c.dial(c.made); err != nil {
			c.fail(fmt.Errorf("connecting client %d: %w", c.made, err))
		}
		c.made++
		c.growing++
	}
}

func (c *crowd) dial(i int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.clients[fd] = &client{fd: fd, i: i}
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, bindNoPort, 1)
	if c.room > 0 {
		_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, c.room)
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, smallSegment)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(1 + i/perAddress)}}); err != nil {
		return err
	}
	if err := syscall.Connect(fd, &c.server); err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		return err
	}
	return c.watch(fd, syscall.EPOLLOUT, syscall.EPOLL_CTL_ADD)
}

func (c *crowd) watch(fd int, events uint32, op int) error {
	return syscall.EpollCtl(c.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// look takes all that waits to be read.
func (c *crowd) look() {
	n, err := syscall.EpollWait(c.epoll, c.events, 0)
	if err != nil && !errors.Is(err, syscall.EINTR) {
		c.fail(err)
	}
	for _, e := range c.events[:max(n, 0)] {
		if err := c.handle(c.clients[int(e.Fd)]); err != nil {
			c.fail(err)
		}
	}
}

func (c *crowd) handle(p *client) error {
	if p.stage == connecting {
		return c.upgrade(p)
	}
	keep := copy(c.buf, p.tail[:p.kept])
	n, err := syscall.Read(p.fd, c.buf[keep:])
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		return nil
	}
	if n <= 0 {
		return fmt.Errorf("client %d was cut off: %w", p.i, errors.Join(err, errors.New("end of stream")))
	}
	c.bytes.Add(int64(n))
	data := c.buf[:keep+n]
	if p.stage != watching {
		if data, err = c.advance(p, data); err != nil || data == nil {
			return err
		}
	}
	return c.count(p, data)
}

func (c *crowd) upgrade(p *client) error {
	p.stage = upgrading
	if err := c.watch(p.fd, syscall.EPOLLIN, syscall.EPOLL_CTL_MOD); err != nil {
		return err
	}
	return c.say(p, []byte("GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
		"Sec-WebSocket-Protocol: presence.v1\r\n\r\n"))
}

// say writes what a fresh socket has room for in any case.
func (c *crowd) say(p *client, data []byte) error {
	if n, err := syscall.Write(p.fd, data); n < len(data) {
		return fmt.Errorf("client %d wrote %d of %d bytes: %w", p.i, n, len(data), err)
	}
	return nil
}

// advance takes a client from one stage to the next, and returns what came after the last.
func (c *crowd) advance(p *client, data []byte) (after []byte, err error) {
	p.early = append(p.early, data...)
	if p.stage == upgrading {
		head, rest, whole := bytes.Cut(p.early, []byte("\r\n\r\n"))
		if !whole {
			return nil, nil
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
			return nil, fmt.Errorf("client %d was refused: %s", p.i, head)
		}
		p.stage, p.early = subscribing, rest
		if err := c.say(p, subscribe(c.uids[p.i])); err != nil {
			return nil, err
		}
	}
	_, after, subscribed := bytes.Cut(p.early, []byte(subscribedMark))
	if !subscribed {
		return nil, nil
	}
	p.stage, p.early = watching, nil
	c.growing--
	if c.made == len(c.uids) && c.growing == 0 {
		c.grown <- time.Since(c.begun)
	}
	return after, nil
}

// count counts what came, and answers pings.
func (c *crowd) count(p *client, data []byte) error {
	c.now = time.Now()
	latency := c.latency.Load()
	n := int64(0)
	keep := deliveries(data, func(published int64) {
		n++
		if c.got != nil {
			c.got(p.i, published)
		}
		if latency != nil {
			latency.add(time.Duration(c.now.UnixNano() - published))
		}
	})
	if bytes.Contains(data, ping) {
		if err := c.say(p, pong); err != nil {
			return err
		}
	}
	p.kept = copy(p.tail[:], data[len(data)-keep:])
	c.received.Add(n)
	return nil
}

// subscribe is the frame that asks for these users. Its mask is zero, which leaves the text as it is.
func subscribe(uids []int) []byte {
	text := []byte(`{"type":"subscribe","uids":[`)
	for i, uid := range uids {
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `"%s"`, name(uid))
	}
	text = append(text, "]}"...)
	frame := []byte{0x81, 0x80 | 126}
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(text)))
	return append(append(frame, 0, 0, 0, 0), text...)
}
