package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// passedOf is how many of a kind were passed over.
func passedOf(b *Bus, kind Passed) int { return int(b.PassedOver()[kind]) }

// TestWhatIsPassedOverIsCountedAndToldInFewWords: a thousand of a kind are a thousand in the counter, and a line.
func TestWhatIsPassedOverIsCountedAndToldInFewWords(t *testing.T) {
	t.Parallel()
	var logged logBuffer
	b, err := Open(t.Context(), connectTo(t, startServer(t, ServerOptions{})), demoApp, quick, logged.logger())
	require.NoError(t, err)
	for _, kind := range passedKinds {
		for range 1000 {
			b.PassOver(kind, strings.Repeat("\xff\x00somewhere", 1000), errors.New(strings.Repeat("long ", 1000)))
		}
	}
	for kind, n := range b.PassedOver() {
		require.EqualValues(t, 1000, n, kind)
		require.Equal(t, 1, countLines(logged.String(), "what="+string(kind)), kind)
	}
	require.Len(t, b.PassedOver(), len(passedKinds))
	require.Less(t, len(logged.String()), len(passedKinds)*2000)
}

// garbage is what anybody may write anywhere. empty and object are what some places may have: there every field may be
// left out, and those of the future are for readers of the future.
type garbage struct {
	name          string
	data          []byte
	empty, object bool
}

func allGarbage(b *Bus) []garbage {
	most := int(b.nc.MaxPayload()) - 1024
	return []garbage{
		{name: "nothing", empty: true},
		{name: "foreign JSON", data: []byte(`{"hello":"world"}`), object: true},
		{name: "null", data: []byte(`null`), object: true},
		{name: "a list", data: []byte(`[{"uid":"alice"}]`)},
		{name: "text", data: []byte("hello")},
		{name: "a wrong type", data: []byte(`{"uid":1,"observed_at":"1","app":5,"watchers":"many","operator":[],"until":"1","state":7}`)},
		{name: "truncated", data: []byte(`{"uid":"alice","online":tr`)},
		{name: "a number out of range", data: []byte(`{"observed_at":1e999,"watchers":1e300,"until":1e300,"as_of":1e300,"app":1,"uid":1}`)},
		{name: "a long number", data: []byte(`{"watchers":1` + strings.Repeat("0", 100_000) + `,"observed_at":1` + strings.Repeat("0", 100_000) + `,"app":1}`)},
		{name: "NUL", data: []byte("{\x00\x00}")},
		{name: "not UTF-8", data: []byte("\xff\xfe\xfd")},
		{name: "deep", data: bytes.Repeat([]byte("["), most)},
		{name: "deep objects", data: bytes.Repeat([]byte(`{"a":`), 20_000)},
		{name: "huge", data: bytes.Repeat([]byte{'x'}, most)},
		{name: "huge zeros", data: make([]byte, most)},
	}
}

// oddTokens are those that are no name of a user.
var oddTokens = []string{"UPPER", "=61", "=GG", "a=2", "=", "a=", "ünï", "a\x00b", "=2E", strings.Repeat("a", 65), strings.Repeat("=2D", 500)}

// write publishes what no client of a bucket would.
func write(t *testing.T, b *Bus, subject string, data []byte) {
	t.Helper()
	_, err := b.js.Publish(t.Context(), subject, data)
	require.NoError(t, err, subject)
}

// TestGarbageInTheBucketsIsPassedOverOneByOne: each piece is counted once, and nobody who is watched is let go.
func TestGarbageInTheBucketsIsPassedOverOneByOne(t *testing.T) {
	t.Parallel()
	b := busAt(t, startServer(t, ServerOptions{}), patient)
	r := registryAt(t, b)
	ledger := &books{m: map[UID]Subscription{}}
	inBackground(t, func(ctx context.Context) error { return b.FollowLedger(ctx, ledger.changed) })
	holderAt(t, b, "hub-1", "alice")
	require.Eventually(t, r.are("alice"), soon, often)
	svc := Subscription{Operator: "svc-1", Until: 1000}
	require.NoError(t, b.Subscribed(t.Context(), "alice", svc))

	watched, expect := []UID{"alice"}, map[Passed]int{}
	counted := func(kind Passed, name string) {
		t.Helper()
		require.Eventually(t, func() bool { return passedOf(b, kind) == expect[kind] }, soon, often, "%s: %s", kind, name)
	}
	for i, g := range allGarbage(b) {
		lenient := g.empty || g.object
		if !lenient {
			expect[PassedHolder]++
			expect[PassedWatch]++
		}
		expect[PassedLedger]++
		uid := UID(fmt.Sprint("of-garbage-", i))
		watched = append(watched, uid)
		write(t, b, "$KV.presence_holders.hub-1", g.data)
		counted(PassedHolder, g.name)
		write(t, b, "$KV.presence_watch.hub-1."+string(uid), g.data)
		counted(PassedWatch, g.name)
		write(t, b, "$KV.presence_subscriptions.alice", g.data)
		counted(PassedLedger, g.name)
	}
	for _, token := range oddTokens {
		expect[PassedWatch]++
		expect[PassedLedger]++
		write(t, b, "$KV.presence_watch.hub-1."+token, nil)
		counted(PassedWatch, token)
		write(t, b, "$KV.presence_subscriptions."+token, []byte(`{"operator":"svc-1","until":1000}`))
		counted(PassedLedger, token)
	}
	for _, key := range []string{"hub-1", "hub-1.a.b", "*.bob", "*", "ünï.bob", "a\x00b.bob"} {
		expect[PassedWatch]++
		write(t, b, "$KV.presence_watch."+key, nil)
		counted(PassedWatch, key)
	}
	for _, key := range []string{"a.b", "*", "ünï", "a\x00b"} {
		expect[PassedHolder]++
		write(t, b, "$KV.presence_holders."+key, nil)
		counted(PassedHolder, key)
	}
	require.Eventually(t, r.are(watched...), soon, often, "what cannot be read is one who watches")
	require.Zero(t, r.goneAt("alice"))
	require.Equal(t, 1, r.Watchers("alice"))
	require.True(t, ledger.are(map[UID]Subscription{"alice": svc})())
}

// TestKeysThatCannotBeReadAreSweptUpWithTheirHolder: who has died is nobody whose keys somebody may still understand.
func TestKeysThatCannotBeReadAreSweptUpWithTheirHolder(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	holderAt(t, b, "hub-1", "alice")
	for _, key := range []string{"dead.UPPER", "dead.a.b", "dead", "dead-too", "dead-too.=61", "hub-1.UPPER", "hub-1"} {
		_, err := b.watch.Put(t.Context(), key, nil)
		require.NoError(t, err)
	}
	write(t, b, "$KV.presence_watch.*.alice", nil) // to purge this subject would be to purge alice everywhere
	r := registryAt(t, b)
	require.Eventually(t, r.are("alice"), soon, often)
	r.mu.Lock()
	r.grace = time.Time{}
	r.mu.Unlock()
	require.NoError(t, r.ForgetTheDead(t.Context()))
	keys, err := keysOf(b.watch)
	require.NoError(t, err)
	require.Equal(t, []string{"*.alice", "hub-1", "hub-1.UPPER", "hub-1.alice"}, keys)
	require.True(t, r.are("alice")())
}

// TestGarbageInTheLogIsPassedOverOneByOne: each piece is counted, and whoever is written about properly arrives.
func TestGarbageInTheLogIsPassedOverOneByOne(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := &recorder{}
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, r) })
	require.Eventually(t, r.caughtUp(1), soon, often)
	bad := [][2]string{}
	for _, g := range allGarbage(b) {
		bad = append(bad, [2]string{"alice", string(g.data)})
	}
	for _, token := range oddTokens {
		bad = append(bad, [2]string{token, string(encoded(t, change("alice", "")))})
	}
	for _, odd := range []Change{
		{UID: "alice"}, {UID: "bob", ObservedAt: 1}, {UID: "alice", ObservedAt: latest + 1}, {UID: "alice", ObservedAt: -1},
		{UID: "alice", ObservedAt: 1, NotBefore: 2}, {UID: "alice", ObservedAt: 1, State: State{Ext: strings.Repeat("x", maxChange)}},
	} {
		bad = append(bad, [2]string{"alice", string(encoded(t, odd))})
	}
	for i, m := range bad {
		write(t, b, subjectPrefix+demoApp.Tokens()+"."+m[0], []byte(m[1]))
		require.Eventually(t, func() bool { return passedOf(b, PassedLog) == i+1 }, soon, often, "%d: %.40q", i, m)
	}
	foreign(t, b, "alice", encoded(t, change("alice", "at last")))
	require.Eventually(t, r.has("alice", uint64(len(bad)+1)), soon, often)
	uids, _, _, _ := r.got()
	require.Equal(t, []UID{"alice"}, uids)
}

// TestGarbageOnFeedAndHintsIsPassedOverOneByOne: each piece is counted but the empty one, which proves a permission.
func TestGarbageOnFeedAndHintsIsPassedOverOneByOne(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	feeds, hints := make(chan Feed, 16), make(chan Hint, 16)
	_, err := b.SubscribeFeed(func(f Feed) { feeds <- f })
	require.NoError(t, err)
	_, err = b.SubscribeHints(func(h Hint) { hints <- h })
	require.NoError(t, err)
	bad := [][]byte{
		[]byte(`{"state":"live","as_of":-1}`), []byte(`{"state":"live","as_of":9223372036854775807}`), []byte(`{"state":"live","watched":-1}`),
		[]byte(`{"state":"` + strings.Repeat("x", 100_000) + `"}`), []byte(`{"uid":"alice","source":"poll"}`), []byte(`{"uid":"a b","source":"hint"}`),
	}
	for _, g := range allGarbage(b) {
		bad = append(bad, g.data)
	}
	for _, data := range bad {
		require.NoError(t, b.nc.Publish(demoApp.FeedSubject(), data))
		require.NoError(t, b.nc.Publish(demoApp.HintSubject(), data))
	}
	require.NoError(t, b.PublishFeed(Feed{State: FeedLive, AsOf: 1, Reason: strings.Repeat("€", maxReason)}))
	require.NoError(t, b.PublishHint(Hint{UID: "alice", Source: SourceHint}))
	f := <-feeds
	require.Equal(t, strings.Repeat("€", maxReason/3), f.Reason, "every browser is sent it")
	require.Equal(t, Hint{UID: "alice", Source: SourceHint}, <-hints)
	require.Equal(t, len(bad)-1, passedOf(b, PassedFeed))
	require.Equal(t, len(bad)-1, passedOf(b, PassedHint))
	require.Empty(t, feeds)
	require.Empty(t, hints)
}

// TestAHolderOfTooManyIsBoundedAndNobodyElse: those beyond count for nothing, and are found when there is room again.
func TestAHolderOfTooManyIsBoundedAndNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	r := &watchers{watched: map[UID]bool{}, removed: map[UID]time.Time{}}
	r.Registry = NewRegistry(b, r.changed)
	r.state.most = 80
	inBackground(t, r.Run)
	holderAt(t, b, "modest", "alice")
	greedy, _ := holderAt(t, b, "greedy", numbered(200)...)
	require.Eventually(t, func() bool { return passedOf(b, PassedSurplus) == 120 }, soon, often)
	require.Len(t, r.All(), 81)
	require.True(t, r.Watched("alice"))

	greedy.Unwatch(numbered(130)...)
	left := append([]UID{"alice"}, numbered(200)[130:]...)
	require.Eventually(t, r.are(left...), soon, often, "70 are left, and all are found")
	require.Zero(t, r.goneAt("alice"))
}

func numbered(n int) []UID {
	uids := make([]UID, n)
	for i := range uids {
		uids[i] = UID(fmt.Sprintf("user-%07d", i))
	}
	return uids
}

func TestWhoIsWatchedAlreadyIsNoSurplus(t *testing.T) {
	u := newUnion()
	u.most = 2
	put := func(key string) error { _, err := u.watchEntry(entryOf{key, jetstream.KeyValuePut}); return err }
	require.NoError(t, put("h.a"))
	require.NoError(t, put("h.b"))
	require.ErrorIs(t, put("h.c"), errSurplus)
	require.NoError(t, put("h.b"))
	require.NoError(t, put("other.c"), "each has its own room")
	_, err := u.watchEntry(entryOf{"h.a", jetstream.KeyValueDelete})
	require.NoError(t, err)
	require.True(t, u.roomAgain("h"))
	require.False(t, u.roomAgain("other"), "who never had too many missed nobody")
	require.NoError(t, put("h.c"))
	require.ErrorIs(t, put("h.a"), errSurplus)
}

// entryOf is a key with no value.
type entryOf struct {
	key string
	op  jetstream.KeyValueOp
}

func (e entryOf) Key() string                     { return e.key }
func (e entryOf) Operation() jetstream.KeyValueOp { return e.op }
func (entryOf) Bucket() string                    { return WatchBucket }
func (entryOf) Value() []byte                     { return nil }
func (entryOf) Revision() uint64                  { return 1 }
func (entryOf) Created() time.Time                { return time.Time{} }
func (entryOf) Delta() uint64                     { return 0 }
