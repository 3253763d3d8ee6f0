package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// natsPlan is where NATS is: at a URL, or in this process where there is none.
type natsPlan struct {
	url, creds string
	server     bridge.ServerOptions
	settings   bridge.Settings
}

// startServer starts NATS in this process. What it cannot have is named by the setting that chooses another.
func (p natsPlan) startServer() (*bridge.Server, error) {
	if err := checkWritable(p.server.Dir); err != nil {
		return nil, fmt.Errorf("--data-dir (DATA_DIR): %w", err)
	}
	server, err := bridge.StartServer(p.server)
	var network *net.OpError
	if errors.As(err, &network) {
		err = fmt.Errorf("--nats-listen (NATS_LISTEN): %w", err)
	}
	return server, err
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
