package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/presence-bridge/presence-bridge/bridge"
)

func TestADataDirectoryBelongsToOneProcess(t *testing.T) {
	p := natsPlan{server: bridge.ServerOptions{Dir: filepath.Join(t.TempDir(), "new")}}
	first, release, err := p.startServer()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = p.startServer(); err == nil || !strings.Contains(err.Error(), "in use by another process") || !strings.Contains(err.Error(), "NATS_URL") {
		t.Errorf("a second server in the directory: %v", err)
	}
	first.Stop()
	release()
	again, release, err := p.startServer()
	if err != nil {
		t.Fatalf("it is free again: %v", err)
	}
	again.Stop()
	release()
}
