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

// BenchmarkJournal has the log take a change of every user, a hundred at a time, on disk as deployed, and holds it
// against clients that do less with the same messages: bare only publishes with PublishAsync; followed also follows the
// stream, as a journal must, and does nothing with what it hears; conditional also names the user's last message each
// time. The figures are changes/s, and what client and server together spend on one.
func BenchmarkJournal(b *testing.B) {
	users := make([]UID, benchUsers)
	for i := range users {
		users[i] = UID(fmt.Sprintf("user-%05d", i))
	}
	b.Run("journal", func(b *testing.B) { benchmarkObserve(b, users) })
	b.Run("bare", func(b *testing.B) { benchmarkBare(b, benchBus(b), users, false) })
	b.Run("followed", func(b *testing.B) { benchmarkFollowed(b, users, false) })
	b.Run("conditional", func(b *testing.B) { benchmarkFollowed(b, users, true) })
}

func benchmarkFollowed(b *testing.B, users []UID, conditional bool) {
	bus := benchBus(b)
	c, err := bus.js.OrderedConsumer(b.Context(), StreamName, jetstream.OrderedConsumerConfig{})
	require.NoError(b, err)
	consuming, err := c.Consume(func(jetstream.Msg) {})
	require.NoError(b, err)
	benchmarkBare(b, bus, users, conditional)
	consuming.Stop()
	<-consuming.Closed()
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

func benchmarkBare(b *testing.B, bus *Bus, users []UID, conditional bool) {
	msgs := benchMessages(b, users)
	last := make([]uint64, len(msgs)) // of each user
	futures := make([]jetstream.PubAckFuture, len(msgs))
	b.ReportAllocs()
	used := usage()
	for b.Loop() {
		for i, msg := range msgs {
			var options []jetstream.PublishOpt
			if conditional {
				options = append(options, jetstream.WithExpectLastSequencePerSubject(last[i]))
			}
			futures[i] = publishPatiently(b, bus, msg, options...)
		}
		<-bus.js.PublishAsyncComplete()
		for i, f := range futures {
			if conditional {
				last[i] = (<-f.Ok()).Sequence
			}
		}
	}
	used.report(b, len(users))
}

func benchMessages(b testing.TB, users []UID) []*nats.Msg {
	before := StateOf(map[string]string{"web": "1", "android_21604ecf": "0"}, "on a train", 1)
	msgs := make([]*nats.Msg, len(users))
	for i, uid := range users {
		c := &Change{UID: uid, State: before, Prev: &before, ObservedAt: Millis(time.Now()), NotBefore: Millis(time.Now()),
			Changed: []string{ChangedLastTime}, Source: SourcePoll}
		data, err := json.Marshal(c)
		require.NoError(b, err)
		l := newLetter(demoApp)
		l.write(&flight{change: c, data: data}, "")
		delete(l.msg.Header, jetstream.ExpectedLastSubjSeqHeader)
		msgs[i] = &l.msg
	}
	return msgs
}

// publishPatiently waits for longer than PublishAsync does where too many are under way.
func publishPatiently(b testing.TB, bus *Bus, msg *nats.Msg, options ...jetstream.PublishOpt) jetstream.PubAckFuture {
	for {
		f, err := bus.js.PublishMsgAsync(msg, options...)
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			require.NoError(b, err)
			return f
		}
	}
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
