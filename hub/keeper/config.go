package keeper

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says how subscriptions are kept. Durations and Capacity that are 0 mean the default beside them.
type Config struct {
	Operators []string      // who subscribes in our name; each belongs to this bridge alone
	TTL       time.Duration // 24h: of a subscription, whole seconds, at most 720h
	Linger    time.Duration // 2m: from the last watcher's leaving to the release
	Reconcile time.Duration // 30m: between two looks at an operator's list at the vendor
	Settle    time.Duration // 15s: how far the vendor's lists may lag; what is younger is not judged by them
	Capacity  int           // 3000: subscriptions of an operator

	ID         string // of this process among those who would be keeper
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Validate tells all that is wrong at once, each with the environment variable that sets it where there is one.
func (c Config) Validate() error {
	c = c.withDefaults()
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	check(len(c.Operators) > 0, "EASEMOB_OPERATORS is empty: name at least one registered user of the app, to subscribe in the name of")
	wrong = append(wrong, checkOperators(c.Operators))
	check(c.TTL >= time.Second && c.TTL <= easemob.MaxTTL, "SUBSCRIPTION_TTL %v: it takes 1s to %v", c.TTL, easemob.MaxTTL)
	check(c.TTL%time.Second == 0, "SUBSCRIPTION_TTL %v: the vendor takes whole seconds", c.TTL)
	check(c.Linger > 0, "linger %v: it cannot be negative", c.Linger)
	check(c.Reconcile > 0, "reconcile %v: it cannot be negative", c.Reconcile)
	check(c.Settle > 0, "settle %v: it cannot be negative", c.Settle)
	check(c.Capacity > 0, "capacity %d: an operator carries at least one subscription", c.Capacity)
	check(c.ID != "", "the keeper needs an id")
	return errors.Join(wrong...)
}

func checkOperators(operators []string) error {
	var wrong []error
	seen := map[bridge.UID]bool{}
	for _, name := range operators {
		uid, err := bridge.ParseUID(name)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("EASEMOB_OPERATORS: %w", err))
		case seen[uid]:
			wrong = append(wrong, fmt.Errorf("EASEMOB_OPERATORS names %s twice", uid))
		}
		seen[uid] = true
	}
	return errors.Join(wrong...)
}

func (c Config) withDefaults() Config {
	setDefault(&c.TTL, 24*time.Hour)
	setDefault(&c.Linger, 2*time.Minute)
	setDefault(&c.Reconcile, 30*time.Minute)
	setDefault(&c.Settle, 15*time.Second)
	setDefault(&c.Capacity, 3000)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
