package easemob

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"
)

type checkKey struct{}

// BeforeLeaving has every call that is made with the context it returns ask check at the last moment, with its
// connection and its turn in hand: a slot, a token and a handshake may have taken long, or the process may have been
// stopped meanwhile. A call whose check fails does not leave, and what check said is its error.
func BeforeLeaving(ctx context.Context, check func(context.Context) error) context.Context {
	return context.WithValue(ctx, checkKey{}, check)
}

// departure is a call on its way out. It leaves at least a gap after the one before it was written. Slots alone do not
// do that: calls that wait for a handshake, for a connection or for a token would leave together when they have it.
type departure struct {
	ctx   context.Context
	wire  *limiter
	leave func()    // gives our turn to the next; nil: we have had none
	held  error     // why the call must not leave
	at    time.Time // when it left, or a moment before
}

func newDeparture(ctx context.Context, wire *limiter) *departure {
	return &departure{ctx: ctx, wire: wire, at: time.Now()} // earlier than it was, where the transport tells nothing
}

// trace makes a request with the context it returns depart so. cancel ends that context.
func (d *departure) trace(ctx context.Context, cancel func()) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			if d.held = d.board(); d.held != nil {
				cancel()
				stop(got)
			}
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { d.end() },
	})
}

// board waits for our turn. net/http comes here again where a connection turns out to be dead before anything is sent.
func (d *departure) board() error {
	d.end()
	if err := d.wire.enter(d.ctx); err != nil {
		return err
	}
	d.leave = sync.OnceFunc(d.wire.left)
	if check, ok := d.ctx.Value(checkKey{}).(func(context.Context) error); ok {
		if err := check(d.ctx); err != nil {
			return err
		}
	}
	d.at = time.Now()
	return nil
}

// stop takes its connection from a call: from here on net/http sends it whatever becomes of its context. Where others
// are under way on the same one it stays, and the call may be begun there before it is cut off.
func stop(got httptrace.GotConnInfo) {
	if secure, ok := got.Conn.(*tls.Conn); ok && secure.ConnectionState().NegotiatedProtocol == "h2" {
		return
	}
	_ = got.Conn.Close()
}

// end lets the next one leave.
func (d *departure) end() {
	if d.leave != nil {
		d.leave()
	}
}

// why is the error of a call: that of the check where there is one.
func (d *departure) why(err error) error {
	if d != nil && d.held != nil {
		return d.held
	}
	return err
}
