package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// child is the built binary, running.
type child struct {
	*exec.Cmd
	stdout, stderr output
	ended          chan error
}

func spawn(t *testing.T, args ...string) *child {
	t.Helper()
	return begin(t, exec.Command(binary(t), args...))
}

// begin starts a process, which ends with the test at the latest.
func begin(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{Cmd: cmd, ended: make(chan error, 1)}
	c.Env = append(readable(os.Environ()), "TMPDIR="+t.TempDir())
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { c.ended <- c.Wait() }()
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

func (c *child) temp() string {
	return strings.TrimPrefix(c.Env[len(c.Env)-1], "TMPDIR=")
}

func (c *child) end(t *testing.T, within time.Duration) error {
	t.Helper()
	select {
	case err := <-c.ended:
		return err
	case <-time.After(within):
		t.Fatalf("does not end within %v:\n%s", within, &c.stderr)
		return nil
	}
}

func TestProcess(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		c := spawn(t, demo()...)
		page := c.stdout.wait(t, pageLine)
		if status, _ := fetch(t, "GET", page+"/readyz", ""); status != 200 {
			t.Errorf("readyz: %d", status)
		}
		if err := c.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := c.end(t, 5*time.Second); err != nil {
			t.Errorf("%v: %v\n%s", signal, err, &c.stderr)
		}
		if left, err := os.ReadDir(c.temp()); err != nil || len(left) > 0 {
			t.Errorf("%v: left behind: %v, %v", signal, left, err)
		}
	}
}

// TestSecondSignal has a client that never answers the goodbye, for which a hub waits, and somebody who does not.
func TestSecondSignal(t *testing.T) {
	c := spawn(t, demo("--log-level", "info")...)
	host := strings.TrimPrefix(c.stdout.wait(t, pageLine), "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: presence.v1\r\n\r\n", host)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Fatalf("%q, %v", line, err)
	}
	_ = c.Process.Signal(syscall.SIGTERM)
	c.stderr.wait(t, "msg=stopping")
	_ = c.Process.Signal(syscall.SIGTERM)
	if err := c.end(t, 2*time.Second); err == nil {
		t.Error("it stopped as if nobody had asked twice")
	}
}
