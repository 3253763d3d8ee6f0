package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// natsPlan is where NATS is: at a URL, or in this process where there is none.
type natsPlan struct {
	url, creds string
	server     bridge.ServerOptions
	settings   bridge.Settings
}

// startServer starts NATS in this process. What it cannot have is named by the setting that chooses another.
// release gives its directory up, once it has stopped.
func (p natsPlan) startServer() (server *bridge.Server, release func(), err error) {
	release, err = takeDir(p.server.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("--data-dir (DATA_DIR): %w", err)
	}
	if server, err = bridge.StartServer(p.server); err != nil {
		release()
	}
	var network *net.OpError
	if errors.As(err, &network) {
		err = fmt.Errorf("--nats-listen (NATS_LISTEN): %w", err)
	}
	return server, release, err
}

// takeDir keeps every other process out of the directory: JetStream would not notice, and both would ruin it.
func takeDir(dir string) (release func(), err error) {
	if err := checkWritable(dir); err != nil || dir == "" {
		return func() {}, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	ours, err := lock.TryLock()
	if err == nil && !ours {
		err = fmt.Errorf("%s is in use by another process: give this one a directory of its own, or in NATS_URL the other's address to share its NATS", dir)
	}
	return func() { _ = lock.Close() }, err
}

// checkWritable spares the reader NATS's own way of finding out, which takes ten seconds.
func checkWritable(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writable-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
