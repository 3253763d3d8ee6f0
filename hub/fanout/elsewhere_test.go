//go:build !linux

package fanout

import "testing"

func TestFanout(t *testing.T) {
	t.Skip("the fan-out is measured on Linux alone: its floor and its client are made of epoll")
}
