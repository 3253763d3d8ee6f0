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
	if c.kind == kindToken {
		return s.token(body, now)
	}
	if c.kind == kindBatchStatus {
		return s.batchStatus(body, now)
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
		return &reachLimit
	}
	return nil
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
	if s.options.NotActivated {
		return answer{}, &notActivated
	}
	operator, no := legalName(c.operator)
	if no != nil {
		return answer{}, no
	}
	c.operator = operator
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

// get answers with one entry for every user asked for: in the order asked, those unknown too (TS5). One
// page of the vendor's says that only users whom the operator subscribes to are answered for (ED24, ED+);
// its own tests say otherwise. NeedSubscription chooses the world.
func (s *Server) get(c call, body []byte) (answer, *refusal) {
	uids, no := decodeUsernames(body, tooManyGet)
	if no != nil {
		return answer{}, no
	}
	s.counts.served(kindGet, len(uids))
	if s.options.NeedSubscription {
		uids = keys(s.subs.subscribed(c.operator), uids)
	}
	return asJSON(http.StatusOK, resultOf(s.dice.spoil(s.entries(uids, nil)))), nil
}

// entries writes users down as they are now; expiry is nil where an answer has none.
func (s *Server) entries(uids []string, expiry any) []entry {
	users := s.people.look(uids)
	entries := make([]entry, 0, len(uids))
	for _, uid := range uids {
		user := users[uid] // somebody unknown: no device, no ext, last_time 0
		entries = append(entries, entry{
			UID:      uid,
			LastTime: number(user.LastTime, s.options.Numbers),
			Expiry:   expiry,
			Ext:      user.Ext,
			Status:   devices{values: user.Status, numbers: s.options.Numbers},
		})
	}
	return entries
}

// keys are those of uids that are in the map.
func keys(in map[string]time.Time, uids []string) []string {
	var kept []string
	for _, uid := range uids {
		if _, ok := in[uid]; ok {
			kept = append(kept, uid)
		}
	}
	return kept
}
