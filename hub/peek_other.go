//go:build !unix

package hub

import "net"

// peek sees nothing: all are net/http's.
func peek(net.Conn) (*foyer, error) { return foyers.Get().(*foyer), nil }
