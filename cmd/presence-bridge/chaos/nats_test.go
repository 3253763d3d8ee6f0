//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// natsSeat is a NATS server that can be killed and started again on its port and its store.
type natsSeat struct {
	path, port, store string
	said              *said

	doing sync.Mutex // held by whoever does something to it
	now   *process   // guarded by doing
}

func newNATSSeat(path, store string) (*natsSeat, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	return &natsSeat{path: path, port: port, store: store, said: &said{}}, nil
}

func (s *natsSeat) addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

// start returns when the server takes connections. Whoever calls it holds doing.
func (s *natsSeat) start() (err error) {
	s.now, err = spawn(s.said, nil, s.path, "-js", "-sd", s.store, "-a", "127.0.0.1", "-p", s.port)
	if err != nil {
		return err
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s.now.over() {
			return fmt.Errorf("the NATS server has ended:\n%s", s.said.tail(10))
		}
		if conn, err := net.Dial("tcp", s.addr()); err == nil {
			return conn.Close()
		}
	}
	return errors.New("the NATS server takes no connections")
}

// copyStore copies the store of a server that does not run.
func (s *natsSeat) copyStore(to string) error { return os.CopyFS(to, os.DirFS(s.store)) }

// restoreStore puts a copy in place of the store of a server that does not run.
func (s *natsSeat) restoreStore(from string) error {
	if err := os.RemoveAll(s.store); err != nil {
		return err
	}
	return os.CopyFS(s.store, os.DirFS(from))
}
