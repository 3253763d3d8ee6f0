package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
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
	return b.serve(ctx, serviceGrace, micro.Config{Version: strings.TrimPrefix(version, "v"), Description: description}, endpoints)
}

func (b *Bus) serve(ctx context.Context, grace time.Duration, c micro.Config, endpoints []Endpoint) error {
	working, cutShort := context.WithCancel(context.WithoutCancel(ctx))
	defer cutShort()
	s := &service{bus: b, ctx: working, desk: map[string]*desk{}}
	added, err := s.add(c, endpoints)
	if err != nil {
		return fmt.Errorf("serving %s: %w", ServiceName, err)
	}
	<-ctx.Done()
	err = added.Stop()
	_ = b.nc.FlushTimeout(serviceFlushed) // from here on requests go to others; should NATS be away, none comes
	late := time.AfterFunc(grace, cutShort)
	defer late.Stop()
	s.wait()
	return err
}

func (s *service) add(c micro.Config, endpoints []Endpoint) (micro.Service, error) {
	for _, e := range endpoints {
		s.desk[e.Name] = &desk{places: make(chan struct{}, serviceAtOnce)}
	}
	c.Name, c.StatsHandler = ServiceName, s.stats
	added, err := micro.AddService(s.bus.nc, c)
	if errors.Is(err, micro.ErrConfigValidation) {
		c.Version = "1.0.0"
		added, err = micro.AddService(s.bus.nc, c)
	}
	if err != nil {
		return nil, err
	}
	group := added.AddGroup(ServiceSubject)
	for _, e := range endpoints {
		if err := group.AddEndpoint(e.Name, s.handler(e)); err != nil {
			return nil, errors.Join(err, added.Stop())
		}
	}
	return added, nil
}

// service is what requests share.
type service struct {
	bus  *Bus
	ctx  context.Context // of requests under way
	desk map[string]*desk
}

// desk is one endpoint's: a request takes a place and is worked on beside the subscription, which must not wait. What
// comes of it is counted here, as micro believes it done at once.
type desk struct {
	places                  chan struct{}
	answered, refused, busy atomic.Uint64
}

// wait takes every place, so that nothing is under way then and nothing begins any more.
func (s *service) wait() {
	for _, d := range s.desk {
		for range cap(d.places) {
			d.places <- struct{}{}
		}
	}
}

func (s *service) stats(e *micro.Endpoint) any {
	d := s.desk[e.Name]
	return map[string]uint64{"answered": d.answered.Load(), "refused": d.refused.Load(), "busy": d.busy.Load()}
}

func (s *service) handler(e Endpoint) micro.HandlerFunc {
	d := s.desk[e.Name]
	return func(r micro.Request) {
		body, reply := r.Data(), r.Reply()
		select {
		case d.places <- struct{}{}:
		default:
			d.busy.Add(1)
			s.answer(reply, nil, refused(503, "busy", "this hub has too many of these requests under way; try again in a moment"))
			return
		}
		go func() { // wait waits for it
			defer func() { <-d.places }()
			answer, err := s.work(e, body)
			d.count(s.answer(reply, answer, err))
		}()
	}
}

func (d *desk) count(refused bool) {
	if refused {
		d.refused.Add(1)
	} else {
		d.answered.Add(1)
	}
}

// work does what is asked. A panic harms nobody but who asked.
func (s *service) work(e Endpoint, body []byte) (answer []byte, no *ServiceError) {
	defer func() {
		if why := recover(); why != nil {
			s.bus.log.Error("a request made the service panic", "endpoint", e.Name, "error", why, "stack", string(debug.Stack()))
			no = refused(500, "internal", "it could not be answered; the log of the bridge says why")
		}
	}()
	ctx, cancel := context.WithTimeout(s.ctx, serviceWithin)
	defer cancel()
	return e.Handle(ctx, body)
}

// answer sends an answer, and says whether it was a refusal. It may come long after micro has forgotten the request,
// so it says no as micro would, without it.
func (s *service) answer(reply string, body []byte, no *ServiceError) bool {
	if most := s.bus.nc.MaxPayload(); no == nil && int64(len(body)) > most {
		no = refused(413, "too_large", fmt.Sprintf("the answer has %d bytes and NATS carries %d: ask for fewer users at once", len(body), most))
	}
	m := nats.NewMsg(reply)
	m.Data = body
	if no != nil {
		m.Data = no.Body
		m.Header.Set(micro.ErrorHeader, oneLine(no.Description))
		m.Header.Set(micro.ErrorCodeHeader, strconv.Itoa(no.Code))
	}
	if reply != "" { // else nobody wants to know
		if err := s.bus.nc.PublishMsg(m); err != nil {
			s.bus.log.Debug("answering a request", "error", err)
		}
	}
	return no != nil
}

// oneLine makes of what is told what a header can carry.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
