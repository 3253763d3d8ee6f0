package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// line is a connection to NATS, and where to tell what is found over it.
type line struct {
	Plan
	*findings
	nc     *nats.Conn
	sealed bool // this user may make no consumer, and so read no bucket
}

// dial connects as serve does, and comes back with what it met.
func (p Plan) dial(ctx context.Context, f *findings, address string) *line {
	limited, cancel := context.WithTimeout(ctx, 2*p.patience()) // of all servers together
	defer cancel()
	d := &dialer{ctx: limited, patience: p.patience()}
	nc, err := bridge.Connect(address, p.NATS.Creds, nil, nats.SetCustomDialer(d), nats.SkipHostLookup(),
		nats.Timeout(p.patience()), nats.NoReconnect(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		saw, todo := p.noLine(err, d)
		f.fail("nats", todo, "%s", saw)
		return nil
	}
	began := time.Now()
	if err := nc.FlushWithContext(limited); err != nil {
		nc.Close()
		f.fail("nats", "look at the server's log", "%s took the connection and answers no more", d.last)
		return nil
	}
	f.fine("nats", "nats-server %s at %s answers in %s", nc.ConnectedServerVersion(), nc.ConnectedAddr(), inWords(time.Since(began)))
	return &line{Plan: p, findings: f, nc: nc}
}

// dialer notes what became of each attempt: the client forgets refusals.
type dialer struct {
	ctx      context.Context
	patience time.Duration

	mu      sync.Mutex
	refused []string // host:port: why
	last    string   // the host that took a connection
}

// Dial implements [nats.CustomDialer].
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, d.patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.last = address
	case isTimeout(err):
		d.refused = append(d.refused, address+": no answer")
	default:
		d.refused = append(d.refused, address+": "+cause(err).Error())
	}
	return conn, err
}

// noLine says in words why there is no connection, and what to do. The URL may hold a password and is not repeated.
func (p Plan) noLine(err error, d *dialer) (saw, todo string) {
	host, _, _ := net.SplitHostPort(d.last)
	if saw, todo := distrusted(err, host); saw != "" {
		return saw, todo
	}
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		errors.Is(err, nats.ErrAccountAuthExpired):
		return d.last + " does not let us in: " + plain(err), p.credentialsAdvice()
	case errors.Is(err, nats.ErrSecureConnWanted):
		return d.last + " does not speak TLS", "begin NATS_URL with nats:// instead of tls://"
	case errors.Is(err, nats.ErrNoInfoReceived), strings.Contains(err.Error(), "'INFO'"):
		return "what answers at " + d.last + " is no NATS server", "check host and port of NATS_URL"
	case d.last == "" && len(d.refused) > 0:
		return "no server takes a connection: " + strings.Join(d.refused, "; "), "start NATS, or check NATS_URL"
	case isTimeout(err), errors.Is(err, nats.ErrTimeout):
		return d.last + " takes the connection and does not answer within " + inWords(p.patience()), "check NATS_URL, and whether the server is well"
	}
	return "no connection: " + plain(err), "check NATS_URL and NATS_CREDS"
}

func (p Plan) credentialsAdvice() string {
	if p.NATS.Creds != "" {
		return "NATS_CREDS has to name the credentials of a user of this server's accounts, which have not ended"
	}
	return "name a user in NATS_URL (nats://user:password@host:4222), or a credentials file in NATS_CREDS"
}

// plain is what was said, without our own words around it.
func plain(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return strings.TrimPrefix(err.Error(), "nats: ")
}

// errDenied says that the server does not let this user publish, or subscribe, there.
var errDenied = errors.New("it is not permitted")

// reply is what JetStream's API says when it refuses; Code is 0 where it does not.
type reply struct {
	Error struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// ask sends a message and waits for the answer.
func (l *line) ask(ctx context.Context, m *nats.Msg) (r reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	m.Reply = l.nc.NewInbox()
	sub, err := l.subscribe(ctx, m.Reply)
	if err != nil {
		return r, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := l.publish(ctx, m); err != nil {
		return r, err
	}
	answer, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		return r, err
	}
	if answer.Header.Get("Status") == "503" {
		return r, nats.ErrNoResponders
	}
	if err := json.Unmarshal(answer.Data, &r); err != nil {
		return r, errors.New("the answer is not JetStream's")
	}
	return r, nil
}

// publish sends a message and says whether that is permitted.
func (l *line) publish(ctx context.Context, m *nats.Msg) error {
	return l.attempt(ctx, func() error { return l.nc.PublishMsg(m) })
}

// subscribe listens and says whether that is permitted.
func (l *line) subscribe(ctx context.Context, subject string) (sub *nats.Subscription, err error) {
	err = l.attempt(ctx, func() error {
		sub, err = l.nc.SubscribeSync(subject)
		return err
	})
	return sub, err
}

// attempt does one thing and says whether it is permitted. A complaint comes on its own, but before the answer to a
// ping that was sent behind what it is about.
func (l *line) attempt(ctx context.Context, do func() error) error {
	before := l.nc.LastError()
	if err := do(); err != nil {
		return err
	}
	if err := l.nc.FlushWithContext(ctx); err != nil {
		return err
	}
	if err := l.nc.LastError(); err != before && errors.Is(err, nats.ErrPermissionViolation) { // each is an error of its own
		return errDenied
	}
	return nil
}

// listen says whether a subscription is permitted.
func (l *line) listen(ctx context.Context, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	sub, err := l.subscribe(ctx, subject)
	if sub != nil {
		_ = sub.Unsubscribe()
	}
	return err
}

// JetStream's numbers for errors.
const (
	notEnabledForAccount = 10039
	notEnabled           = 10076
	streamNotFound       = 10059
)

const leaderAdvice = "look at the server's log; of a cluster's servers, more than half have to run"

// tellJetStream asks for the stream, which need not be there for an answer.
func (l *line) tellJetStream(ctx context.Context) bool {
	r, err := l.ask(ctx, nats.NewMsg("$JS.API.STREAM.INFO."+bridge.StreamName))
	switch {
	case errors.Is(err, errDenied):
		l.fail("jetstream", "permit this user to publish to $JS.API.> and to subscribe to _INBOX.>", "it may not be asked: %v", plain(err))
	case errors.Is(err, nats.ErrNoResponders), slices.Contains([]int{notEnabledForAccount, notEnabled}, r.Error.Code):
		l.fail("jetstream", "start the NATS server with -js, or switch JetStream on for this account", "it is off")
	case isTimeout(err):
		l.fail("jetstream", leaderAdvice, "it does not answer within %s", inWords(l.patience()))
	case err != nil:
		l.fail("jetstream", leaderAdvice, "it does not answer: %s", plain(err))
	case r.Error.Code != 0 && r.Error.Code != streamNotFound:
		l.fail("jetstream", leaderAdvice, "it refuses: %s", r.Error.Description)
	default:
		l.fine("jetstream", "on")
		return true
	}
	return false
}
