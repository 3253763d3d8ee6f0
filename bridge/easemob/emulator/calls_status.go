package emulator

import (
	"maps"
	"net/http"
	"slices"
	"strings"
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

// batchStatus is the older call that needs no presence: online or offline, nothing else, and offline for whoever
// does not exist, or could not: it checks no user id (ED+).
func (s *Server) batchStatus(body []byte, now time.Time) (answer, *refusal) {
	uids, no := s.rules.decodeAnybody(body)
	if no != nil {
		return answer{}, no
	}
	s.counts.served(kindBatchStatus, len(uids))
	users := s.people.look(uids)
	data := make([]map[string]string, 0, len(uids))
	for _, uid := range uids {
		data = append(data, map[string]string{uid: users[uid].word()})
	}
	return asJSON(http.StatusOK, batchAnswer{"get batch user status", data, now.UnixMilli(), 0}), nil
}

// word is what the older calls have to say of a user: online if any device is (ED+).
func (u User) word() string {
	if u.online() {
		return "online"
	}
	return "offline"
}

// userAnswer is the body of GET /users/{uid}/status and /users/{uid}/resources (ED+; of the latter data alone
// is told).
type userAnswer struct {
	Action    string   `json:"action"`
	URI       string   `json:"uri"`
	Entities  []string `json:"entities"`
	Data      any      `json:"data"`
	Timestamp int64    `json:"timestamp"`
	Duration  int64    `json:"duration"`
}

// loggedIn is one device that is there.
type loggedIn struct {
	Resource string `json:"res"`
	UUID     string `json:"device_uuid"`
	Name     string `json:"device_name"`
}

func (s *Server) status(r *http.Request, c call, now time.Time) (answer, *refusal) {
	uid, user, no := s.user(c)
	if no != nil {
		return answer{}, no
	}
	return aboutUser(r, map[string]string{uid: user.word()}, now), nil
}

// resources lists the devices that are there. What the vendor's server knows of them from the client itself is
// made up from the key here.
func (s *Server) resources(r *http.Request, c call, now time.Time) (answer, *refusal) {
	_, user, no := s.user(c)
	if no != nil {
		return answer{}, no
	}
	logins := []loggedIn{}
	for _, key := range slices.Sorted(maps.Keys(there(user.Status))) {
		platform, uuid, _ := strings.Cut(key, "_")
		logins = append(logins, loggedIn{key, uuid, platform})
	}
	return aboutUser(r, logins, now), nil
}

// user is whom the path names; unlike in a batch they have to exist (ED+).
func (s *Server) user(c call) (string, User, *refusal) {
	uid, no := s.rules.legalName(c.operator)
	if no != nil {
		return "", User{}, no
	}
	user, known := s.people.look([]string{uid})[uid]
	if !known {
		return "", User{}, &noResource
	}
	s.counts.served(c.kind, 1)
	return uid, user, nil
}

func aboutUser(r *http.Request, data any, now time.Time) answer {
	uri := "http://" + r.Host + r.URL.EscapedPath()
	return asJSON(http.StatusOK, userAnswer{"get", uri, []string{}, data, now.UnixMilli(), 0})
}
