package hub

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// How long a user stays watched whom nobody watches any more.
const (
	lingerFor = 30 * time.Second // after the last watcher has gone, so that a reload costs nothing
	askedFor  = time.Minute      // after a single request
)

// linger keeps a user without watchers watched for at least that long. The caller holds mu.
func (h *Hub) linger(uid bridge.UID, d time.Duration) {
	if h.pinned[uid] {
		return
	}
	if until := time.Now().Add(d); until.After(h.idle[uid]) {
		h.idle[uid] = until
	}
}

// letGo stops watching those whose time is up. The caller holds mu.
func (h *Hub) letGo(now time.Time) {
	for uid, until := range h.idle {
		if !now.After(until) {
			continue
		}
		delete(h.idle, uid)
		if len(h.users[uid].watched) == 0 && len(h.leased[uid]) == 0 {
			h.unwant(uid)
		}
	}
	for key, s := range h.subjects {
		for uid, until := range s.asked {
			if now.After(until) {
				delete(s.asked, uid)
			}
		}
		h.forgetSubject(key)
	}
}
