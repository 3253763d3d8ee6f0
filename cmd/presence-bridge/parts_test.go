package main

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener accepts one connection, and then none.
type pipeListener struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l pipeListener) Close() error   { close(l.closed); return nil }
func (l pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// TestConnectionsOfNoUseEnd: whoever says nothing more, does not say all, or does not read, is let go at last; an
// answer that takes ten minutes, as the emulator's may, is not cut short.
func TestConnectionsOfNoUseEnd(t *testing.T) {
	const host = " HTTP/1.1\r\nHost: pipe\r\n"
	for name, c := range map[string]struct {
		said  string
		reads bool
	}{
		"idle":        {"GET /slow" + host + "\r\n", true},
		"stalls":      {"POST /body" + host + "Content-Length: 9\r\n\r\n{", true},
		"never reads": {"GET /slow" + host + "\r\n", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(10 * time.Minute):
					_, _ = io.WriteString(w, "done")
				case <-r.Context().Done():
				}
			})
			mux.HandleFunc("/body", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
			here, there := net.Pipe()
			l := pipeListener{make(chan net.Conn, 1), make(chan struct{})}
			l.conn <- there
			p := newParts(slog.New(slog.DiscardHandler))
			p.serveHTTP("listener", l, mux)
			defer p.stop()
			_ = here.SetDeadline(time.Now().Add(time.Hour))
			if _, err := io.WriteString(here, c.said); err != nil {
				t.Fatal(err)
			}
			if !c.reads {
				time.Sleep(59 * time.Minute)
			}
			answer, err := io.ReadAll(here)
			if err != nil || c.reads != (len(answer) > 0) {
				t.Errorf("%s: %q %v", name, answer, err)
			}
			if name == "idle" && string(answer[len(answer)-4:]) != "done" {
				t.Errorf("cut short: %q", answer)
			}
			_ = here.Close()
		})
	}
}

// TestHeadersAreBounded: the admin listener and the emulator take no more of them than the public listener does.
func TestHeadersAreBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := newParts(slog.New(slog.DiscardHandler))
	p.serveHTTP("listener", l, http.NotFoundHandler())
	defer p.stop()
	for size, want := range map[int]int{
		maxHeaderBytes / 2: http.StatusNotFound,
		maxHeaderBytes * 2: http.StatusRequestHeaderFieldsTooLarge,
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
		r.Header.Set("Authorization", strings.Repeat("x", size))
		answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = answer.Body.Close(); answer.StatusCode != want {
			t.Errorf("%d bytes of headers are answered %d", size, answer.StatusCode)
		}
	}
}
