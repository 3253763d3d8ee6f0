package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// desk is one endpoint's: a request takes a place and is worked on beside the subscription, which must not wait.
type desk struct {
	Endpoint
	service *service
	places  chan struct{}

	mu        sync.Mutex
	ended     ended
	took      time.Duration // all requests together
	lastError string
}

// ended is how requests have ended.
type ended struct {
	Answered int `json:"answered"`
	Refused  int `json:"refused"`
	Busy     int `json:"busy"` // refused for want of a place
}

func newDesk(s *service, e Endpoint) *desk {
	return &desk{Endpoint: e, service: s, places: make(chan struct{}, serviceAtOnce)}
}

func (d *desk) subject() string { return ServiceSubject + "." + d.Name }

var errBusy = refused(503, "busy", "this hub has too many of these requests under way; try again in a moment")

// take takes a request from the subscription.
func (d *desk) take(m *nats.Msg) {
	came := time.Now()
	select {
	case d.places <- struct{}{}:
	default:
		d.end(m.Reply, came, nil, errBusy)
		return
	}
	go func() { // wait waits for it
		defer func() { <-d.places }()
		answer, no := d.work(m.Data)
		d.end(m.Reply, came, answer, no)
	}()
}

// work does what is asked. A panic harms nobody but who asked.
func (d *desk) work(body []byte) (answer []byte, no *ServiceError) {
	defer func() {
		if why := recover(); why != nil {
			d.service.bus.log.Error("a request made the service panic", "endpoint", d.Name, "error", why, "stack", string(debug.Stack()))
			no = refused(500, "internal", "it could not be answered; the log of the bridge says why")
		}
	}()
	ctx, cancel := context.WithTimeout(d.service.ctx, serviceWithin)
	defer cancel()
	answer, no = d.Handle(ctx, body)
	if most := d.service.bus.nc.MaxPayload(); no == nil && int64(len(answer)) > most {
		no = refused(413, "too_large", fmt.Sprintf("the answer has %d bytes and NATS carries %d: ask for fewer users at once", len(answer), most))
	}
	return answer, no
}

// end counts a request and answers it, in this order: who has the answer finds it in the figures.
func (d *desk) end(reply string, came time.Time, body []byte, no *ServiceError) {
	m := nats.NewMsg(reply)
	m.Data = body
	if no != nil {
		m.Data = no.Body
		m.Header.Set(micro.ErrorHeader, oneLine(no.Description))
		m.Header.Set(micro.ErrorCodeHeader, strconv.Itoa(no.Code))
	}
	d.count(no, time.Since(came))
	if reply == "" { // nobody wants to know
		return
	}
	if err := d.service.bus.nc.PublishMsg(m); err != nil {
		d.service.bus.log.Debug("answering a request", "error", err)
	}
}

func (d *desk) count(no *ServiceError, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.took += took
	switch no {
	case nil:
		d.ended.Answered++
		return
	case errBusy:
		d.ended.Busy++
	default:
		d.ended.Refused++
	}
	d.lastError = strconv.Itoa(no.Code) + ":" + oneLine(no.Description)
}

// stats are the endpoint's figures, as micro has them.
func (d *desk) stats() *micro.EndpointStats {
	d.mu.Lock()
	defer d.mu.Unlock()
	errs := d.ended.Refused + d.ended.Busy
	all := d.ended.Answered + errs
	data, _ := json.Marshal(d.ended) // numbers: it cannot fail
	return &micro.EndpointStats{
		Name: d.Name, Subject: d.subject(), QueueGroup: micro.DefaultQueueGroup, NumRequests: all, NumErrors: errs,
		LastError: d.lastError, ProcessingTime: d.took, AverageProcessingTime: d.took / time.Duration(max(all, 1)), Data: data,
	}
}

// oneLine makes of what is told what a header can carry.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
