package main

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// peopleSettings are who lives in an emulator, and how.
type peopleSettings struct {
	Users       int     `variable:"EMULATOR_USERS" group:"people" default:"200" help:"People who live here: user-0001, user-0002 and so on."`
	ChangesPerS float64 `variable:"EMULATOR_CHANGES_PER_S" group:"people" default:"5" help:"Observable changes a second, all people together, in the mean."`
	Paused      bool    `variable:"EMULATOR_PAUSED" group:"people" help:"Nobody changes by themselves."`
	Seed        uint64  `variable:"EMULATOR_SEED" group:"people" default:"0" help:"Of the population and of the dice that throw faults."`

	DevicesPerPlatform int           `variable:"EMULATOR_DEVICES_PER_PLATFORM" group:"people" default:"4" help:"Devices of one platform that somebody can be logged in with; by one more the first is replaced."`
	VanishRate         float64       `variable:"EMULATOR_VANISH_RATE" group:"people" default:"0" help:"Share of logouts, 0 to 1, that are vanishings: the network goes without a word, and the device is shown online for a while."`
	VanishFor          time.Duration `variable:"EMULATOR_VANISH_FOR" group:"people" default:"5m" help:"The longest that a vanished device is shown; how long is drawn each time."`
}

// callbackSettings are the vendor's rule for callbacks.
type callbackSettings struct {
	CallbackURL    string        `name:"callback-url" variable:"EMULATOR_CALLBACK_URL" group:"callback" placeholder:"URL" help:"Where every login, logout and replacement of a device is posted to."`
	CallbackSecret string        `variable:"EMULATOR_CALLBACK_SECRET" group:"callback" placeholder:"SECRET" help:"Of the rule; signs what is posted."`
	CallbackMerge  time.Duration `name:"callback-merge" variable:"EMULATOR_CALLBACK_MERGE" group:"callback" default:"0s" help:"Of all that one device does within so long only the last is posted, when it is over; 0s: each is, at once."`
}

func (s peopleSettings) into(o *emulator.Options) {
	o.Users, o.ChangesPerS, o.Paused, o.Seed = zeroIsNone(s.Users), s.ChangesPerS, s.Paused || s.ChangesPerS == 0, s.Seed
	o.DevicesPerPlatform, o.VanishRate, o.VanishFor = s.DevicesPerPlatform, s.VanishRate, s.VanishFor
}

func (s callbackSettings) into(o *emulator.Options) {
	o.Callback = emulator.Callback{URL: s.CallbackURL, Secret: s.CallbackSecret, Merge: s.CallbackMerge}
}

// problems are those that the emulator would take for a default.
func (s peopleSettings) problems() []error {
	var wrong problems
	wrong.check(s.Users >= 0, "EMULATOR_USERS is %d: want 0 or more", s.Users)
	wrong.check(s.DevicesPerPlatform != 0, "EMULATOR_DEVICES_PER_PLATFORM is 0: want 1 or more")
	wrong.check(s.VanishFor != 0, "EMULATOR_VANISH_FOR is 0s: want more, or EMULATOR_VANISH_RATE=0")
	return wrong.list
}
