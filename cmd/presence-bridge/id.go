package main

import (
	"crypto/rand"
	"os"
	"strings"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// newID names this process among all that run, in one token: the machine for people, chance for the rest.
func newID() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "bridge"
	}
	return bridge.EncodeToken(host) + "-" + strings.ToLower(rand.Text()[:8])
}
