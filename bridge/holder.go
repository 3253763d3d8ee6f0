package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

const (
	holderRetry = 500 * time.Millisecond
	weighAfter  = 100 * time.Millisecond // so that a crowd that comes is told of a few times, and not at each doubling
	weighAtOnce = 50                     // numbers told then: they are a hint, and may not hold up what is news
)

// Holder is one who watches, as a hub does for its browsers: it says that it lives, and whom it watches. When
// it stops, or its process dies, its watches go on until its key expires, so that browsers who come back to
// another hub find their users still looked at.
//
// Watch and Unwatch only note what is wanted and may be called by many at once; Run brings the bucket there.
type Holder struct {
	bus  *Bus
	id   string
	sets bool

	mu      sync.Mutex
	wanted  map[UID]*want
	dirty   map[UID]bool // wanted differs from the bucket, or might
	weighed map[UID]bool // of wanted: the number in the bucket is far from what it is
	wake    chan struct{}

	revision uint64 // of our key in the bucket of holders; owned by Run, then by stayAlive
	epoch    uint64 // of the connection when the bucket of watches was last known to be ours; owned likewise
}

// want is what a holder wants of a user.
type want struct{ watchers, told int } // who look at the user through us; the number in the bucket

// Watch is an entry of the bucket of watches. One without a value counts as one watcher.
type Watch struct {
	Watchers int `json:"watchers"` // who look at the user through this holder now; 0: the user is kept for those who may come back
}

// maxWatchers is as many as anybody believes a holder to have: nobody takes all looks by a number that they write.
const maxWatchers = 1_000_000

// watchersIn reads an entry's value. What cannot be read is somebody who watches.
func watchersIn(value []byte) (int, error) {
	w := Watch{Watchers: 1}
	if len(value) == 0 {
		return 1, nil
	}
	if err := json.Unmarshal(value, &w); err != nil {
		return 1, fmt.Errorf("decoding a watch: %w", err)
	}
	return min(max(w.Watchers, 0), maxWatchers), nil
}

// NewHolder makes a holder. The id is one token, unique among all who watch.
func NewHolder(b *Bus, id string) *Holder {
	return &Holder{bus: b, id: id, wanted: map[UID]*want{}, dirty: map[UID]bool{}, weighed: map[UID]bool{}, wake: make(chan struct{}, 1)}
}

// ID is the holder's.
func (h *Holder) ID() string { return h.id }

// Sets notes that this holder sets presences, for [Bus.Setters] of others. It is for before Run.
func (h *Holder) Sets() { h.sets = true }

// Watch notes that these users are to be looked at, each by one watcher so far.
func (h *Holder) Watch(uids ...UID) { h.want(true, uids) }

// Weigh notes how many look at a user now who is to be looked at. The bucket is told, soon, and in a storm of newcomers
// later, where they are twice as many as it says, or half of that, and where there are none, or some again.
func (h *Holder) Weigh(uid UID, watchers int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.wanted[uid]
	if w == nil || w.watchers == watchers {
		return
	}
	if w.watchers = watchers; w.untold() {
		h.weighed[uid] = true
		h.nudge()
	}
}

func (w *want) untold() bool {
	return w.watchers >= 2*w.told && w.watchers > 0 || 2*w.watchers <= w.told && w.told > 0
}

// Unwatch notes that these users are no longer wanted by this holder.
func (h *Holder) Unwatch(uids ...UID) { h.want(false, uids) }

// Again notes that the bucket may have lost these watches, where they are wanted still.
func (h *Holder) Again(uids ...UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, uid := range uids {
		if h.wanted[uid] != nil {
			h.dirty[uid] = true
		}
	}
	h.nudge()
}

func (h *Holder) want(wanted bool, uids []UID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, uid := range uids {
		if (h.wanted[uid] != nil) == wanted {
			continue
		}
		h.dirty[uid] = true
		if wanted {
			h.wanted[uid] = &want{watchers: 1}
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
	h.epoch = h.bus.epoch()
	h.announce(ctx)
	var beat sync.WaitGroup
	beat.Go(func() { h.stayAlive(ctx) })
	defer beat.Wait()
	var settled <-chan time.Time // nil: nobody's number waits
	for {
		var retry <-chan time.Time
		if err := h.flush(ctx); err != nil && ctx.Err() == nil {
			h.bus.warn("noting who is watched", err, "again_in", holderRetry)
			h.bus.mend(ctx, h.bus.settings.watchBucket(), err)
			retry = time.After(holderRetry)
		}
		if settled == nil && h.unsettled() {
			settled = time.After(weighAfter)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-h.wake:
		case <-retry:
		case <-settled:
			settled = nil
			h.settle()
		}
	}
}

func (h *Holder) unsettled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.weighed) > 0
}

// settle has the bucket told of some of those whose number is still far from what it says.
func (h *Holder) settle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for uid := range h.weighed {
		delete(h.weighed, uid)
		if w := h.wanted[uid]; w == nil || !w.untold() {
			continue
		}
		h.dirty[uid] = true
		if n++; n == weighAtOnce {
			return
		}
	}
}

// stayAlive refreshes our key beside the writing of watches, which may take longer than the key lives.
func (h *Holder) stayAlive(ctx context.Context) {
	refresh, doubt := time.NewTicker(h.bus.settings.HolderTTL/3), time.NewTicker(doubtEvery)
	defer refresh.Stop()
	defer doubt.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-refresh.C:
			h.announce(ctx)
		case <-doubt.C:
			h.compare(ctx)
		}
	}
}

// announce says that we live. Should our key have expired, or never been there, somebody may have swept up our
// watches, so they are all written again.
func (h *Holder) announce(ctx context.Context) {
	value, _ := json.Marshal(Holding{App: h.bus.app.String(), Sets: h.sets})
	lived := h.revision > 0
	revision, err := h.bus.holders.Update(ctx, h.id, value, h.revision)
	if err != nil {
		lived = false
		h.bus.mend(ctx, h.bus.settings.holdersBucket(), err)
		if revision, err = h.bus.holders.Put(ctx, h.id, value); err != nil {
			if ctx.Err() == nil {
				h.bus.warn("telling that this holder lives", err)
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
