package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

const (
	registryWrites = 64 // writes of watches under way at once
	holderRetry    = 500 * time.Millisecond
)

// Holder is one who watches, as a hub does for its browsers: it says that it lives, and whom it watches. When
// it stops, or its process dies, its watches go on until its key expires, so that browsers who come back to
// another hub find their users still looked at.
//
// Watch and Unwatch only note what is wanted and may be called by many at once; Run brings the bucket there.
type Holder struct {
	bus *Bus
	id  string

	mu     sync.Mutex
	wanted map[UID]bool
	dirty  map[UID]bool // wanted differs from the bucket, or might
	wake   chan struct{}

	revision uint64 // of our key in the bucket of holders; owned by Run, then by stayAlive
}

// NewHolder makes a holder. The id is one token, unique among all who watch.
func NewHolder(b *Bus, id string) *Holder {
	return &Holder{bus: b, id: id, wanted: map[UID]bool{}, dirty: map[UID]bool{}, wake: make(chan struct{}, 1)}
}

// Watch notes that these users are to be looked at.
func (h *Holder) Watch(uids ...UID) { h.want(true, uids) }

// Unwatch notes that these users are no longer wanted by this holder.
func (h *Holder) Unwatch(uids ...UID) { h.want(false, uids) }

// Again notes that the bucket may have lost these watches, where they are wanted still.
func (h *Holder) Again(uids ...UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, uid := range uids {
		if h.wanted[uid] {
			h.dirty[uid] = true
		}
	}
	h.nudge()
}

func (h *Holder) want(wanted bool, uids []UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, uid := range uids {
		if h.wanted[uid] == wanted {
			continue
		}
		h.dirty[uid] = true
		if wanted {
			h.wanted[uid] = true
		} else {
			delete(h.wanted, uid)
		}
	}
	h.nudge()
}

func (h *Holder) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Run keeps the holder alive and its watches in the bucket, until ctx is done.
func (h *Holder) Run(ctx context.Context) error {
	h.announce(ctx)
	var beat sync.WaitGroup
	beat.Go(func() { h.stayAlive(ctx) })
	defer beat.Wait()
	for {
		var retry <-chan time.Time
		if err := h.flush(ctx); err != nil && ctx.Err() == nil {
			h.bus.log.Warn("noting who is watched", "error", err, "again_in", holderRetry)
			h.bus.mend(ctx, h.bus.settings.watchBucket(), err)
			retry = time.After(holderRetry)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		case <-retry:
		}
	}
}

// stayAlive refreshes our key beside the writing of watches, which may take longer than the key lives.
func (h *Holder) stayAlive(ctx context.Context) {
	refresh := time.NewTicker(h.bus.settings.HolderTTL / 3)
	defer refresh.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-refresh.C:
			h.announce(ctx)
		}
	}
}

// announce says that we live. Should our key have expired, or never been there, somebody may have swept up our
// watches, so they are all written again.
func (h *Holder) announce(ctx context.Context) {
	value, _ := json.Marshal(Holding{App: h.bus.app.String()})
	lived := h.revision > 0
	revision, err := h.bus.holders.Update(ctx, h.id, value, h.revision)
	if err != nil {
		lived = false
		h.bus.mend(ctx, h.bus.settings.holdersBucket(), err)
		if revision, err = h.bus.holders.Put(ctx, h.id, value); err != nil {
			if ctx.Err() == nil {
				h.bus.log.Warn("telling that this holder lives", "error", err)
			}
			return
		}
	}
	h.revision = revision
	if !lived {
		h.allDirty()
	}
}

func (h *Holder) allDirty() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for uid := range h.wanted {
		h.dirty[uid] = true
	}
	h.nudge()
}

// flush writes what is dirty, many at once. What could not be written stays dirty.
func (h *Holder) flush(ctx context.Context) error {
	h.mu.Lock()
	todo := h.dirty
	h.dirty = map[UID]bool{}
	h.mu.Unlock()
	var writes errgroup.Group
	writes.SetLimit(registryWrites)
	for uid := range todo {
		writes.Go(func() error {
			err := h.write(ctx, uid)
			if err != nil {
				h.mu.Lock()
				h.dirty[uid] = true
				h.mu.Unlock()
			}
			return err
		})
	}
	return writes.Wait()
}

// write brings one key to what is wanted now, which may be newer than what made it dirty.
func (h *Holder) write(ctx context.Context, uid UID) error {
	h.mu.Lock()
	wanted := h.wanted[uid]
	h.mu.Unlock()
	key := h.id + "." + EncodeToken(string(uid))
	if wanted {
		if _, err := h.bus.watch.Put(ctx, key, nil); err != nil {
			return fmt.Errorf("noting that %s is watched: %w", uid, err)
		}
		return nil
	}
	if err := h.bus.watch.Purge(ctx, key, jetstream.PurgeTTL(markersFor)); err != nil {
		return fmt.Errorf("noting that %s is not watched: %w", uid, err)
	}
	return nil
}
