package bridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// streamNames lists everything there is, the streams beneath buckets among it.
func streamNames(t *testing.T, nc *nats.Conn) (names []string) {
	t.Helper()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	for name := range js.StreamNames(t.Context()).Name() {
		names = append(names, name)
	}
	return names
}

func TestLookingMakesNothing(t *testing.T) {
	t.Parallel()
	nc := connectTo(t, startServer(t, ServerOptions{}))
	i, err := Inspect(t.Context(), nc, quick)
	require.NoError(t, err)
	require.Equal(t, Inspection{Stream: Part{Name: StreamName, Missing: true}, Buckets: []Part{
		{Name: WatchBucket, Missing: true}, {Name: HoldersBucket, Missing: true},
		{Name: SubscriptionsBucket, Missing: true}, {Name: RolesBucket, Missing: true}, {Name: LeasesBucket, Missing: true},
		{Name: LearnedBucket, Missing: true},
	}}, i)
	c, err := Count(t.Context(), nc, demoApp)
	require.NoError(t, err)
	require.Equal(t, Census{Subscribed: map[string]int{}}, c)
	require.Empty(t, streamNames(t, nc))
}

func TestWhatOpenMadeIsFoundToBeRight(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	before := time.Now()
	i, err := Inspect(t.Context(), b.nc, quick)
	require.NoError(t, err)
	require.Equal(t, Part{Name: StreamName, Replicas: 1}, i.Stream)
	require.Equal(t, []Part{{Name: WatchBucket, Replicas: 1}, {Name: HoldersBucket, Replicas: 1},
		{Name: SubscriptionsBucket, Replicas: 1}, {Name: RolesBucket, Replicas: 1},
		{Name: LeasesBucket, Replicas: 1}, {Name: LearnedBucket, Missing: true}}, i.Buckets)
	require.False(t, i.Asked.Before(before))
	require.WithinRange(t, i.Clock, i.Asked, i.Answered, "the server is in this process and has the same clock")

	require.NoError(t, b.SaveLearned(t.Context(), []byte("something")))
	i, err = Inspect(t.Context(), b.nc, quick)
	require.NoError(t, err)
	require.Equal(t, Part{Name: LearnedBucket, Replicas: 1}, i.Buckets[5])
}

func TestInspectTellsWhatOpenWouldRefuse(t *testing.T) {
	t.Parallel()
	nc := connectTo(t, startServer(t, ServerOptions{}))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: StreamName, Subjects: []string{StreamSubjects},
		MaxMsgsPerSubject: 3, Storage: jetstream.MemoryStorage})
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KV_" + WatchBucket, Storage: jetstream.MemoryStorage})
	require.NoError(t, err)
	for _, bucket := range []string{RolesBucket, LearnedBucket} {
		_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: bucket, TTL: time.Hour})
		require.NoError(t, err)
	}

	i, err := Inspect(t.Context(), nc, quick)
	require.NoError(t, err)
	require.Len(t, i.Stream.Wrong, 2)
	require.ErrorContains(t, i.Stream.Wrong[0], "--max-msgs-per-subject=8")
	require.ErrorContains(t, i.Stream.Wrong[1], "--allow-direct")
	require.Len(t, i.Buckets[0].Wrong, 1)
	require.ErrorContains(t, i.Buckets[0].Wrong[0], "it is no bucket")
	require.ErrorContains(t, errors.Join(i.Buckets[3].Wrong...), "live for 1h0m0s, want 1s")
	require.NotEmpty(t, i.Buckets[5].Wrong)

	deleteStream(t, js, "KV_"+WatchBucket)
	_, err = Open(t.Context(), nc, demoApp, quick, nil)
	require.ErrorContains(t, err, i.Stream.Wrong[0].Error())
}

func TestInspectSaysWhereThereIsNoJetStream(t *testing.T) {
	t.Parallel()
	ns, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	nc, err := nats.Connect("", nats.InProcessServer(ns))
	require.NoError(t, err)
	defer nc.Close()
	_, err = Inspect(t.Context(), nc, quick)
	require.ErrorContains(t, err, "start the NATS server with -js")
}

func TestCopiesThatAreAwayAreNamed(t *testing.T) {
	var p Part
	p.takeCluster(&jetstream.ClusterInfo{Name: "c", Leader: "n1", Replicas: []*jetstream.PeerInfo{
		{Name: "n2", Current: true}, {Name: "n3", Offline: true}, {Name: "n4"}}})
	require.Equal(t, Part{Away: []string{"n3", "n4"}}, p)
	p = Part{}
	p.takeCluster(&jetstream.ClusterInfo{Name: "c"})
	require.True(t, p.Headless)
}

func TestTheCensusCountsTheLiving(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	now := time.Now()
	for holder, app := range map[string]App{"hub-1": demoApp, "hub-2": demoApp, "elsewhere": {Org: "x", Name: "y"}} {
		_, err := b.holders.Put(t.Context(), holder, encoded(t, Holding{App: app.String()}))
		require.NoError(t, err)
	}
	for _, key := range []string{"hub-1.alice", "hub-1.bob", "hub-2.bob", "hub-2.gone", "dead.carol", "elsewhere.dave", "hub-1.Not=ours"} {
		_, err := b.watch.Put(t.Context(), key, nil)
		require.NoError(t, err)
	}
	require.NoError(t, b.watch.Purge(t.Context(), "hub-2.gone"))
	for uid, s := range map[UID]Subscription{
		"alice": {Operator: "svc-1", Until: now.Add(time.Hour).UnixMilli()}, "bob": {Operator: "svc-1", Until: now.Add(time.Hour).UnixMilli()},
		"carol": {Operator: "svc-2", Until: now.Add(time.Hour).UnixMilli()}, "past": {Operator: "svc-2", Until: now.Add(-time.Second).UnixMilli()},
	} {
		require.NoError(t, b.Subscribed(t.Context(), uid, s))
	}
	c, err := Count(t.Context(), b.nc, demoApp)
	require.NoError(t, err)
	require.Equal(t, Census{Holders: 2, Watched: 2, Subscribed: map[string]int{"svc-1": 2, "svc-2": 1}}, c)

	consumers := 0
	stream, err := b.js.Stream(t.Context(), "KV_"+WatchBucket)
	require.NoError(t, err)
	for range stream.ListConsumers(t.Context()).Info() {
		consumers++
	}
	require.Zero(t, consumers, "nothing reads on")
}

func TestTheCensusHearsItsContext(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Count(ctx, b.nc, demoApp)
	require.ErrorIs(t, err, context.Canceled)
}
