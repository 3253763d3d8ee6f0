package emulator

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Server is one app at the vendor, all of it in memory. It is an http.Handler, and may be used by any number of
// goroutines. Each owner below guards itself; none calls into another while it holds its lock, save that
// living changes people.
type Server struct {
	options Options
	log     *slog.Logger
	admin   http.Handler

	people    *people
	subs      *subscriptions
	tokens    *tokens
	limits    *limits
	counts    *counts
	dice      *dice
	living    *living
	callbacks *callbacks
	running   atomic.Bool
}

// New returns a server whose population is where it is at the start. Nothing moves until [Server.Run].
func New(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("emulator options: %w", err)
	}
	o = o.withDefaults()
	s := &Server{
		options:   o,
		log:       o.Logger,
		people:    newPeople(o.KeepHistory),
		subs:      &subscriptions{most: o.MaxSubscriptions, lag: o.ListLag, ops: make(map[string]*operator)},
		tokens:    &tokens{expiry: make(map[string]time.Time)},
		limits:    &limits{accepted: make(map[kind]*window)},
		counts:    newCounts(),
		dice:      newDice(o.Seed, o.Faults),
		callbacks: newCallbacks(o),
	}
	s.people.moved = s.callbacks.add
	s.living = newLiving(o.Seed, o.population(), s.people)
	s.admin = s.adminHandler()
	return s, nil
}

// ServeHTTP answers the vendor's API, and the admin endpoints beneath /_emulator/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_emulator/") {
		s.admin.ServeHTTP(w, r)
		return
	}
	s.serveVendor(w, r)
}

// serveVendor takes one call from its arrival to its answer, or to the reset that it gets instead.
func (s *Server) serveVendor(w http.ResponseWriter, r *http.Request) {
	c, no := s.route(r)
	s.counts.arrived(c.kind)
	fate := s.dice.draw()
	a := s.answer(w, r, c, no, fate)
	if fate.reset {
		s.log.Debug("resetting a call", "kind", c.kind)
		reset(w)
		return
	}
	if hold(r.Context(), fate.wait) != nil {
		return
	}
	s.counts.answered(c.kind, a.status)
	s.log.Debug("answering a call", "kind", c.kind, "operator", c.operator, "status", a.status)
	a.writeMangled(w, fate.mangle)
}

// answer does what a call asks for, unless its fate is that nothing gets done.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, c call, no *refusal, f fate) answer {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxVendorBody))
	now := time.Now()
	var long *http.MaxBytesError
	switch {
	case f.outage:
		return outOfService.answer(now)
	case f.fail != 0:
		return injected(f, now)
	case no != nil:
		return no.answer(now)
	case errors.As(err, &long):
		return tooLarge.answer(now)
	case err != nil:
		return badRequest.answer(now)
	}
	a, no := s.perform(r, c, body, now)
	if no != nil {
		return no.answer(now)
	}
	return a
}

// injected is the answer of a call that an error has been thrown at.
func injected(f fate, now time.Time) answer {
	if !f.html {
		return ofStatus(f.fail).answer(now)
	}
	text := fmt.Sprintf("%d %s", f.fail, http.StatusText(f.fail))
	return answer{f.fail, "text/html", []byte(strings.ReplaceAll(page, "%TEXT%", text))}
}
