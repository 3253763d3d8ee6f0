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

	Waiting func(whom string) // is told of whom a chapter still waits for, after a second or two; nil: nobody is
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

// slow is when somebody who looks on wants to know what takes so long.
const slow = 1500 * time.Millisecond

// Examine makes all checks and tells each finding, in order, as soon as those before it are told. It changes
// nothing anywhere.
func Examine(ctx context.Context, p Plan, tell func(Finding)) {
	ctx, cancel := context.WithTimeout(ctx, questions*p.patience())
	defer cancel()
	chapters := []struct {
		of   string
		read chapter
	}{{"the settings", p.settings}, {"the vendor", p.vendor}, {"NATS", p.bus}, {"the addresses", p.places}, {"the keys", p.doors}}
	var ends []<-chan []Finding
	for _, c := range chapters {
		ends = append(ends, begin(ctx, c.read))
	}
	for i, end := range ends {
		for _, f := range p.await(end, chapters[i].of) {
			tell(f)
		}
	}
}

// await is what a chapter has found. It says so where that takes long.
func (p Plan) await(end <-chan []Finding, of string) []Finding {
	if p.Waiting == nil {
		return <-end
	}
	late := time.NewTimer(slow)
	defer late.Stop()
	select {
	case list := <-end:
		return list
	case <-late.C:
		p.Waiting(of)
		return <-end
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
