package emulator

import (
	"net/http"
	"time"
)

// batchAnswer is the body of POST /users/batch/status (ED+): an object for every user, so that a map comes out
// in the order asked.
type batchAnswer struct {
	Action    string              `json:"action"`
	Data      []map[string]string `json:"data"`
	Timestamp int64               `json:"timestamp"`
	Duration  int64               `json:"duration"`
}

// batchStatus is the older call that needs no presence: online or offline, nothing else, and offline for
// whoever does not exist ("this API does not check user ids", ED+).
func (s *Server) batchStatus(body []byte, now time.Time) (answer, *refusal) {
	uids, no := decodeUsernames(body, tooManyStatuses)
	if no != nil {
		return answer{}, no
	}
	s.counts.served(kindBatchStatus, len(uids))
	users := s.people.look(uids)
	data := make([]map[string]string, 0, len(uids))
	for _, uid := range uids {
		word := "offline"
		if users[uid].online() {
			word = "online"
		}
		data = append(data, map[string]string{uid: word})
	}
	return asJSON(http.StatusOK, batchAnswer{"get batch user status", data, now.UnixMilli(), 0}), nil
}
