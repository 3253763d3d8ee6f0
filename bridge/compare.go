package bridge

import (
	"context"
	"fmt"
	"time"
)

// doubtEvery is how often a holder asks whether NATS was away. It is to be sooner than a registry that reads the bucket
// anew, so that nobody is given up in between.
const doubtEvery = time.Second

// compare looks, once NATS was away, whether the bucket holds whom we watch and nobody else: a server that comes back
// may have lost what it was told last. What differs is written again. Where it fails it is for the next time.
func (h *Holder) compare(ctx context.Context) {
	epoch := h.bus.epoch()
	if epoch == h.epoch {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, h.bus.settings.HolderTTL/3)
	defer cancel()
	noted, err := h.noted(ctx)
	if err != nil || h.bus.epoch() != epoch { // that may not have been all
		return
	}
	h.epoch = epoch
	h.differ(noted)
}

// noted is whom the bucket has us watch.
func (h *Holder) noted(ctx context.Context) (map[UID]bool, error) {
	keys, err := h.bus.watch.ListKeysFiltered(ctx, h.id+".>")
	if err != nil {
		return nil, fmt.Errorf("listing our watches: %w", err)
	}
	noted := map[UID]bool{}
	for key := range keys.Keys() {
		if _, uid, err := splitWatchKey(key); err == nil {
			noted[uid] = true
		}
	}
	return noted, ctx.Err()
}

// differ notes what is to be written where others are noted than are wanted.
func (h *Holder) differ(noted map[UID]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for uid := range noted {
		if h.wanted[uid] == nil {
			h.dirty[uid] = true
		}
	}
	for uid := range h.wanted {
		if !noted[uid] {
			h.dirty[uid] = true
		}
	}
	h.nudge()
}
