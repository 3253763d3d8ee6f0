package poller

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// What a zero [Config] means.
const (
	DefaultMaxStaleness = 30 * time.Second
	DefaultRate         = 40.0
	DefaultRevisit      = 500 * time.Millisecond
)

// Config says as whom the poller asks, and how often it is to ask.
type Config struct {
	Operators    []string              // registered users of the app that act as {uid}; at least one
	Nameless     bool                  // calls are made in nobody's name, as with EASEMOB_STATUS=online: Operators are of no account
	MaxStaleness time.Duration         // a watched user is asked at least this often, or the feed is degraded; 30 s
	Rate         float64               // calls a second that the vendor client lets through, see below; 40
	Revisit      time.Duration         // nobody is looked at again sooner, save for a first hint; 500 ms
	ID           string                // unique in the cluster, for the role
	Logger       *slog.Logger          // nil means silence
	Registerer   prometheus.Registerer // nil: no metrics

	// Rate paces nothing here: [Vendor.Wait] does. It bounds how many calls are in flight, and it is what the
	// feed's reasons reckon with.
}

// Validate tells all that is wrong at once, each with the environment variable that sets it.
func (c Config) Validate() error {
	problems := c.checkOperators()
	complain := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	complain(c.MaxStaleness < 0, "MAX_STALENESS is %v: it cannot be negative", c.MaxStaleness)
	complain(c.Rate != 0 && !(c.Rate > 0 && !math.IsInf(c.Rate, 1)), "EASEMOB_RATE is %v: it is calls a second, more than 0", c.Rate)
	complain(c.Revisit < 0, "the time between two looks at a user is %v: it cannot be negative", c.Revisit)
	complain(c.Revisit >= 0 && c.MaxStaleness >= 0 && c.revisit()+c.slack() >= c.maxStaleness(),
		"MAX_STALENESS is %v: it has to be more than %v, since nobody is looked at sooner", c.maxStaleness(), c.revisit()+c.slack())
	complain(c.ID == "", "the poller has no id: it takes one that no other process of the cluster has")
	return errors.Join(problems...)
}

func (c Config) checkOperators() []error {
	if c.Nameless {
		return nil
	}
	if len(c.Operators) == 0 {
		return []error{errors.New("EASEMOB_OPERATORS is not set: name at least one registered user of the app, to ask in the name of")}
	}
	var problems []error
	for i, name := range c.operators() {
		if _, err := bridge.ParseUID(name); err != nil {
			problems = append(problems, fmt.Errorf("EASEMOB_OPERATORS: %w", err))
		} else if slices.Contains(c.operators()[:i], name) {
			problems = append(problems, fmt.Errorf("EASEMOB_OPERATORS names %q twice", name))
		}
	}
	return problems
}

// operators folds the names, as the vendor does. Who is asked for in nobody's name has an operator without one.
func (c Config) operators() []string {
	if c.Nameless {
		return []string{""}
	}
	names := make([]string, len(c.Operators))
	for i, name := range c.Operators {
		names[i] = strings.ToLower(name)
	}
	return names
}

func (c Config) maxStaleness() time.Duration {
	if c.MaxStaleness == 0 {
		return DefaultMaxStaleness
	}
	return c.MaxStaleness
}

func (c Config) rate() float64 {
	if c.Rate == 0 {
		return DefaultRate
	}
	return c.Rate
}

func (c Config) revisit() time.Duration {
	if c.Revisit == 0 {
		return DefaultRevisit
	}
	return c.Revisit
}

// schedule is how looks are spread over those who are watched.
func (c Config) schedule(start time.Time) schedule.Config {
	return schedule.Config{
		Batch: easemob.MaxUIDs, Rate: c.rate(), MaxStaleness: c.maxStaleness(), Revisit: c.revisit(), Slack: c.slack(),
		Seed: rand.Uint64(), Start: start,
	}
}

// slack is how long a call waits beyond revisit for others to share it. Users who were looked at apart from the
// rest, for a hint, so come back to it; each would have a call of its own for ever otherwise.
func (c Config) slack() time.Duration { return c.revisit() / 5 }

// inFlight is how many calls may be under way: as many as leave while a slow one (3 s) comes back, after
// Little's law, so that latency costs no throughput, and no more than a broken vendor can make us keep.
func (c Config) inFlight() int { return int(min(max(math.Ceil(c.rate()*3), 4), 256)) }

func (c Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}
