package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// quietFor is how long a log that tells nothing is not worth a word.
const quietFor = 3 * time.Second

// watchNATS prints the log of some users: the state of each, then what happens. It only reads, so the stream
// has to be there already.
func (c *watchCommand) watchNATS(ctx context.Context, uids []bridge.UID, out printer, notes io.Writer) error {
	log := c.logger(notes)
	conn, err := bridge.Connect(c.NATSURL, c.NATSCreds, log)
	if err != nil {
		return err
	}
	defer conn.Close()
	consumer, err := c.consumer(ctx, conn, uids)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	t := &tail{out: out, log: log, failed: failed}
	consuming, err := consumer.Consume(t.message)
	if err != nil {
		return fmt.Errorf("reading stream %s: %w", bridge.StreamName, err)
	}
	defer func() { consuming.Stop(); <-consuming.Closed() }()
	quiet := time.After(quietFor)
	for {
		select {
		case <-quiet:
			if !t.told.Load() {
				fmt.Fprintln(notes, c.nothingYet(uids))
			}
		case <-ctx.Done():
			return nil
		case <-consuming.Closed():
			return fmt.Errorf("reading stream %s: it is gone", bridge.StreamName)
		case err := <-failed:
			return err
		}
	}
}

// nothingYet is for who waits for what will not come by itself.
func (c *watchCommand) nothingYet(uids []bridge.UID) string {
	where := c.app().Subject(uids[0])
	if len(uids) > 1 {
		where += fmt.Sprintf(" and for %d more", len(uids)-1)
	}
	return fmt.Sprintf("nothing on %s yet: reading NATS makes nobody be watched (WATCH_UIDS of a hub does)", where)
}

func (c *watchCommand) app() bridge.App { return appOf(c.Org, c.App, c.AppID) }

func (c *watchCommand) consumer(ctx context.Context, conn *nats.Conn, uids []bridge.UID) (jetstream.Consumer, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	subjects := make([]string, len(uids))
	for i, uid := range uids {
		subjects[i] = c.app().Subject(uid)
	}
	consumer, err := js.OrderedConsumer(ctx, bridge.StreamName, jetstream.OrderedConsumerConfig{
		FilterSubjects: subjects,
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("there is no stream %s at NATS_URL: has a bridge run there yet?", bridge.StreamName)
	}
	if err != nil {
		return nil, fmt.Errorf("reading stream %s: %w", bridge.StreamName, err)
	}
	return consumer, nil
}

// tail prints messages of the log. The consumer calls it one message at a time.
type tail struct {
	out    printer
	log    *slog.Logger
	last   uint64      // sequence of the newest message printed: a consumer that lost its connection repeats itself
	told   atomic.Bool // something was there
	failed chan<- error
}

func (t *tail) message(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil || meta.Sequence.Stream <= t.last {
		return
	}
	t.last = meta.Sequence.Stream
	t.told.Store(true)
	change, err := bridge.DecodeChange(m.Data())
	if err != nil {
		t.log.Warn("a message of the log is passed over", "seq", t.last, "error", err)
		return
	}
	if err := t.out.change(change); err != nil {
		select {
		case t.failed <- err:
		default:
		}
	}
}
