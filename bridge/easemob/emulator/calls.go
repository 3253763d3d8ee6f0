package emulator

import (
	"net/http"
	"time"
)

// perform does a call: who asks comes first, then how often, then whether presence is switched on at all,
// then what is asked for. (The order between them is INF.)
func (s *Server) perform(r *http.Request, c call, body []byte, now time.Time) (answer, *refusal) {
	if no := s.admit(r, c, now); no != nil {
		return answer{}, no
	}
	switch c.kind {
	case kindToken:
		return s.token(r, body, now)
	case kindBatchStatus:
		return s.batchStatus(body, now)
	case kindStatus:
		return s.status(r, c, now)
	case kindResources:
		return s.resources(r, c, now)
	}
	if s.options.NotActivated {
		return answer{}, &notActivated
	}
	if c.kind == kindGroupCount {
		return s.groupCount(c)
	}
	return s.presence(c, body, now)
}

func (s *Server) admit(r *http.Request, c call, now time.Time) *refusal {
	if c.kind != kindToken {
		if no := s.authorize(r, now); no != nil {
			return no
		}
	}
	if !s.limits.accept(c.kind, s.limit(c.kind)) {
		s.dice.limited()
		return s.overLimit(c.kind)
	}
	return nil
}

// overLimit is how a call is told that there are too many: by 429, and in the presence service's own error
// table by 400 (ED23, AG).
func (s *Server) overLimit(k kind) *refusal {
	if s.options.TooManyQueries && k.presence() {
		return &tooMany
	}
	return &reachLimit
}

func (s *Server) limit(k kind) int {
	faults, _ := s.dice.get()
	perS := s.options.LimitPerS
	if faults.LimitPerS > 0 {
		perS = faults.LimitPerS
	}
	return limitOf(k, perS, faults.ClientCallsPerS)
}

// presence does one of the five presence calls.
func (s *Server) presence(c call, body []byte, now time.Time) (answer, *refusal) {
	operator, no := s.rules.legalName(c.operator)
	if no != nil {
		return answer{}, no
	}
	c.operator = operator
	if s.absent(c) {
		return answer{}, &noResource
	}
	switch c.kind {
	case kindSet:
		return s.set(c, body)
	case kindSubscribe:
		return s.subscribe(c, body, now)
	case kindGet:
		return s.get(c, body)
	case kindUnsubscribe:
		return s.unsubscribe(c, body)
	case kindSublist:
		return s.sublist(c)
	}
	return answer{}, &noResource
}

// absent says whether a call is made for somebody who has to exist and does not. The vendor's client passes over a
// 404 of set and unsubscribe (JAVA), so that there is one; of subscribe it is INF. Get and list have no error
// there, but nobody in their answers (ED24, ED+).
func (s *Server) absent(c call) bool {
	changes := c.kind != kindGet && c.kind != kindSublist
	return s.options.UsersMustExist && changes && !s.people.exists(c.operator)
}

// get answers with one entry for every user asked for: in the order asked, those unknown too (TS5). One page of
// the vendor's says that the list is empty where who asks does not exist, or has not subscribed (ED24, ED+); its own
// tests say otherwise. UsersMustExist and NeedSubscription are the world of the page, and OmitUnknown is for who
// reads it as being about those who are asked for.
func (s *Server) get(c call, body []byte) (answer, *refusal) {
	uids, no := s.rules.decodeUsernames(body, tooManyGet)
	if no != nil {
		return answer{}, no
	}
	s.counts.served(kindGet, len(uids))
	if s.options.UsersMustExist && !s.people.exists(c.operator) {
		uids = nil
	}
	if s.options.NeedSubscription {
		uids = s.subs.among(c.operator, uids)
	}
	return s.tell(s.entries(uids, nil, s.options.OmitUnknown)), nil
}

// tell is the answer of get and subscribe, with what is to go wrong with it.
func (s *Server) tell(entries []entry) answer {
	entries = s.dice.spoil(entries)
	if s.options.AnyOrder { // whether the order is that of the request is not documented
		s.dice.shuffle(entries)
	}
	return asJSON(http.StatusOK, resultOf(entries))
}

// entries writes users down as they are now; expiry is nil where an answer has none.
func (s *Server) entries(uids []string, expiry any, omitUnknown bool) []entry {
	users := s.people.look(uids)
	entries := make([]entry, 0, len(uids))
	for _, uid := range uids {
		user, known := users[uid] // somebody unknown: no device, no ext, last_time 0
		if omitUnknown && !known {
			continue
		}
		entries = append(entries, entry{
			UID:      uid,
			LastTime: s.timestamp(time.Unix(user.LastTime, 0)),
			Expiry:   expiry,
			Ext:      user.Ext,
			Status:   devices{values: user.Status},
		})
	}
	return entries
}

// timestamp is a time as answers have it: in seconds (ED24, ED+, the samples), though a comment of TS5's says
// milliseconds.
func (s *Server) timestamp(t time.Time) any {
	if s.options.Milliseconds {
		return number(t.UnixMilli(), s.options.Numbers)
	}
	return number(t.Unix(), s.options.Numbers)
}
