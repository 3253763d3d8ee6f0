//go:build unix

package emulator

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const crowd = 100_000

// BenchmarkHundredThousandGets asks for a hundred of a hundred thousand people a call, over real HTTP on loopback
// with keep-alive, while a hundred of them change a second. cores-at-100-calls/s is processor time of the whole
// process, user and system, a call times a hundred.
//
// In "paced" a hundred calls are made a second, so that it is what is used then, changes included; in
// "flat-out" as many as go one after another. "client" is the client's share: the same calls, answered
// with bytes that are there already.
func BenchmarkHundredThousandGets(b *testing.B) {
	s := newServer(b, Options{Users: crowd, ChangesPerS: 100, LimitPerS: -1, Token: fixedToken})
	canned := request(b, s, http.MethodPost, getPath, string(someone(0)), "Bearer "+fixedToken).Body.Bytes()
	b.Logf("an answer has %d bytes", len(canned))
	b.Run("paced", func(b *testing.B) {
		live(b, s)
		get100(b, s, time.Second/100)
	})
	b.Run("flat-out", func(b *testing.B) {
		live(b, s)
		get100(b, s, 0)
	})
	b.Run("client", func(b *testing.B) {
		get100(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(canned)))
			_, _ = w.Write(canned)
		}), 0)
	})
}

// BenchmarkHundredThousandMoveIn is what PUT /_emulator/population takes for all of them, and what they weigh.
func BenchmarkHundredThousandMoveIn(b *testing.B) {
	b.ReportAllocs()
	before := heap()
	for b.Loop() {
		s := newServer(b, quiet())
		w := request(b, s, http.MethodPut, "/_emulator/population", fmt.Sprintf(`{"users":%d}`, crowd), "")
		equal(b, w.Code, http.StatusOK)
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/(1<<20), "MiB")
		equal(b, len(s.people.users), crowd)
		b.StartTimer()
	}
}

// get100 makes b.N calls for a hundred people each, at least gap apart.
func get100(b *testing.B, h http.Handler, gap time.Duration) {
	server := httptest.NewServer(h)
	defer server.Close()
	c := dial(b, server.Listener.Addr().String())
	defer func() { _ = c.conn.Close() }()
	requests := make([][]byte, 64)
	for i := range requests {
		body := someone(uint64(i))
		requests[i] = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\n\r\n%s", getPath, fixedToken, len(body), body)
	}
	used, start := processorTime(b), time.Now()
	calls := 0
	for b.Loop() {
		time.Sleep(time.Until(start.Add(time.Duration(calls) * gap)))
		c.call(b, requests[calls%len(requests)])
		calls++
	}
	b.ReportMetric((processorTime(b)-used).Seconds()/float64(calls)*100, "cores-at-100-calls/s")
}

const getPath = "/demo/presence/users/op/presence"

// someone is the body of a get for a hundred people.
func someone(seed uint64) []byte {
	rng := rand.New(rand.NewPCG(1, seed))
	uids := make([]string, maxBatch)
	for i := range uids {
		uids[i] = fmt.Sprintf("user-%04d", 1+rng.IntN(crowd))
	}
	return []byte(usernames(uids...))
}

// caller is a client that costs next to nothing.
type caller struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(b *testing.B, address string) caller {
	conn, err := net.Dial("tcp", address)
	noError(b, err)
	return caller{conn, bufio.NewReaderSize(conn, 64<<10)}
}

func (c caller) call(b *testing.B, request []byte) {
	_, err := c.conn.Write(request)
	noError(b, err)
	length := 0
	for n := 0; ; n++ {
		line, err := c.r.ReadSlice('\n')
		noError(b, err)
		check(b, n > 0 || bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")), "answered %s", line)
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.Atoi(strings.TrimSpace(string(value)))
			noError(b, err)
		}
		if len(line) == len("\r\n") {
			break
		}
	}
	_, err = c.r.Discard(length)
	noError(b, err)
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	noError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
