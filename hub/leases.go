package hub

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// leaseLate is how long after its time the end of a lease is awaited from NATS, whose clock counts: ours may be
// ahead.
const leaseLate = 10 * time.Second

// leases are those on one user: holder -> until when. Every hub follows all of them, so they outlive the hub that
// took them. Each counts as one who watches.
type leases map[string]time.Time

// leaseChanged takes in what happened to a lease.
func (h *Hub) leaseChanged(c bridge.LeaseChange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().After(c.Until.Add(leaseLate)) { // or it has none: it has ended
		h.endLease(c.UID, c.Holder)
		return
	}
	u := h.want(c.UID)
	if h.leased[c.UID] == nil {
		h.leased[c.UID] = leases{}
	}
	h.leased[c.UID][c.Holder] = c.Until
	h.weigh(u)
}

// endLease lets go of a user, the next time that is seen to, whom nobody wants watched then. The caller holds mu.
func (h *Hub) endLease(uid bridge.UID, holder string) {
	if _, leased := h.leased[uid][holder]; !leased {
		return
	}
	delete(h.leased[uid], holder)
	if len(h.leased[uid]) == 0 {
		delete(h.leased, uid)
	}
	u := h.user(uid)
	h.weigh(u)
	if len(u.watched) == 0 {
		h.linger(uid, 0)
	}
}

// endLeases ends what NATS should have ended. It looks at all there is, so it does not look often. The caller holds mu.
func (h *Hub) endLeases(now time.Time) {
	if now.Before(h.leasesDue) {
		return
	}
	h.leasesDue = now.Add(leaseLate)
	for uid, on := range h.leased {
		for holder, until := range on {
			if now.After(until.Add(leaseLate)) {
				h.endLease(uid, holder)
			}
		}
	}
}
