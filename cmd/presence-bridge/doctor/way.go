package doctor

import (
	"net/http/httptrace"
	"sync"
)

// way is how far a request has come. Attempts that were given up may go on telling, so it has a lock.
type way struct {
	mu    sync.Mutex
	stage string
}

func (w *way) to(stage string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stage = stage
}

func (w *way) at() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stage
}

const (
	lookingUp  = "name"
	connecting = "connection"
	greeting   = "TLS"
	waiting    = "answer"
)

func (w *way) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart:          func(httptrace.DNSStartInfo) { w.to(lookingUp) },
		ConnectStart:      func(string, string) { w.to(connecting) },
		TLSHandshakeStart: func() { w.to(greeting) },
		GotConn:           func(httptrace.GotConnInfo) { w.to(waiting) },
	}
}
