package emulator

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
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

	rules     rules
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
		options: o,
		log:     o.Logger,
		rules:   newRules(o),
		people:  newPeople(o.KeepHistory, o.LastTimeOnLogin),
		subs:    newSubscriptions(o),
		tokens:  &tokens{expiry: make(map[string]time.Time)},
		limits:  &limits{accepted: make(map[kind]*window)},
		counts:  newCounts(),
		dice:    newDice(o.Seed, o.Faults),
	}
	s.callbacks = newCallbacks(o, s.dice)
	s.people.told = s.callbacks.announce
	s.living = newLiving(o, s.people)
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
	fate := s.dice.draw(c.kind)
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
	body, err := readBody(w, r, maxVendorBody)
	now := time.Now()
	var long *http.MaxBytesError
	switch {
	case f.done != nil:
		return *f.done
	case f.no != nil:
		no = f.no
	case no != nil:
	case errors.As(err, &long):
		no = &tooLarge
	case err != nil:
		no = &badRequest
	case !saysJSON(r, body):
		no = &wrongType
	}
	if no == nil {
		var a answer
		if a, no = s.perform(r, c, body, now); no == nil {
			return a
		}
	}
	return no.in(s.options, c.kind).answer(now)
}

// readBody reads a body of so many bytes at the most, and does not wait for it for ever, whatever http.Server there
// is.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(bodyWithin)) // without a connection there is nothing to stall
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err == nil { // the answer may be held back for longer; of what failed the rest is not waited for either
		_ = conn.SetReadDeadline(time.Time{})
	}
	return body, err
}

// saysJSON is false of a body that is said to be something else; about one of which nothing is said, no source
// tells.
func saysJSON(r *http.Request, body []byte) bool {
	said := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(said)
	return said == "" || len(body) == 0 || err == nil && media == "application/json"
}

// webPage is what a web server in front of the API says on its own account.
func webPage(status int) *answer {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return &answer{status, "text/html", []byte(strings.ReplaceAll(page, "%TEXT%", text))}
}
