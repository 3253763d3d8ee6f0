package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
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

// contender publishes a change of every user a round.
type contender struct {
	name   string
	round  func()
	wall   []float64 // seconds of each round
	spent  []float64 // of the processors, by client and server together, in nanoseconds
	before func()    // what is not counted
}

// BenchmarkJournal has the log take a change of every user, a hundred at a time, on disk as deployed, and holds it
// against clients that do less with the same messages: bare only publishes with PublishAsync; followed also follows the
// stream, as a journal must, and does nothing with what it hears; conditional also names the user's last message each
// time. They take turns, and what is printed are medians: of changes/s, of what a change costs client and server
// together, and of the ratios to bare, round by round. On a machine that is busy with other things the costs tell more
// than the times do.
func BenchmarkJournal(b *testing.B) {
	users := make([]UID, benchUsers)
	for i := range users {
		users[i] = UID(fmt.Sprintf("user-%05d", i))
	}
	clients := []*contender{
		bareClient(b, "bare", users, false, false), journalClient(b, users),
		bareClient(b, "followed", users, false, true), bareClient(b, "conditional", users, true, true),
	}
	for turn := 0; b.Loop(); turn++ {
		for i := range clients {
			clients[(turn+i)%len(clients)].run()
		}
	}
	for _, c := range clients {
		b.ReportMetric(benchUsers/median(c.wall), c.name+"-changes/s")
		b.ReportMetric(median(c.spent)/benchUsers, c.name+"-cpu-ns/change")
		b.ReportMetric(median(ratios(c.wall, clients[0].wall)), c.name+"-time/bare")
		b.ReportMetric(median(ratios(c.spent, clients[0].spent)), c.name+"-cpu/bare")
	}
}

func (c *contender) run() {
	if c.before != nil {
		c.before()
	}
	runtime.GC() // nobody pays for what another has left behind
	began, spent := time.Now(), usage()
	c.round()
	c.wall = append(c.wall, time.Since(began).Seconds())
	c.spent = append(c.spent, float64(usage()-spent))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func ratios(a, b []float64) []float64 {
	r := make([]float64, len(a))
	for i := range r {
		r[i] = a[i] / b[i]
	}
	return r
}

func benchBus(b *testing.B) *Bus {
	return busAt(b, startServer(b, ServerOptions{}), Settings{})
}

// journalClient is handed observations as a poller's calls bring them, all of which are news.
func journalClient(b *testing.B, users []UID) *contender {
	j := journalAt(b, benchBus(b))
	var batches [][]Observation
	looks := int64(0)
	prepare := func() {
		looks++
		batches = batches[:0]
		for some := range slices.Chunk(users, 100) {
			batches = append(batches, benchBatch(some, looks))
		}
	}
	observe := func() {
		var calls errgroup.Group
		calls.SetLimit(benchCalls)
		for _, batch := range batches {
			calls.Go(func() error {
				out, err := j.Observe(context.Background(), batch)
				if err == nil && out.Published != len(batch) {
					err = fmt.Errorf("%d published, %v again", out.Published, out.Again)
				}
				return err
			})
		}
		require.NoError(b, calls.Wait())
	}
	prepare()
	observe() // who is told of for the first time has no state before
	return &contender{name: "journal", before: prepare, round: observe}
}

func benchBatch(users []UID, round int64) []Observation {
	batch := make([]Observation, len(users))
	for i, uid := range users {
		batch[i] = Observation{UID: uid, At: time.Now(), Source: SourcePoll,
			State: StateOf(map[string]string{"web": "1", "android_21604ecf": "0"}, "on a train", round)}
	}
	return batch
}

// bareClient publishes messages that were made before, as fast as PublishAsync does.
func bareClient(b *testing.B, name string, users []UID, conditional, following bool) *contender {
	bus := benchBus(b)
	if following {
		follow(b, bus)
	}
	js, err := jetstream.New(bus.nc, jetstream.WithPublishAsyncMaxPending(8192))
	require.NoError(b, err)
	msgs, last, futures := benchMessages(b, users), make([]uint64, len(users)), make([]jetstream.PubAckFuture, len(users))
	return &contender{name: name, round: func() {
		for i, msg := range msgs {
			var options []jetstream.PublishOpt
			if conditional {
				options = append(options, jetstream.WithExpectLastSequencePerSubject(last[i]))
			}
			futures[i] = publishPatiently(b, js, msg, options...)
		}
		<-js.PublishAsyncComplete()
		for i, f := range futures {
			if conditional {
				last[i] = (<-f.Ok()).Sequence
			}
		}
	}}
}

// follow hears of every message, and does nothing with it.
func follow(b *testing.B, bus *Bus) {
	c, err := bus.js.OrderedConsumer(b.Context(), StreamName, jetstream.OrderedConsumerConfig{})
	require.NoError(b, err)
	consuming, err := c.Consume(func(jetstream.Msg) {})
	require.NoError(b, err)
	b.Cleanup(func() {
		consuming.Stop()
		<-consuming.Closed()
	})
}

func benchMessages(b *testing.B, users []UID) []*nats.Msg {
	before := StateOf(map[string]string{"web": "1", "android_21604ecf": "0"}, "on a train", 1)
	msgs := make([]*nats.Msg, len(users))
	for i, uid := range users {
		c := &Change{UID: uid, State: before, Prev: &before, ObservedAt: Millis(time.Now()), NotBefore: Millis(time.Now()),
			Changed: []string{ChangedLastTime}, Source: SourcePoll}
		data, err := json.Marshal(c)
		require.NoError(b, err)
		l := newLetter(demoApp)
		l.write(&flight{change: c, data: data}, "", 0)
		delete(l.msg.Header, jetstream.ExpectedLastSubjSeqHeader)
		l.msg.Reply = ""
		msgs[i] = &l.msg
	}
	return msgs
}

// publishPatiently waits for longer than PublishAsync does where too many are under way.
func publishPatiently(b *testing.B, js jetstream.JetStream, msg *nats.Msg, options ...jetstream.PublishOpt) jetstream.PubAckFuture {
	for {
		f, err := js.PublishMsgAsync(msg, options...)
		if !errors.Is(err, jetstream.ErrTooManyStalledMsgs) {
			require.NoError(b, err)
			return f
		}
	}
}
