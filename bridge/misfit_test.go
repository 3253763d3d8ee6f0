package bridge

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// misfit is one thing that somebody else may have set another way, and what is to be told of it.
type misfit struct {
	name string
	set  func(*jetstream.StreamConfig)
	told string
}

// ofAny are those that neither the stream nor what is beneath a bucket may have.
var ofAny = []misfit{
	{"sealed", func(c *jetstream.StreamConfig) { c.Sealed = true }, "sealed"},
	{"mirror", func(c *jetstream.StreamConfig) {
		c.Mirror, c.Subjects, c.SubjectDeleteMarkerTTL = &jetstream.StreamSource{Name: "ELSEWHERE"}, nil, 0
	}, "a mirror"},
	{"transform", func(c *jetstream.StreamConfig) {
		c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: c.Subjects[0], Destination: "elsewhere.>"}
	}, "transforms"},
	{"subjects", func(c *jetstream.StreamConfig) { c.Subjects = []string{"foreign.>"} }, `["foreign.>"]`},
	{"work queue", func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention is WorkQueue"},
	{"interest", func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, "retention is Interest"},
	{"messages", func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 }, "10"},
	{"bytes", func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, "1048576 bytes"},
	{"consumers", func(c *jetstream.StreamConfig) { c.MaxConsumers = 1 }, "room for 1 consumers"},
	{"no ack", func(c *jetstream.StreamConfig) { c.NoAck = true }, "acknowledges nothing"},
}

// TestEachWrongSettingIsRefusedByItself makes the stream, and a bucket, as they must be but for one thing.
func TestEachWrongSettingIsRefusedByItself(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	_, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ELSEWHERE", Storage: jetstream.MemoryStorage})
	require.NoError(t, err)
	beneath := "KV_" + HoldersBucket
	bucket, err := b.js.Stream(t.Context(), beneath)
	require.NoError(t, err)
	ofStream := append([]misfit{
		{"history", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = -1 }, "--max-msgs-per-subject=8"},
		{"direct", func(c *jetstream.StreamConfig) { c.AllowDirect = false }, "--allow-direct"},
		{"age", func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour }, "--max-age=0"},
		{"size", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 }, "--max-msg-size=-1"},
		{"discard", func(c *jetstream.StreamConfig) { c.Discard, c.DiscardNewPerSubject = jetstream.DiscardNew, true }, "--discard=old"},
	}, ofAny...)
	for _, m := range ofStream {
		b.refuses(t, "stream "+StreamName, b.settings.stream(), m)
	}
	ofBucket := append([]misfit{
		{"age", func(c *jetstream.StreamConfig) { c.MaxAge = 0 }, "live for 0s, want 2s"},
		{"marks", func(c *jetstream.StreamConfig) { c.SubjectDeleteMarkerTTL = 0 }, "marks of its deleted keys"},
		{"no history", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = -1 }, "nats stream rm KV_presence_holders"},
	}, ofAny...)
	for _, m := range ofBucket {
		b.refuses(t, "bucket "+HoldersBucket, bucket.CachedInfo().Config, m)
	}
}

// refuses puts what is amiss in place of what is right, and has it refused, told of in words, and taken when it is
// right again.
func (b *Bus) refuses(t *testing.T, what string, right jetstream.StreamConfig, m misfit) {
	t.Helper()
	wrong := right
	m.set(&wrong)
	sealed := wrong.Sealed
	wrong.Sealed = false // nobody can make one that is
	deleteStream(t, b.js, right.Name)
	_, err := b.js.CreateStream(t.Context(), wrong)
	require.NoError(t, err, "%s: %s", what, m.name)
	if wrong.Sealed = sealed; sealed {
		_, err = b.js.UpdateStream(t.Context(), wrong)
		require.NoError(t, err)
	}
	_, err = Open(t.Context(), b.nc, demoApp, quick, nil)
	require.ErrorIs(t, err, errMisfit, "%s: %s", what, m.name)
	require.ErrorContains(t, err, what, m.name)
	require.ErrorContains(t, err, m.told, m.name)
	i, err := Inspect(t.Context(), b.nc, quick)
	require.NoError(t, err)
	told := i.Stream.Wrong
	for _, bucket := range i.Buckets {
		told = append(told, bucket.Wrong...)
	}
	require.NotEmpty(t, told, m.name)
	deleteStream(t, b.js, right.Name)
	_, err = Open(t.Context(), b.nc, demoApp, quick, nil)
	require.NoError(t, err, "it is made anew")
}
