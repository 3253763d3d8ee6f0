//go:build linux

package chaos

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// pollerSeat is a poller that is started again whenever it ends, as whoever runs containers does it. Each is a new
// process with a new id.
type pollerSeat struct {
	name         string
	skew         time.Duration // whole seconds that its clock is ahead
	path         string
	nats, vendor *link
	said         *said

	doing  sync.Mutex // held by whoever does something to its process
	now    atomic.Pointer[process]
	starts atomic.Int64
	id     atomic.Pointer[string] // of the newest process that is up

	leading atomic.Bool // so it said last

	clock atomic.Int64 // how far ahead its clock was when it last spoke, in nanoseconds
}

func newPollerSeat(name, path string, skew time.Duration, nats, vendor *link) *pollerSeat {
	s := &pollerSeat{name: name, path: path, skew: skew, nats: nats, vendor: vendor}
	s.said = &said{hear: s.hear}
	return s
}

const (
	takesOver = "msg=leading role=poller"
	stepsDown = `msg="not leading any more" role=poller`
)

var (
	isUp    = regexp.MustCompile(`msg="the bridge is up".* id=(\S+)`)
	itsTime = regexp.MustCompile(`^time=(\S+) `)
)

func (s *pollerSeat) hear(line string) {
	if found := isUp.FindStringSubmatch(line); found != nil {
		s.id.Store(&found[1])
	}
	if takes := strings.Contains(line, takesOver); takes || strings.Contains(line, stepsDown) {
		s.leading.Store(takes)
	}
	if found := itsTime.FindStringSubmatch(line); found != nil {
		if at, err := time.Parse(time.RFC3339, found[1]); err == nil {
			s.clock.Store(int64(time.Until(at)))
		}
	}
}

// is says whether the newest process has an id.
func (s *pollerSeat) is(id string) bool {
	own := s.id.Load()
	return own != nil && *own == id
}

func (s *pollerSeat) environment() []string {
	return []string{
		"ROLE=poller", "LOG_LEVEL=info", "ADMIN_LISTEN=127.0.0.1:0",
		"NATS_URL=nats://" + s.nats.addr(), "EASEMOB_URL=http://" + s.vendor.addr(),
		"EASEMOB_ORG=" + app.Org, "EASEMOB_APP=" + app.Name, "EASEMOB_CLIENT_ID=id", "EASEMOB_CLIENT_SECRET=secret",
		"EASEMOB_OPERATORS=svc-1,svc-2", "EASEMOB_RATE=20", "MAX_STALENESS=10s",
		fmt.Sprintf("%s=%d", skewVariable, int(s.skew.Seconds())),
	}
}

// run keeps a process there until ctx is done, and ends the last in peace.
func (s *pollerSeat) run(ctx context.Context) error {
	for {
		s.leading.Store(false)
		p, err := spawn(s.said, s.environment(), s.path, "serve")
		if err != nil {
			return fmt.Errorf("starting %s: %w", s.name, err)
		}
		s.now.Store(p)
		s.starts.Add(1)
		select {
		case <-p.ended:
		case <-ctx.Done():
			p.end()
			return nil
		}
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
}
