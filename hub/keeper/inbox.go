package keeper

import (
	"sync"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// inbox notes whose watchers have changed until the loop asks. It holds names and no news: whether somebody
// is watched is asked of the registry when it matters, so nothing in here can be out of date.
type inbox struct {
	wake chan struct{} // holds one token when there is something to take

	mu      sync.Mutex
	open    bool // somebody leads and will take
	touched map[bridge.UID]struct{}
}

func newInbox() *inbox {
	return &inbox{wake: make(chan struct{}, 1), touched: map[bridge.UID]struct{}{}}
}

// changed is called by the registry.
func (i *inbox) changed(d bridge.Watches) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.open {
		return
	}
	for _, uids := range [][]bridge.UID{d.Added, d.Removed} {
		for _, uid := range uids {
			i.touched[uid] = struct{}{}
		}
	}
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// take returns whose watchers have changed since the last take.
func (i *inbox) take() map[bridge.UID]struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.touched) == 0 {
		return nil
	}
	touched := i.touched
	i.touched = map[bridge.UID]struct{}{}
	return touched
}

func (i *inbox) setOpen(open bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.open, i.touched = open, map[bridge.UID]struct{}{}
}
