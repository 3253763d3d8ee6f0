package doctor

import (
	"context"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/hub"
)

// How long one question may take by default, and how many questions' time everything together.
const (
	usualPatience = 4 * time.Second
	questions     = 5
)

// Plan is what serve would run with.
type Plan struct {
	Problems []error // what is wrong with the settings

	App    bridge.App
	Vendor *easemob.Config // nil: nobody is asked, an edge hub only reads
	Online bool            // EASEMOB_STATUS=online: neither operators nor subscriptions

	Polls, Shows, Keeps bool // the parts that the process would run: poller, hub, keeper

	Operators    []string
	Rate         float64
	MaxStaleness time.Duration

	NATS NATS

	Listen, AdminListen string // empty: it listens not there
	Auth                *hub.Auth
	Callbacks           bool

	Patience time.Duration // with one question; 0 means 4 s
}

func (p Plan) patience() time.Duration {
	if p.Patience == 0 {
		return usualPatience
	}
	return p.Patience
}

// NATS is where NATS is: at a URL, or inside serve's process where there is none.
type NATS struct {
	URL, Creds  string
	Settings    bridge.Settings
	Dir, Listen string // of the server inside serve's process
}

// chapter is checks that build on one another. Chapters do not, and are read at once.
type chapter func(context.Context, *findings)

// Examine makes all checks and tells each finding, in order, as soon as those before it are told. It changes
// nothing anywhere.
func Examine(ctx context.Context, p Plan, tell func(Finding)) {
	ctx, cancel := context.WithTimeout(ctx, questions*p.patience())
	defer cancel()
	var ends []<-chan []Finding
	for _, read := range []chapter{p.settings, p.vendor, p.bus, p.places, p.doors} {
		ends = append(ends, begin(ctx, read))
	}
	for _, end := range ends {
		for _, f := range <-end {
			tell(f)
		}
	}
}

// begin reads a chapter in a goroutine, which ends with the one value that it sends.
func begin(ctx context.Context, read chapter) <-chan []Finding {
	end := make(chan []Finding, 1)
	go func() {
		var f findings
		read(ctx, &f)
		end <- f.list
	}()
	return end
}

func (p Plan) settings(_ context.Context, f *findings) {
	for _, problem := range p.Problems {
		f.fail("settings", "", "%v", problem)
	}
	if len(p.Problems) == 0 {
		f.fine("settings", "complete")
	}
}
