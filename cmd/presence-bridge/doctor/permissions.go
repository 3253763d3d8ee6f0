package doctor

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// nobody is a stream that there is not: a message that expects it is refused by whichever stream holds its subject,
// after the server has let it pass, and leaves no trace.
const nobody = "presence-doctor-leaves-no-trace"

// right is something that serve has to be permitted.
type right struct {
	subject string // as permissions name it
	needed  bool   // by the parts that the process runs
	try     func(context.Context) error
}

func (l *line) rights() []right {
	return []right{
		{l.App.Subjects(), l.Polls || l.Keeps, l.trying(l.App.Subject("presence-doctor"))},
		{"$KV." + bridge.WatchBucket + ".>", l.Shows, l.trying("$KV." + bridge.WatchBucket + ".presence-doctor.nobody")},
		{"$KV." + bridge.HoldersBucket + ".>", l.Shows, l.trying("$KV." + bridge.HoldersBucket + ".presence-doctor")},
		{"$KV." + bridge.SubscriptionsBucket + ".>", l.Keeps, l.trying("$KV." + bridge.SubscriptionsBucket + ".presence-doctor")},
		{"$KV." + bridge.RolesBucket + ".>", l.Polls || l.Keeps, l.trying("$KV." + bridge.RolesBucket + ".presence-doctor")},
		{"$KV." + bridge.LeasesBucket + ".>", l.Shows, l.trying("$KV." + bridge.LeasesBucket + ".presence-doctor.nobody")},
		{"$KV." + bridge.LearnedBucket + ".>", l.Polls, l.trying("$KV." + bridge.LearnedBucket + ".presence-doctor")},
		{l.App.FeedSubject(), l.Polls, l.sending(l.App.FeedSubject())},
		{l.App.HintSubject(), l.Shows && (l.Vendor != nil || l.Callbacks), l.sending(l.App.HintSubject())},
	}
}

// heard are the subjects that serve subscribes to.
func (l *line) heard() (subjects []string) {
	if l.Shows {
		subjects = append(subjects, l.App.FeedSubject(), bridge.ServiceSubject+".*", micro.APIPrefix+".>")
	}
	if l.Polls {
		subjects = append(subjects, l.App.HintSubject())
	}
	return subjects
}

// tellPermissions tries what serve will do, in ways that change nothing.
func (l *line) tellPermissions(ctx context.Context) {
	wrong := 0
	check := func(err error, verb, subject string) {
		switch {
		case errors.Is(err, errDenied):
			wrong++
			l.fail("permissions", "permit it to the user of NATS_URL or NATS_CREDS", "this user may not %s %s", verb, subject)
		case err != nil:
			wrong++
			l.warn("permissions", "try again", "whether this user may %s %s was not to be found out: %v", verb, subject, err)
		}
	}
	for _, r := range l.rights() {
		if r.needed {
			check(r.try(ctx), "publish to", r.subject)
		}
	}
	err := l.tryConsumer(ctx)
	l.sealed = errors.Is(err, errDenied)
	check(err, "publish to", "$JS.API.CONSUMER.CREATE.>")
	for _, subject := range l.heard() {
		check(l.listen(ctx, subject), "subscribe to", subject)
	}
	if wrong == 0 {
		l.fine("permissions", "all that serve does is permitted")
	}
}

// trying publishes what the stream beneath refuses. Where there is no such stream yet, nobody takes it.
func (l *line) trying(subject string) func(context.Context) error {
	return func(ctx context.Context) error {
		m := nats.NewMsg(subject)
		m.Header.Set("Nats-Expected-Stream", nobody)
		_, err := l.ask(ctx, m)
		if errors.Is(err, nats.ErrNoResponders) {
			return nil
		}
		return err
	}
}

// tryConsumer asks for a consumer of another stream than the subject of the request says, so none is made.
func (l *line) tryConsumer(ctx context.Context) error {
	m := nats.NewMsg("$JS.API.CONSUMER.CREATE." + bridge.StreamName + ".presence-doctor." + l.App.Subjects())
	m.Data = []byte(`{"stream_name":"` + nobody + `"}`)
	_, err := l.ask(ctx, m)
	return err
}

// sending publishes an empty message, which those who listen pass over.
func (l *line) sending(subject string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, l.patience())
		defer cancel()
		return l.publish(ctx, nats.NewMsg(subject))
	}
}

// mayMake says whether serve is permitted to make a stream. What is asked for has another name than the subject of
// the request says, so none is made.
func (l *line) mayMake(ctx context.Context, stream string) error {
	m := nats.NewMsg("$JS.API.STREAM.CREATE." + stream)
	m.Data = []byte(`{"name":"` + nobody + `"}`)
	_, err := l.ask(ctx, m)
	return err
}
