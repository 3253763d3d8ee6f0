package bridge

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

func TestOpenMakesWhatIsMissingAndTakesWhatIsThere(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	b := busAt(t, srv, quick)
	info, err := b.stream.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"presence.v1.>"}, info.Config.Subjects)
	require.EqualValues(t, 8, info.Config.MaxMsgsPerSubject)
	require.True(t, info.Config.AllowDirect)
	require.Equal(t, jetstream.MemoryStorage, info.Config.Storage)

	again := busAt(t, srv, quick)
	second, err := again.stream.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, info.Created, second.Created)
	require.Equal(t, demoApp, again.App())
	require.True(t, again.Connected())
}

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	s := Settings{}.withDefaults()
	require.Equal(t, Settings{Replicas: 1, HolderTTL: 30 * time.Second, RoleTTL: 10 * time.Second}, s)
	require.Equal(t, jetstream.FileStorage, s.stream().Storage)
	require.Equal(t, 30*time.Second, s.holdersBucket().TTL)
}

func TestManyProcessesOpenAtOnce(t *testing.T) {
	t.Parallel()
	srv := startServer(t, ServerOptions{})
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		nc := connectTo(t, srv)
		all.Go(func() { _, errs[i] = Open(context.Background(), nc, demoApp, quick, nil) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestEveryWrongSettingIsToldAtOnceWithWhatToDo(t *testing.T) {
	t.Parallel()
	nc := connectTo(t, startServer(t, ServerOptions{}))
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: StreamName, Subjects: []string{"presence.v1.other.>"}, Retention: jetstream.InterestPolicy, NoAck: true,
		MaxMsgsPerSubject: 3, MaxMsgs: 100, MaxBytes: 1 << 20, MaxAge: time.Hour,
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, Storage: jetstream.MemoryStorage,
	})
	require.NoError(t, err)
	for _, c := range []jetstream.KeyValueConfig{{Bucket: HoldersBucket}, {Bucket: RolesBucket, TTL: time.Hour, LimitMarkerTTL: time.Hour}, {Bucket: WatchBucket}} {
		_, err := js.CreateKeyValue(t.Context(), c)
		require.NoError(t, err)
	}
	_, err = Open(t.Context(), nc, demoApp, quick, nil)
	for _, told := range []string{
		`--subjects="presence.v1.>"`, "--max-msgs-per-subject=8", "--allow-direct", "--max-age=0", "--max-msgs=-1", "--max-bytes=-1",
		"retention is Interest", "--no-discard-per-subject", "--ack",
		"nats kv del presence_holders", "live for 0s, want 2s", "nats kv del presence_roles", "live for 1h0m0s, want 1s",
		"nats kv del presence_watch", "marks of its deleted keys",
	} {
		require.ErrorContains(t, err, told)
	}
	require.NotContains(t, err.Error(), SubscriptionsBucket, "what is right is not complained about")
}

func TestJetStreamSwitchedOffIsSaidInWords(t *testing.T) {
	t.Parallel()
	ns, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	require.NoError(t, err)
	ns.Start()
	defer ns.WaitForShutdown()
	defer ns.Shutdown()
	nc, err := nats.Connect("", nats.InProcessServer(ns))
	require.NoError(t, err)
	defer nc.Close()
	_, err = Open(t.Context(), nc, demoApp, quick, nil)
	require.ErrorContains(t, err, "start the NATS server with -js")
}

func TestOpenWantsAWholeApp(t *testing.T) {
	_, err := Open(t.Context(), nil, App{Org: "x"}, quick, nil)
	require.ErrorContains(t, err, "both its org and its name")
}

func TestNoServerIsSaidInWords(t *testing.T) {
	_, err := Connect("nats://127.0.0.1:1", "", nil)
	require.ErrorContains(t, err, "NATS_URL says where")
}

// Replicated streams refuse with another code than single ones.
func TestBothRefusalsOfAConditionAreKnown(t *testing.T) {
	require.True(t, conditionFailed(&jetstream.APIError{ErrorCode: 10071}))
	require.True(t, conditionFailed(&jetstream.APIError{ErrorCode: 10164}))
	require.False(t, conditionFailed(&jetstream.APIError{ErrorCode: 10059}))
	require.False(t, conditionFailed(context.Canceled))
	require.False(t, conditionFailed(nil))
}
