package emulator

import (
	"net/http"
	"slices"
	"time"
)

// subscribe answers with the states of the users at once, as the samples do. For two days of 2024 the documents
// told of a queue for more than five users, and took it back. With AsyncAbove there is one; that such a call is
// answered with nobody is INF (states in real time "cannot be guaranteed").
func (s *Server) subscribe(c call, body []byte, now time.Time) (answer, *refusal) {
	lasts, no := s.rules.expiry(c.value)
	if no != nil {
		return answer{}, no
	}
	uids, no := s.rules.decodeUsernames(body, tooManySub)
	switch {
	case no != nil:
		return answer{}, no
	case slices.Contains(uids, c.operator):
		return answer{}, &subYourself
	}
	s.counts.served(kindSubscribe, len(uids))
	expiry := now.Add(lasts)
	if s.options.AsyncAbove > 0 && len(uids) > s.options.AsyncAbove {
		s.subs.subscribeLater(c.operator, uids, expiry, s.options.AsyncDelay)
		return asJSON(http.StatusOK, resultOf([]entry{})), nil
	}
	s.subs.subscribe(c.operator, uids, expiry)
	return s.tell(s.entries(uids, s.timestamp(expiry), false)), nil
}

// unsubscribe succeeds for users who were never subscribed, and for oneself (TS5).
func (s *Server) unsubscribe(c call, body []byte) (answer, *refusal) {
	uids, no := s.rules.decodeBareNames(body)
	if no != nil {
		return answer{}, no
	}
	s.counts.served(kindUnsubscribe, len(uids))
	s.subs.unsubscribe(c.operator, uids)
	return done, nil
}

// sublist answers with a page of what an operator subscribed a while ago.
func (s *Server) sublist(c call) (answer, *refusal) {
	page, perPage, no := s.rules.page(c.query.Get("pageNum"), c.query.Get("pageSize"))
	if no != nil {
		return answer{}, no
	}
	subs, total := s.subs.list(c.operator, page, perPage)
	list := make([]listed, 0, len(subs))
	for _, sub := range subs {
		list = append(list, listed{sub.uid, s.timestamp(sub.expiry)})
	}
	out := sublist{number(int64(total), s.options.Numbers), s.dice.spoilList(list)}
	return asJSON(http.StatusOK, resultOf(out)), nil
}
