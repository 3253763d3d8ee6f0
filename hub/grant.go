package hub

import (
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// grant is what a connection may do: what its token says.
type grant struct {
	subject bridge.UID // own uid; empty without authentication
	expires time.Time  // zero: never
	watch   []string   // uids, prefix*, or *
	set     bool
	open    bool   // no authentication: everything is allowed
	raw     bool   // nobody is held back: what is told is what the log says
	key     string // whom the limits per subject count; empty without authentication
}

// mayWatch says whether the grant covers a user.
func (g grant) mayWatch(uid bridge.UID) bool {
	if g.open {
		return true
	}
	for _, p := range g.watch {
		if prefix, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(string(uid), prefix) || p == string(uid) {
			return true
		}
	}
	return false
}

// maySet says whether the grant lets its holder set this user's presence: one's own only.
func (g grant) maySet(uid bridge.UID) bool {
	return g.open || g.set && g.subject != "" && g.subject == uid
}
