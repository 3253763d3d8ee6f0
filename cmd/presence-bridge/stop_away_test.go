package main

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestStopWithoutNATS: where NATS has gone the moment before, or has fallen silent, a bridge with work under way ends as
// soon as with it, and leaves nothing behind.
func TestStopWithoutNATS(t *testing.T) {
	for _, how := range []string{"gone", "silent"} {
		t.Run(how, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			server, err := bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			between := newWire(t, strings.TrimPrefix(server.URL(), "nats://"))
			defer between.tasks.Wait()
			defer between.Close()
			b := start(t, []string{"NATS_URL=nats://" + between.Addr().String(), "LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "AUTH=none",
				"EMULATOR_URL=" + emulated(t), "LOG_LEVEL=debug"}, "serve")
			w := start(t, nil, "watch", "user-0001", "--url", b.stderr.wait(t, upPattern))
			w.stdout.wait(t, `user-0001  (online|offline)`)
			b.stderr.wait(t, "msg=leading role=keeper")
			if how == "gone" {
				server.Stop()
				b.stderr.wait(t, "NATS is away")
			} else {
				between.hush.Lock()
				defer between.hush.Unlock()
			}
			b.stop()
			if how == "silent" && between.held.Load() == 0 {
				t.Error("nothing was held up")
			}
			if text := b.stderr.String(); strings.Contains(text, "left behind") {
				t.Error("something is left behind")
			}
		})
	}
}

// wire is a line to a server that can fall silent: it stays open, and carries nothing any more.
type wire struct {
	net.Listener
	to    string
	tasks sync.WaitGroup
	hush  sync.RWMutex // locked by who silences it
	held  atomic.Int32 // times that bytes had to wait
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{Listener: l, to: to}
	w.tasks.Go(w.serve)
	return w
}

func (w *wire) serve() {
	for {
		near, err := w.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		if err != nil {
			near.Close()
			continue
		}
		w.tasks.Go(func() { w.carry(near, far) })
		w.tasks.Go(func() { w.carry(far, near) })
	}
}

// carry brings what is said one way, until either end is closed.
func (w *wire) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	for buffer := make([]byte, 32<<10); ; {
		n, err := from.Read(buffer)
		if !w.hush.TryRLock() {
			w.held.Add(1)
			w.hush.RLock()
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		w.hush.RUnlock()
		if err != nil {
			return
		}
	}
}
