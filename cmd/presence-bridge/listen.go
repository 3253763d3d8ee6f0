package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// place is an address that a process takes.
type place struct {
	flag, variable, address string
	other                   string        // an address that is free on any machine
	listener                *net.Listener // where the listener goes; nil: a part listens there by itself, later

	inherit func() (net.Listener, error) // takes what is handed over, where the address says so; nil: nothing ever is
}

// noKeepAlive leaves out TCP's own, which is four system calls a connection: who keeps one open here is pinged, or cut off
// when idle.
var noKeepAlive = net.ListenConfig{KeepAlive: -1}

func (at place) listen(ctx context.Context) (net.Listener, error) {
	if at.address == handedOver && at.inherit != nil {
		return at.inherit()
	}
	return noKeepAlive.Listen(ctx, "tcp", at.address)
}

// bind takes the addresses of a command, or tells all that cannot be had. The teardown gives those back that
// whoever serves on them has not.
func (p *parts) bind(ctx context.Context, command string, places ...place) error {
	wrong := []string{"it cannot listen:"}
	advice := "Something else listens there; other ports: presence-bridge " + command
	taken := false
	for _, at := range places {
		advice += " " + at.flag + " " + at.other
		l, err := at.listen(ctx)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Sprintf("  %s (%s) %s: %v", at.flag, at.variable, at.address, cause(err)))
			taken = taken || errors.Is(err, syscall.EADDRINUSE)
		case at.listener == nil:
			defer func() { _ = l.Close() }() // not before the others are bound: it is none of theirs
		default:
			*at.listener = l
			p.down.add(at.flag, func(context.Context) { _ = l.Close() })
		}
	}
	if len(wrong) == 1 {
		return nil
	}
	if taken {
		wrong = append(wrong, advice)
	}
	return errors.New(strings.Join(wrong, "\n"))
}

// cause is the innermost of an error: what the system said, without those who passed it on.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
