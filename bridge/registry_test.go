package bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// watchers is a registry and what it told.
type watchers struct {
	*Registry
	mu      sync.Mutex
	watched map[UID]bool
	removed map[UID]time.Time // when last
}

func (w *watchers) changed(d Watches) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, uid := range d.Added {
		w.watched[uid] = true
	}
	for _, uid := range d.Removed {
		delete(w.watched, uid)
		w.removed[uid] = time.Now()
	}
}

// are says whether exactly these users are watched, and told to be.
func (w *watchers) are(uids ...UID) func() bool {
	slices.Sort(uids)
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.Equal(uids, slices.Sorted(maps.Keys(w.watched))) && slices.Equal(uids, slices.Sorted(slices.Values(w.All())))
	}
}

func (w *watchers) goneAt(uid UID) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.removed[uid]
}

func registryAt(t *testing.T, b *Bus) *watchers {
	t.Helper()
	w := &watchers{watched: map[UID]bool{}, removed: map[UID]time.Time{}}
	w.Registry = NewRegistry(b, w.changed)
	inBackground(t, w.Run)
	waitFor(t, w.Ready(), "the registry")
	return w
}

func holderAt(t *testing.T, b *Bus, id string, uids ...UID) (h *Holder, die func()) {
	t.Helper()
	h = NewHolder(b, id)
	h.Watch(uids...)
	return h, inBackground(t, h.Run)
}

func TestTheUnionOfAllHoldersIsWatched(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	h1, _ := holderAt(t, b, "hub-1", "alice", "bob")
	h2, _ := holderAt(t, b, "hub-2", "bob", "carol.c")
	require.Eventually(t, r.are("alice", "bob", "carol.c"), soon, often)
	require.True(t, r.Watched("carol.c"))
	require.False(t, r.Watched("dave"))
	h1.Unwatch("alice", "bob")
	require.Eventually(t, r.are("bob", "carol.c"), soon, often)
	h2.Unwatch("bob")
	h1.Watch("dave")
	require.Eventually(t, r.are("dave", "carol.c"), soon, often)
	late := registryAt(t, b)
	require.True(t, late.are("dave", "carol.c")(), "whoever comes later knows it once ready")
}

func TestAHolderThatDiesIsForgottenAfterItsTTLAndNotBefore(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	_, die := holderAt(t, b, "hub-1", "alice", "bob")
	holderAt(t, b, "hub-2", "bob")
	require.Eventually(t, r.are("alice", "bob"), soon, often)
	die()
	e, err := b.holders.Get(t.Context(), "hub-1")
	require.NoError(t, err)
	require.Eventually(t, r.are("bob"), soon, often)
	lived := r.goneAt("alice").Sub(e.Created())
	require.GreaterOrEqual(t, lived, b.settings.HolderTTL-10*time.Millisecond)
	require.Less(t, lived, b.settings.HolderTTL+8*time.Second)
	require.Zero(t, r.goneAt("bob"), "the other holder lives on, and keeps him")

	require.Eventually(t, func() bool {
		keys, err := keysOf(b.watch)
		return err == nil && r.ForgetTheDead(context.Background()) == nil && slices.Equal(keys, []string{"hub-2.bob"})
	}, soon, often, "only the dead's keys are swept up")
	require.True(t, r.are("bob")())
}

func keysOf(kv jetstream.KeyValue) ([]string, error) {
	keys, err := kv.Keys(context.Background())
	slices.Sort(keys)
	return keys, err
}

func TestAHolderThatLivesKeepsItsUsers(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	holderAt(t, b, "hub-1", "alice")
	require.Eventually(t, r.are("alice"), soon, often)
	first, err := b.holders.Get(t.Context(), "hub-1")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		e, err := b.holders.Get(t.Context(), "hub-1")
		return err == nil && e.Created().Sub(first.Created()) > 2*b.settings.HolderTTL
	}, soon, often)
	require.Zero(t, r.goneAt("alice"))
}

func TestAHolderWhoseKeyExpiredTellsEverythingAgain(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	holderAt(t, b, "hub-1", "alice", "bob")
	require.Eventually(t, r.are("alice", "bob"), soon, often)
	require.NoError(t, b.watch.Delete(t.Context(), "hub-1.alice"))
	require.NoError(t, b.watch.Delete(t.Context(), "hub-1.bob"))
	require.Eventually(t, r.are(), soon, often)
	require.NoError(t, b.holders.Delete(t.Context(), "hub-1"))
	require.Eventually(t, r.are("alice", "bob"), soon, often)
}

func TestAgainWritesWhatTheBucketHasLost(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	h, _ := holderAt(t, b, "hub-1", "alice")
	require.Eventually(t, r.are("alice"), soon, often)
	require.NoError(t, b.watch.Delete(t.Context(), "hub-1.alice"))
	require.Eventually(t, r.are(), soon, often)
	h.Again("alice", "nobody")
	require.Eventually(t, r.are("alice"), soon, often)
}

func TestOddKeysAndOtherAppsWatchNobody(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	put := func(kv jetstream.KeyValue, key, value string) {
		_, err := kv.Put(t.Context(), key, []byte(value))
		require.NoError(t, err)
	}
	put(b.holders, "ours", `{"app":"demo#presence"}`)
	put(b.holders, "anybody", ``)
	put(b.holders, "theirs", `{"app":"demo#other"}`)
	for _, key := range []string{"ours.alice", "anybody.bob", "theirs.carol", "ours.Dave", "ours.a.b", "ours", "ours.=61", "nobody.eve"} {
		put(b.watch, key, "")
	}
	_, err := b.js.Publish(t.Context(), "$KV."+WatchBucket+".*.alice", nil) // no client of a bucket writes this
	require.NoError(t, err)
	r := registryAt(t, b)
	require.True(t, r.are("alice", "bob")())
	put(b.watch, "ours.UPPER", "")
	put(b.watch, "ours.frank", "")
	put(b.holders, "anybody", `{"app":"demo#other"}`)
	require.Eventually(t, r.are("alice", "frank"), soon, often)

	r.mu.Lock()
	r.grace = time.Time{}
	r.mu.Unlock()
	require.NoError(t, r.ForgetTheDead(t.Context()))
	keys, err := keysOf(b.watch)
	require.NoError(t, err)
	require.Contains(t, keys, "theirs.carol", "who lives for another app is not swept up")
	require.NotContains(t, keys, "nobody.eve")
}

// A registry that reads new buckets while a holder is still writing everything again keeps whom it knew.
func TestNewBucketsAreReadWithPatience(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	_, err := b.holders.Put(t.Context(), "hub-1", nil)
	require.NoError(t, err)
	for anew, want := range map[bool][]UID{true: {"alice"}, false: {}} {
		r := NewRegistry(b, nil)
		r.state.seen("hub-1", time.Now())
		r.state.watch("hub-1", "alice", 1)
		r.anew = anew
		inBackground(t, r.Run)
		waitFor(t, r.Ready(), "the registry")
		require.Equal(t, want, r.All())
	}
}

// Both buckets vanish, as with a server that keeps nothing on disk; nobody stops looking at anybody.
func TestBucketsMadeAnewAreNoticed(t *testing.T) {
	t.Parallel()
	b := busAt(t, startServer(t, ServerOptions{}), Settings{InMemory: true, HolderTTL: 9 * time.Second, RoleTTL: time.Second})
	r := registryAt(t, b)
	h, _ := holderAt(t, b, "hub-1", "alice", "bob")
	require.Eventually(t, r.are("alice", "bob"), soon, often)
	deleteStream(t, b.js, "KV_"+HoldersBucket)
	deleteStream(t, b.js, "KV_"+WatchBucket)
	require.Eventually(t, func() bool {
		keys, err := keysOf(b.watch)
		return err == nil && slices.Equal(keys, []string{"hub-1.alice", "hub-1.bob"})
	}, soon, often)
	h.Watch("carol")
	require.Eventually(t, r.are("alice", "bob", "carol"), soon, often)
	require.Zero(t, r.goneAt("alice"))
}

func TestAHolderThatComesBackIsNotSweptUp(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	h, die := holderAt(t, b, "hub-1", "alice")
	require.Eventually(t, r.are("alice"), soon, often)
	die()
	require.Eventually(t, r.are(), soon, often)
	inBackground(t, h.Run)
	require.Eventually(t, r.are("alice"), soon, often)
	require.NoError(t, r.ForgetTheDead(t.Context()))
	keys, err := keysOf(b.watch)
	require.NoError(t, err)
	require.Equal(t, []string{"hub-1.alice"}, keys)
}

// A server that was away for longer than keys live deletes them before their holders can refresh them.
func TestAnOutageIsNoReasonToGiveUpAnybody(t *testing.T) {
	t.Parallel()
	srv, restart := restartable(t)
	open := func() *Bus {
		nc, err := Connect(srv.URL(), "", nil)
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		b, err := Open(t.Context(), nc, demoApp, Settings{HolderTTL: 3 * time.Second}, nil)
		require.NoError(t, err)
		return b
	}
	b := open()
	r := registryAt(t, b)
	holderAt(t, open(), "hub-1", "alice")
	require.Eventually(t, r.are("alice"), soon, often)
	e, err := b.holders.Get(t.Context(), "hub-1")
	require.NoError(t, err)
	srv.Stop()
	require.Eventually(t, func() bool { return time.Since(e.Created()) > 5*time.Second }, soon, often)
	restart()
	require.Eventually(t, func() bool {
		now, err := b.holders.Get(t.Context(), "hub-1")
		return err == nil && now.Revision() > e.Revision()+1
	}, soon, often)
	require.Zero(t, r.goneAt("alice"))
}

// The key of the holder is as it was, so that nothing but the reconnection tells of the loss.
func TestWatchesThatTheServerLostAreWrittenAgain(t *testing.T) {
	t.Parallel()
	srv := newForgetful(t)
	b := busOver(t, srv.URL())
	h, _ := holderAt(t, b, "hub-1", "alice", "bob")
	require.Eventually(t, registryAt(t, b).are("alice", "bob"), soon, often)
	srv.remember()
	r := registryAt(t, busOver(t, srv.URL()))
	require.Eventually(t, b.Connected, soon, often)
	h.Unwatch("alice")
	h.Watch("carol", "dave")
	require.Eventually(t, r.are("bob", "carol", "dave"), soon, often)

	srv.forget()
	require.Eventually(t, func() bool {
		keys, err := keysOf(b.watch)
		return err == nil && slices.Equal(keys, []string{"hub-1.bob", "hub-1.carol", "hub-1.dave"})
	}, 2*soon, often, "a holder writes what was lost")
	require.Eventually(t, r.are("bob", "carol", "dave"), soon, often)
}

// What is written over the lost revisions before a registry is back is not told it.
func TestARegistryReadsAgainWhatTheServerMayHaveLost(t *testing.T) {
	t.Parallel()
	srv := newForgetful(t)
	_, err := busOver(t, srv.URL()).holders.Put(t.Context(), "hub-1", nil)
	require.NoError(t, err)
	srv.remember()
	note := func(uid UID, times int) {
		b := busOver(t, srv.URL())
		for range times {
			_, err := b.watch.Put(t.Context(), "hub-1."+string(uid), nil)
			require.NoError(t, err)
		}
	}
	r := registryAt(t, busOver(t, srv.URL()))
	note("alice", 10)
	require.Eventually(t, r.are("alice"), soon, often)
	srv.forget()
	note("bob", 1)
	note("carol", 10)
	require.Eventually(t, r.are("bob", "carol"), soon, often)
}

func TestTenThousandUsersOfOneHolderArrive(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := registryAt(t, b)
	uids := make([]UID, 10000)
	for i := range uids {
		uids[i] = UID(fmt.Sprintf("user-%05d", i))
	}
	h, _ := holderAt(t, b, "hub-1", uids...)
	require.Eventually(t, func() bool { return len(r.All()) == len(uids) }, 4*soon, 10*often)
	h.Unwatch(uids[1:]...)
	require.Eventually(t, r.are(uids[0]), 4*soon, 10*often)
}

// expired is the mark that the server leaves of a holder's key.
type expired struct{ jetstream.KeyValueEntry }

func (expired) Key() string                     { return "hub-1" }
func (expired) Operation() jetstream.KeyValueOp { return jetstream.KeyValuePurge }

func TestInTheTimeOfGraceADeletionProvesNothing(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r, now := NewRegistry(b, nil), time.Now()
	r.state.seen("hub-1", now)
	r.state.watch("hub-1", "alice", 1)
	b.nc.Close()
	r.giveUpSilent(t.Context(), now) // NATS is away
	later := now.Add(b.settings.HolderTTL)
	require.Empty(t, r.holderEntry(expired{}, later.Add(-1)))
	require.Empty(t, r.silent(later.Add(-1)))
	require.Equal(t, []string{"hub-1"}, r.silent(later.Add(1)), "then it is looked up")
	require.Equal(t, Watches{Removed: []UID{"alice"}}, r.holderEntry(expired{}, later))
}

// TestWatchersAreCountedToWithinAFactorOfTwo: a thousand who come and go one by one are told of by few writes.
func TestWatchersAreCountedToWithinAFactorOfTwo(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	h, r := NewHolder(b, "hub-1"), NewRegistry(b, nil)
	inBackground(t, h.Run)
	inBackground(t, r.Run)
	h.Watch("alice")
	agree := func(n int) {
		h.Weigh("alice", n)
		require.Eventually(t, func() bool {
			is := r.Watchers("alice")
			return (is > 0) == (n > 0) && is <= 2*n && n <= 2*is && r.Watched("alice")
		}, 5*time.Second, time.Millisecond, "%d", n)
	}
	for n := 1; n <= 1000; n++ {
		agree(n)
	}
	for n := 1000; n >= 0; n-- {
		agree(n)
	}
	agree(1)
	status, err := b.watch.Status(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, status.Values())
	e, err := b.watch.Get(t.Context(), "hub-1.alice")
	require.NoError(t, err)
	require.Less(t, e.Revision(), uint64(30), "writes")

	h.Unwatch("alice")
	require.Eventually(t, func() bool { return !r.Watched("alice") && r.Watchers("alice") == 0 }, 5*time.Second, time.Millisecond)
}
