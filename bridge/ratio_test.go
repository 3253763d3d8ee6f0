package bridge

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// client of the bench: one round publishes a change of every user.
type benchClient struct {
	name  string
	round func()
	make  func() func()
	wall  []float64
	cpu   []float64
}

func TestRatio(t *testing.T) {
	if os.Getenv("RATIO") == "" {
		t.Skip()
	}
	users := make([]UID, benchUsers)
	for i := range users {
		users[i] = UID(fmt.Sprintf("user-%05d", i))
	}
	clients := []*benchClient{
		{name: "bare", make: func() func() { return bareRound(t, users, false, false) }},
		{name: "journal", make: func() func() { return journalRound(t, users, true) }},
		{name: "unaware", make: func() func() { return journalRound(t, users, false) }},
		{name: "condonly", make: func() func() { return bareRound(t, users, true, false) }},
		{name: "lean", make: func() func() { return leanRound(t, users, false) }},
		{name: "leancond", make: func() func() { return leanRound(t, users, true) }},
		{name: "followed", make: func() func() { return bareRound(t, users, false, true) }},
		{name: "conditional", make: func() func() { return bareRound(t, users, true, true) }},
	}
	clients = slices.DeleteFunc(clients, func(c *benchClient) bool { return !strings.Contains(","+os.Getenv("RATIO")+",", ","+c.name+",") })
	for _, c := range clients {
		c.round = c.make()
	}
	for range 20 {
		for _, c := range clients {
			u, at := usage(), time.Now()
			c.round()
			c.wall = append(c.wall, time.Since(at).Seconds())
			c.cpu = append(c.cpu, float64(usage()-u))
		}
	}
	bare := clients[0]
	for _, c := range clients {
		fmt.Printf("%-12s %7.0f/s %6.0f ns cpu  wall ratio %.3f  cpu ratio %.3f\n", c.name, benchUsers/median(c.wall[5:]), median(c.cpu[5:])/benchUsers,
			medianRatio(c.wall[5:], bare.wall[5:]), medianRatio(c.cpu[5:], bare.cpu[5:]))
	}
}

func median(v []float64) float64 { v = slices.Clone(v); slices.Sort(v); return v[len(v)/2] }
func medianRatio(a, b []float64) float64 {
	r := make([]float64, len(a))
	for i := range a {
		r[i] = a[i] / b[i]
	}
	return median(r)
}

func journalRound(t testing.TB, users []UID, follow bool) func() {
	bus := busAt(t, startServer(t, ServerOptions{}), Settings{})
	j := NewJournal(bus)
	stop := inBackground(t, func(ctx context.Context) error { return bus.Follow(ctx, j) })
	waitFor(t, j.Ready(), "the journal")
	if !follow {
		stop()
	}
	round := int64(0)
	return func() {
		round++
		var calls errgroup.Group
		calls.SetLimit(benchCalls)
		for first := 0; first < len(users); first += 100 {
			calls.Go(func() error {
				out, err := j.Observe(context.Background(), benchBatch(users[first:first+100], round))
				if err == nil && out.Published != 100 {
					err = fmt.Errorf("%d published, %v again", out.Published, out.Again)
				}
				return err
			})
		}
		require.NoError(t, calls.Wait())
	}
}

func bareRound(t testing.TB, users []UID, conditional, follow bool) func() {
	bus := busAt(t, startServer(t, ServerOptions{}), Settings{})
	if follow {
		c, err := bus.js.OrderedConsumer(t.Context(), StreamName, jetstream.OrderedConsumerConfig{})
		require.NoError(t, err)
		consuming, err := c.Consume(func(jetstream.Msg) {})
		require.NoError(t, err)
		t.Cleanup(func() { consuming.Stop(); <-consuming.Closed() })
	}
	msgs := benchMessages(t, users)
	last := make([]uint64, len(msgs)) // of each user
	futures := make([]jetstream.PubAckFuture, len(msgs))
	return func() {
		for i, msg := range msgs {
			var options []jetstream.PublishOpt
			if conditional {
				options = append(options, jetstream.WithExpectLastSequencePerSubject(last[i]))
			}
			futures[i] = publishPatiently(t, bus, msg, options...)
		}
		<-bus.js.PublishAsyncComplete()
		for i, f := range futures {
			if conditional {
				last[i] = (<-f.Ok()).Sequence
			}
		}
	}
}
