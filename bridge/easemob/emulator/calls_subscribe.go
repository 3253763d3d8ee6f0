package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// subscribe answers with the states of the users at once, as the samples do. (For two days of 2024 the
// documents spoke of a queue for more than five users, and took it back.)
func (s *Server) subscribe(c call, body []byte, now time.Time) (answer, *refusal) {
	seconds, err := strconv.ParseUint(c.value, 10, 31)
	if err != nil || seconds == 0 || time.Duration(seconds)*time.Second > maxExpiry {
		return answer{}, &badExpiry
	}
	uids, no := decodeUsernames(body, tooManySub)
	switch {
	case no != nil:
		return answer{}, no
	case slices.Contains(uids, c.operator):
		return answer{}, &subYourself
	}
	s.counts.served(kindSubscribe, len(uids))
	expiry := now.Add(time.Duration(seconds) * time.Second)
	s.subs.subscribe(c.operator, uids, expiry)
	entries := s.entries(uids, number(expiry.Unix(), s.options.Numbers))
	return asJSON(http.StatusOK, resultOf(s.dice.spoil(entries))), nil
}

// unsubscribe succeeds for users who were never subscribed, and for oneself (TS5).
func (s *Server) unsubscribe(c call, body []byte) (answer, *refusal) {
	uids, no := decodeBareNames(body)
	if no != nil {
		return answer{}, no
	}
	s.counts.served(kindUnsubscribe, len(uids))
	s.subs.unsubscribe(c.operator, uids)
	return done, nil
}

// sublist answers with a page of what an operator subscribed a while ago.
func (s *Server) sublist(c call) (answer, *refusal) {
	page, perPage, no := decodePage(c.query.Get("pageNum"), c.query.Get("pageSize"), s.options.MaxPageSize)
	if no != nil {
		return answer{}, no
	}
	subs, total := s.subs.list(c.operator, page, perPage)
	list := make([]listed, 0, len(subs))
	for _, sub := range subs {
		list = append(list, listed{sub.uid, number(sub.expiry.Unix(), s.options.Numbers)})
	}
	out := sublist{number(int64(total), s.options.Numbers), s.dice.spoilList(list)}
	return asJSON(http.StatusOK, resultOf(out)), nil
}
