package doctor

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// bus looks at NATS and at what the bridge keeps there.
func (p Plan) bus(ctx context.Context, f *findings) {
	address := p.NATS.URL
	if address == "" {
		address = p.inside(ctx, f)
	}
	if address == "" {
		f.skip("nats", "not checked: it runs inside serve, which does not run now, and makes all that it needs")
		p.tellBudgetUnknown(f, "NATS has to run first")
		return
	}
	l := p.dial(ctx, f, address)
	if l == nil {
		f.skipAll("NATS has to be reached first", "jetstream", "permissions", "stream", "buckets", "nats clock")
		p.tellBudgetUnknown(f, "NATS has to be reached first")
		return
	}
	defer l.nc.Close()
	if !l.tellJetStream(ctx) {
		f.skipAll("JetStream has to be reached first", "permissions", "stream", "buckets", "nats clock")
		p.tellBudgetUnknown(f, "JetStream has to be reached first")
		return
	}
	l.tellPermissions(ctx)
	l.inspect(ctx)
	l.count(ctx)
}

// inspect checks the stream and the buckets.
func (l *line) inspect(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	found, err := bridge.Inspect(limited, l.nc, l.NATS.Settings)
	if err != nil {
		l.fail("stream", "give this user the rights that the permissions above want, or try again", "%v", err)
		l.skipAll("the stream has to be seen first", "buckets", "nats clock")
		return
	}
	l.tellStream(ctx, found.Stream)
	l.tellBuckets(ctx, found.Buckets)
	l.tellReplicas(append([]bridge.Part{found.Stream}, found.Buckets...))
	l.tellClock("nats clock", "the NATS server's", natsOffset(found))
}

// natsOffset compares clocks by the time that the server put into an answer.
func natsOffset(i bridge.Inspection) (o offset) {
	if i.Clock.IsZero() {
		return o
	}
	return o.narrow(i.Clock.Sub(i.Answered), i.Clock.Sub(i.Asked))
}

// count sets who is watched against what can be asked.
func (l *line) count(ctx context.Context) {
	if l.sealed {
		l.tellBudgetUnknown(l.findings, "a consumer has to be permitted first, to read the buckets")
		return
	}
	limited, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	began := time.Now()
	census, err := bridge.Count(limited, l.nc, l.App)
	switch {
	case err != nil && limited.Err() != nil:
		l.tellBudgetUnknown(l.findings, "the buckets could not be read within "+inWords(time.Since(began)))
	case err != nil:
		l.tellBudgetUnknown(l.findings, "the buckets cannot be read: "+err.Error())
	default:
		l.tellBudget(l.findings, census)
		l.tellCapacity(l.findings, census)
	}
}
