package bridge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Holding is what a holder says of itself in the bucket of holders. An empty one counts for every app.
type Holding struct {
	App  string `json:"app,omitempty"`  // org#app whose users it watches
	Sets bool   `json:"sets,omitempty"` // it sets presences at the vendor, and shares the budget for that with others who do
}

// Registry is the union of what all live holders watch, as the poller and the keeper see it. All methods may
// be called at once by many.
type Registry struct {
	bus     *Bus
	changed func(Watches)
	ready   chan struct{}
	anew    bool // the buckets were made anew and not read since; owned by Run

	mu    sync.Mutex
	state *union
	grace time.Time // nobody is given up before: after an outage holders have yet to say that they live
}

// NewRegistry makes a registry that knows nobody yet. changed is called, one call at a time, with what has changed of
// who is watched; nil when nobody wants to know.
func NewRegistry(b *Bus, changed func(Watches)) *Registry {
	if changed == nil {
		changed = func(Watches) {}
	}
	return &Registry{bus: b, changed: changed, ready: make(chan struct{}), state: newUnion()}
}

// Ready is closed when everything that was in the buckets at start is known.
func (r *Registry) Ready() <-chan struct{} { return r.ready }

// Watched says whether anybody watches the user.
func (r *Registry) Watched(uid UID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.demands[uid].holders > 0
}

// Watchers is how many look at the user now, to within a factor of two: browsers, and backends; 0 where the user is but
// kept for those who may come back.
func (r *Registry) Watchers(uid UID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.demands[uid].watchers
}

// All lists everybody who is watched, in no order.
func (r *Registry) All() []UID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.all()
}

// Run follows the buckets until ctx is done, through outages.
func (r *Registry) Run(ctx context.Context) error {
	for {
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		r.anew = r.anew || errors.Is(err, errOtherStream)
		r.bus.warn("following the watch registry begins anew", err)
		if pause(ctx, followRetry) != nil {
			return nil
		}
	}
}

// follow reads both buckets and then their changes. What was known before stays until the buckets say
// otherwise: an outage of NATS is no reason to stop looking at anybody.
func (r *Registry) follow(ctx context.Context) error {
	holders, err := r.bus.watchBucket(ctx, r.bus.settings.holdersBucket())
	if err != nil {
		return err
	}
	watches, err := r.bus.watchBucket(ctx, r.bus.settings.watchBucket())
	if err != nil {
		holders.stop()
		return err
	}
	defer stopWatches(holders, watches)
	fresh := r.state.blank()
	if r.anew { // holders are about to write everything again
		r.bequeath(fresh)
	}
	if err := holders.fill(ctx, func(e jetstream.KeyValueEntry) {
		_, err := fresh.holderEntry(e, r.bus.app, time.Now())
		r.passOver(PassedHolder, e, err)
	}); err != nil {
		return err
	}
	if err := watches.fill(ctx, func(e jetstream.KeyValueEntry) {
		_, err := fresh.watchEntry(e)
		r.passOver(PassedWatch, e, err)
	}); err != nil {
		return err
	}
	r.replace(fresh)
	r.anew = false
	return r.keepUp(ctx, holders, watches)
}

// keepUp applies what happens in both buckets, and gives up holders who have fallen silent.
func (r *Registry) keepUp(ctx context.Context, holders, watches *bucketWatch) error {
	silence, identity := time.NewTicker(time.Second), time.NewTicker(identityCheck)
	defer silence.Stop()
	defer identity.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-holders.Updates():
			if !ok {
				return errWatchEnded
			}
			r.update(func(now time.Time) Watches { return r.holderEntry(e, now) })
		case e, ok := <-watches.Updates():
			if !ok {
				return errWatchEnded
			}
			r.update(func(time.Time) Watches { return r.watchEntry(e) })
			if r.roomAgain(e) {
				return errRoomAgain
			}
		case now := <-silence.C:
			r.giveUpSilent(ctx, now)
		case <-identity.C:
			if err := cmp.Or(holders.doubt(ctx), watches.doubt(ctx)); err != nil {
				return err
			}
		}
	}
}

func (r *Registry) update(apply func(now time.Time) Watches) {
	r.mu.Lock()
	d := apply(time.Now())
	r.mu.Unlock()
	r.tell(d)
}

func (r *Registry) bequeath(fresh *union) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh.inherit(r.state, time.Now())
}

// holderEntry applies an entry of the bucket of holders. Keys that expired while NATS was away are deleted
// before their holders can refresh them, so in the time of grace a deletion proves nothing: giveUpSilent will
// look the key up. The caller holds mu.
func (r *Registry) holderEntry(e jetstream.KeyValueEntry, now time.Time) Watches {
	if e.Operation() != jetstream.KeyValuePut && now.Before(r.grace) {
		return Watches{}
	}
	d, err := r.state.holderEntry(e, r.bus.app, now)
	r.passOver(PassedHolder, e, err)
	return d
}

// watchEntry applies an entry of the bucket of watches. The caller holds mu.
func (r *Registry) watchEntry(e jetstream.KeyValueEntry) Watches {
	d, err := r.state.watchEntry(e)
	r.passOver(PassedWatch, e, err)
	return d
}

func (r *Registry) passOver(kind Passed, e jetstream.KeyValueEntry, err error) {
	switch {
	case err == nil:
	case errors.Is(err, errSurplus):
		r.bus.PassOver(PassedSurplus, e.Key(), err)
	default:
		r.bus.PassOver(kind, e.Key(), err)
	}
}

var errRoomAgain = errors.New("a holder watches fewer than before, and perhaps others whom it had no room for")

// roomAgain says whether the entry has made its holder one whose watches are worth reading again.
func (r *Registry) roomAgain(e jetstream.KeyValueEntry) bool {
	if e == nil || e.Operation() == jetstream.KeyValuePut {
		return false
	}
	holder, _, _ := splitWatchKey(e.Key())
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.roomAgain(holder)
}

// replace puts a freshly read union in place and tells the difference. Holders who lived and are not in it
// have the time of grace to say that they live.
func (r *Registry) replace(fresh *union) {
	r.mu.Lock()
	fresh.inherit(r.state, time.Now())
	d := r.state.differenceTo(fresh)
	r.state, r.grace = fresh, time.Now().Add(r.bus.settings.HolderTTL)
	r.mu.Unlock()
	r.tell(d)
	select {
	case <-r.ready:
	default:
		close(r.ready)
	}
}

func (r *Registry) tell(d Watches) {
	if len(d.Added)+len(d.Removed)+len(d.Weighed) > 0 {
		r.changed(d)
	}
}

// deadFor is for how many lifetimes of a holder's key its watches are noted after its death. Whoever sweeps them
// out of the bucket needs them for less than two.
const deadFor = 4

// giveUpSilent forgets the holders whose keys have expired. Expiry by age sends no message where the server
// is old, so whoever is silent for too long is looked up: the key is the truth, not our clock.
func (r *Registry) giveUpSilent(ctx context.Context, now time.Time) {
	if !r.bus.Connected() {
		r.mu.Lock()
		r.grace = now.Add(r.bus.settings.HolderTTL)
		r.mu.Unlock()
		return
	}
	for _, holder := range r.silent(now) {
		_, err := r.bus.holders.Get(ctx, holder)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			r.update(func(time.Time) Watches { return r.state.gone(holder) })
		case err == nil:
			r.update(func(now time.Time) Watches { return r.state.seen(holder, now) })
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.prune(now, deadFor*r.bus.settings.HolderTTL)
}

func (r *Registry) silent(now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.grace) {
		return nil
	}
	return r.state.silentSince(now.Add(-r.bus.settings.HolderTTL))
}

// ForgetTheDead takes the watches of holders who are gone out of the bucket. It is the active poller's to
// call, now and then.
func (r *Registry) ForgetTheDead(ctx context.Context) error {
	r.mu.Lock()
	dead := r.state.dead()
	if time.Now().Before(r.grace) {
		dead = nil
	}
	r.mu.Unlock()
	if len(dead) == 0 {
		return nil
	}
	stream, err := r.bus.js.Stream(ctx, "KV_"+WatchBucket)
	if err != nil {
		return fmt.Errorf("forgetting dead holders: %w", err)
	}
	// Taken before anybody is looked up: what a holder who comes back writes from then on has a later sequence.
	before := jetstream.WithPurgeSequence(stream.CachedInfo().State.LastSeq + 1)
	for _, holder := range dead {
		if _, err := r.bus.holders.Get(ctx, holder); !errors.Is(err, jetstream.ErrKeyNotFound) {
			continue
		}
		for _, keys := range []string{holder + ".>", holder} { // the other one is nobody's watch, but is in the way
			if err := stream.Purge(ctx, jetstream.WithPurgeSubject("$KV."+WatchBucket+"."+keys), before); err != nil {
				return fmt.Errorf("forgetting the dead holder %s: %w", holder, err)
			}
		}
		r.mu.Lock()
		r.state.buried(holder)
		r.mu.Unlock()
	}
	return nil
}

// holderName is what a client of a bucket takes for one token of a key.
var holderName = regexp.MustCompile(`^[-/_=a-zA-Z0-9]+$`)

// splitWatchKey reads <holder>.<uid token>. holder is empty where no holder can have the name.
func splitWatchKey(key string) (holder string, uid UID, err error) {
	holder, token, ok := strings.Cut(key, ".")
	if !holderName.MatchString(holder) {
		return "", "", errHolderName
	}
	if !ok {
		return holder, "", errors.New("a key of a watch is <holder>.<uid>")
	}
	uid, err = uidFromToken(token)
	return holder, uid, err
}

// ofApp says whether a holder's entry speaks of this app. One that cannot be read counts for every app: who took its
// holder for dead would let go of users for the sake of somebody else's mistake.
func ofApp(value []byte, app App) (bool, error) {
	var h Holding
	if len(value) == 0 {
		return true, nil
	}
	if err := json.Unmarshal(value, &h); err != nil {
		return true, fmt.Errorf("decoding what a holder says of itself: %w", err)
	}
	return h.App == "" || h.App == app.String(), nil
}
