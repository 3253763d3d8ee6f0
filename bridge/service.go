package bridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Where backends ask. The endpoints of the service are ServiceSubject.<name>.
const (
	ServiceName    = "presence"
	ServiceSubject = "presence.api"
)

const (
	serviceAtOnce  = 32               // requests that one endpoint of one process works on; those beyond are told to come again
	serviceWithin  = 10 * time.Second // for one request
	serviceGrace   = time.Second      // for requests under way when the service stops, before they are cut short
	serviceFlushed = time.Second / 2  // for NATS to hear that the service has stopped
)

// Endpoint is one thing that a service does. Handle is called by many at once, with the body of a request; what it
// returns is the body of the answer. It must end when ctx is done.
type Endpoint struct {
	Name   string
	Handle func(ctx context.Context, body []byte) ([]byte, *ServiceError)
}

// ServiceError is an answer that says no.
type ServiceError struct {
	Code        int    // as HTTP has them
	Description string // what is wrong, and what to do
	Body        []byte // the same for programs; nil: none
}

func (e *ServiceError) Error() string { return e.Description }

// refused is an answer of our own that says no, with the body that those of hubs have.
func refused(code int, name, description string) *ServiceError {
	body, _ := json.Marshal(map[string]string{"code": name, "message": description}) // strings: it cannot fail
	return &ServiceError{Code: code, Description: description, Body: body}
}

// Serve answers requests as the NATS micro service [ServiceName], beside other processes that do, until ctx is done
// and whatever was under way has been answered. version is a semantic version; any other counts as 1.0.0.
func (b *Bus) Serve(ctx context.Context, version, description string, endpoints ...Endpoint) error {
	return b.serve(ctx, serviceGrace, version, description, endpoints)
}

func (b *Bus) serve(ctx context.Context, grace time.Duration, version, description string, endpoints []Endpoint) error {
	working, cutShort := context.WithCancel(context.WithoutCancel(ctx))
	defer cutShort()
	s := newService(working, b, version, description, endpoints)
	if err := s.start(); err != nil {
		s.stop()
		return fmt.Errorf("serving %s: %w", ServiceName, err)
	}
	<-ctx.Done()
	s.stop()
	_ = b.nc.FlushTimeout(serviceFlushed) // from here on requests go to others; should NATS be away, none comes
	late := time.AfterFunc(grace, cutShort)
	defer late.Stop()
	s.wait()
	return nil
}

// service is a service of nats.go's micro as everybody sees it, with micro's names and types, but not run by micro: that
// works on one request of an endpoint at a time, and counts one as done, and not refused, once its handler has returned.
type service struct {
	bus     *Bus
	ctx     context.Context // of requests under way
	about   micro.ServiceIdentity
	says    string // what it is for
	started time.Time
	desks   []*desk
	subs    []*nats.Subscription
}

func newService(ctx context.Context, b *Bus, version, description string, endpoints []Endpoint) *service {
	s := &service{bus: b, ctx: ctx, says: description, started: time.Now().UTC(), about: micro.ServiceIdentity{
		Name: ServiceName, ID: rand.Text(), Version: semantic(version), Metadata: map[string]string{}}}
	for _, e := range endpoints {
		s.desks = append(s.desks, newDesk(s, e))
	}
	return s
}

var semantics = regexp.MustCompile(`^(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}([-+][0-9A-Za-z.+-]+)?$`)

func semantic(version string) string {
	if version = strings.TrimPrefix(version, "v"); semantics.MatchString(version) {
		return version
	}
	return "1.0.0"
}

// start subscribes to requests, and to questions about the service.
func (s *service) start() error {
	for _, d := range s.desks {
		sub, err := s.bus.nc.QueueSubscribe(d.subject(), micro.DefaultQueueGroup, d.take)
		if err != nil {
			return err
		}
		s.subs = append(s.subs, sub)
	}
	return s.startTelling()
}

// stop ends what start began. What has come already is still taken. An error is of a connection that is closed, on
// which nothing comes.
func (s *service) stop() {
	for _, sub := range s.subs {
		_ = sub.Drain()
	}
}

// wait takes every place, so that nothing is under way then and nothing begins any more.
func (s *service) wait() {
	for _, d := range s.desks {
		for range cap(d.places) {
			d.places <- struct{}{}
		}
	}
}
