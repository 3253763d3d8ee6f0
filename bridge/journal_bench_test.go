package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const (
	benchUsers = 10_000
	benchCalls = 16 // under way at once, as those of a poller are
)

// BenchmarkJournal has the log take a change of every user, a hundred at a time, and holds it against a client that
// publishes the same messages with PublishAsync and asks for nothing; and against one that also follows the stream, as
// a journal has to, and does nothing with what it hears. On disk, as deployed. Its figure is changes/s.
func BenchmarkJournal(b *testing.B) {
	users := make([]UID, benchUsers)
	for i := range users {
		users[i] = UID(fmt.Sprintf("user-%05d", i))
	}
	b.Run("journal", func(b *testing.B) { benchmarkObserve(b, users) })
	b.Run("bare", func(b *testing.B) { benchmarkBare(b, benchBus(b), users) })
	b.Run("bare-followed", func(b *testing.B) {
		bus := benchBus(b)
		c, err := bus.js.OrderedConsumer(b.Context(), StreamName, jetstream.OrderedConsumerConfig{})
		require.NoError(b, err)
		consuming, err := c.Consume(func(jetstream.Msg) {})
		require.NoError(b, err)
		benchmarkBare(b, bus, users)
		consuming.Stop()
		<-consuming.Closed()
	})
}

func benchBus(b *testing.B) *Bus {
	return busAt(b, startServer(b, ServerOptions{}), Settings{})
}

func benchmarkObserve(b *testing.B, users []UID) {
	j := journalAt(b, benchBus(b))
	round := int64(0)
	observe := func() {
		round++
		var calls errgroup.Group
		calls.SetLimit(benchCalls)
		for first := 0; first < len(users); first += 100 {
			calls.Go(func() error {
				out, err := j.Observe(b.Context(), benchBatch(users[first:first+100], round))
				if err == nil && out.Published != 100 {
					err = fmt.Errorf("%d published, %v again", out.Published, out.Again)
				}
				return err
			})
		}
		require.NoError(b, calls.Wait())
	}
	observe()
	b.ReportAllocs()
	used := usage()
	for b.Loop() {
		observe()
	}
	used.report(b, len(users))
}

func benchBatch(users []UID, round int64) []Observation {
	batch := make([]Observation, len(users))
	for i, uid := range users {
		batch[i] = Observation{UID: uid, At: time.Now(), Source: SourcePoll,
			State: StateOf(map[string]string{"web": "1", "android_21604ecf": "0"}, "on a train", round)}
	}
	return batch
}

func benchmarkBare(b *testing.B, bus *Bus, users []UID) {
	before := StateOf(map[string]string{"web": "1", "android_21604ecf": "0"}, "on a train", 1)
	msgs := make([]*nats.Msg, len(users))
	for i, uid := range users {
		c := &Change{UID: uid, State: before, Prev: &before, ObservedAt: Millis(time.Now()), NotBefore: Millis(time.Now()),
			Changed: []string{ChangedLastTime}, Source: SourcePoll}
		data, err := json.Marshal(c)
		require.NoError(b, err)
		msgs[i] = &nats.Msg{Subject: demoApp.Subject(uid), Data: data, Header: cloudEvent(demoApp, c, 1)}
	}
	b.ReportAllocs()
	used := usage()
	for b.Loop() {
		for _, msg := range msgs {
			_, err := bus.js.PublishMsgAsync(msg)
			for errors.Is(err, jetstream.ErrTooManyStalledMsgs) { // it has waited already
				_, err = bus.js.PublishMsgAsync(msg)
			}
			require.NoError(b, err)
		}
		<-bus.js.PublishAsyncComplete()
	}
	used.report(b, len(users))
}

// usage is what this process has spent of the processors, of the client and the server together. On a machine that is
// busy with other things it tells more than the time does.
func usage() spent {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return spent(u.Utime.Nano() + u.Stime.Nano())
}

type spent int64

func (before spent) report(b *testing.B, changes int) {
	n := float64(changes) * float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "changes/s")
	b.ReportMetric(float64(usage()-before)/n, "cpu-ns/change")
}
