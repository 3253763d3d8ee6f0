package hub

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// rawDial opens a WebSocket with no goroutine and no library on the client's side.
func rawDial(t testing.TB, address string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = fmt.Fprintf(c, "GET /v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address)
	require.NoError(t, err)
	r := bufio.NewReader(c)
	response, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
	return c, r
}

// readFrame reads one frame that is not masked.
func readFrame(r io.Reader) (kind byte, payload []byte, err error) {
	var head [2]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	switch n {
	case 126:
		var two [2]byte
		_, err = io.ReadFull(r, two[:])
		n = uint64(binary.BigEndian.Uint16(two[:]))
	case 127:
		var eight [8]byte
		_, err = io.ReadFull(r, eight[:])
		n = binary.BigEndian.Uint64(eight[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return head[0], payload, err
}

// TestFramesAreFramed: what is built of a payload of any length reads as that payload, whichever form its length has.
func TestFramesAreFramed(t *testing.T) {
	for n, header := range map[int]int{0: 2, 1: 2, 125: 2, 126: 4, 127: 4, 65535: 4, 65536: 10, 200_000: 10} {
		payload := bytes.Repeat([]byte{'x'}, n)
		frame := appendFrame(nil, finalText, payload)
		kind, got, err := readFrame(bytes.NewReader(frame))
		require.NoError(t, err)
		require.Len(t, frame, header+n, "the shortest form")
		require.Equal(t, byte(finalText), kind)
		require.Equal(t, payload, got)
	}
}

// TestRoomIsNotKept: what one large batch needed is not kept for the next.
func TestRoomIsNotKept(t *testing.T) {
	require.Nil(t, trimmed(make([]byte, 0, 1<<20+1)))
	require.NotNil(t, trimmed(make([]byte, 0, 1<<20)))
	h := quietHub(t)
	h.hear(live())
	s := greeted(t, h, grant{open: true})
	require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf(names(0, 100)), ""))
	for i, uid := range uidsOf(names(0, 100)) {
		h.Apply(entry(uint64(i+1), uid, online("1"), bridge.ChangedFirst))
	}
	require.Equal(t, 100, waiting(s))
	require.Len(t, s.pending, 2, "a bit for each whom it watches, and no more while they wait")
	h.pull(s)
	require.Zero(t, waiting(s))
	require.Len(t, s.pending, 2)
}

// TestALongRoundLooksAtTheLog: where there is one processor, who writes lets the log be followed, and looks half as often
// when nothing has come. Where there are more, it is followed anyway.
func TestALongRoundLooksAtTheLog(t *testing.T) {
	h := quietHub(t)
	require.Equal(t, 2*aStretch, onProcessors(2, func() int { return h.follow(aStretch) }))
	require.Equal(t, 2*aStretch, onProcessors(1, func() int { return h.follow(aStretch) }), "nothing has come")
	got := onProcessors(1, func() int {
		go h.Apply(entry(1, "a", online("1"), bridge.ChangedFirst))
		return h.follow(8 * aStretch)
	})
	require.Equal(t, aStretch, got)
	require.Equal(t, uint64(1), h.reached())
}

// onProcessors runs f on so many.
func onProcessors(n int, f func() int) int {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	return f()
}

// TestAnIdleClientIsOneGoroutine counts the goroutines of no client, then of a hundred.
func TestAnIdleClientIsOneGoroutine(t *testing.T) {
	h := serveQuiet(t, quietHub(t))
	require.Equal(t, http.StatusOK, h.ask("GET", "/healthz", "").status) // it serves
	atRest := func(most int) (n int) {
		for end := time.Now().Add(soon / 10); time.Now().Before(end); runtime.Gosched() {
			if n = runtime.NumGoroutine(); n <= most {
				return n
			}
		}
		return n
	}
	const clients = 100
	others := atRest(0) // there are always some: this waits for what ends
	for range clients {
		_, r := rawDial(t, h.address())
		_, welcome, err := readFrame(r)
		require.NoError(t, err)
		require.Equal(t, "welcome", decodeFrame(t, welcome).Type)
	}
	require.Equal(t, others+clients, atRest(others+clients))
}

// delivered is a hub with so many clients on real sockets, each of whom watches the same user.
func delivered(t testing.TB, clients int) (*Hub, []*session) {
	h := quietHub(t)
	th := serveQuiet(t, h)
	h.hear(live())
	for range clients {
		_, r := rawDial(t, th.address())
		drained := make(chan struct{})
		go func() { defer close(drained); _, _ = io.Copy(io.Discard, r) }()
		t.Cleanup(func() { th.stop(); <-drained })
	}
	th.until(func() bool {
		greeted := 0
		for s := range h.sessions.all() {
			if s.greeted && len(s.replies) == 0 {
				greeted++
			}
		}
		return greeted == clients
	})
	var list []*session
	h.peek(func() {
		for s := range h.sessions.all() {
			list = append(list, s)
		}
	})
	for _, s := range list {
		require.NoError(t, h.subscribe(t.Context(), s, "", uidsOf([]string{"a", "b"}), ""))
		h.flush(s, new([]byte))
	}
	return h, list
}

// TestADeliveryAllocatesNothing: a change costs the hub its one frame, however many are told of it.
func TestADeliveryAllocatesNothing(t *testing.T) {
	h, list := delivered(t, 8)
	h.Apply(entry(1, "a", online("1"), "first"))
	h.Apply(entry(2, "b", online("1"), "first"))
	var buf []byte
	tell := func(uids ...bridge.UID) func() {
		return func() {
			for _, s := range list {
				h.mu.Lock()
				s.touched = true // by the test: the hub's own dispatcher has its own turn
				for _, uid := range uids {
					h.note(s, h.placeOf(s, uid))
				}
				h.mu.Unlock()
				h.flush(s, &buf)
			}
		}
	}
	require.Zero(t, testing.AllocsPerRun(100, tell("a")), "one user has changed")
	require.Zero(t, testing.AllocsPerRun(100, tell("a", "b")), "two have")
}

// TestASocketIsNotWaitedFor: one who does not read holds up nobody, and has a goroutine only while its socket is full.
func TestASocketIsNotWaitedFor(t *testing.T) {
	h := quietHub(t)
	th := serveQuiet(t, h)
	h.hear(live())
	stuck, err := th.dialConn()
	require.NoError(t, err)
	defer func() { _ = stuck.CloseNow() }()
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	require.NoError(t, stuck.Write(ctx, 1, encode(fields{"type": "subscribe", "uids": []string{"a"}})))
	reads := th.dial()
	reads.expect("welcome")
	reads.subscribe("a")
	th.until(func() bool { return len(h.users["a"].watched) == 2 })
	text := bytes.Repeat([]byte{'x'}, 60_000)
	full := func() (full bool) {
		h.peek(func() {
			for s := range h.sessions.all() {
				full = full || s.writing && waiting(s) > 0
			}
		})
		return full
	}
	seq := uint64(0)
	for !full() {
		require.Less(t, seq, uint64(2000), "no socket takes all that")
		seq++
		h.Apply(entry(seq, "a", online(fmt.Sprintf("%s%d", text, seq)), "ext"))
		require.Contains(t, reads.expect("changes").exts()["a"], fmt.Sprintf("x%d", seq), "the other is told at once")
	}
	for told := ""; told != fmt.Sprintf("%s%d", text, seq); { // the stuck one reads on, to the newest
		_, data, err := stuck.Read(ctx)
		require.NoError(t, err)
		told = decodeFrame(t, data).exts()["a"]
	}
	require.Eventually(t, func() bool { return !full() }, soon, often)
}
