package hub

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// spareConnections is how many connections a hub holds beside MAX_CONNECTIONS, for those that ask, or have yet to: the
// ones above MAX_CONNECTIONS are told so in words, and the file descriptors do not run out.
const spareConnections = 1024

// arrivals are the connections that a hub's server holds, sockets with them. They are bounded. Where they are too many,
// one that has said nothing makes room for a newcomer: who speaks does so within a round trip, so whoever opens
// connections and is silent turns out others of the kind.
type arrivals struct {
	most   int                 // held at once
	refuse func(reason string) // counts one that was closed unheard

	mu      sync.Mutex
	open    int
	silent  map[net.Conn]bool // of open: no request of theirs has arrived in whole
	closing map[net.Conn]bool // closed for want of room, and open no more; the server has yet to notice
}

func newArrivals(limit int, refuse func(reason string)) *arrivals {
	return &arrivals{most: limit + spareConnections, refuse: refuse, silent: map[net.Conn]bool{}, closing: map[net.Conn]bool{}}
}

// came counts a newcomer.
func (a *arrivals) came(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open++
	a.silent[c] = true
	if a.open > a.most {
		a.makeRoom(c)
	}
}

// changed is the server's ConnState. A socket is none of the server's any more; left tells when it has ended.
func (a *arrivals) changed(c net.Conn, state http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case state == http.StateClosed && a.closing[c]:
		delete(a.closing, c)
	case state == http.StateClosed:
		a.open--
		if a.silent[c] {
			delete(a.silent, c)
			a.refuse("no_request")
		}
	}
}

// makeRoom closes a silent connection, and the newcomer where all others have spoken. The caller holds mu.
func (a *arrivals) makeRoom(newcomer net.Conn) {
	a.refuse("crowded")
	out := newcomer
	for c := range a.silent { // any: a map begins anywhere
		if c != newcomer {
			out = c
			break
		}
	}
	delete(a.silent, out)
	a.closing[out] = true
	a.open--
	_ = out.Close()
}

// hear notes whose requests have arrived before they are handled.
func (a *arrivals) hear(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := connOf(r); c != nil {
			a.heard(c)
		}
		next.ServeHTTP(w, r)
	})
}

// heard notes that a request has arrived.
func (a *arrivals) heard(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.silent, c)
}

// hangUp closes who has said nothing. Who serves them notes that they have ended.
func (a *arrivals) hangUp() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for c := range a.silent {
		_ = c.Close()
	}
}

// left notes that a socket has ended, which the server does not tell.
func (a *arrivals) left() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
}

// connKey is where a request's context has the connection beneath.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf is the connection beneath a request, nil where the server is another than ours.
func connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}
