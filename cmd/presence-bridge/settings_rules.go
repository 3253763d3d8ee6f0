package main

import (
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// rulesSettings are the emulated vendor's limits, and what the app has bought.
type rulesSettings struct {
	LimitPerS        int           `variable:"EMULATOR_LIMIT_PER_S" group:"rules" default:"50" help:"Calls a second of each kind before 429; 0: no limit."`
	MaxSubscriptions int           `variable:"EMULATOR_MAX_SUBSCRIPTIONS" group:"rules" default:"3000" help:"Subscriptions of an operator; more silently evict those that end soonest."`
	MaxSubscribers   int           `variable:"EMULATOR_MAX_SUBSCRIBERS" group:"rules" default:"3000" help:"Subscriptions to a user, by whomever; more silently evict those that end soonest."`
	ListLag          time.Duration `variable:"EMULATOR_LIST_LAG" group:"rules" default:"10s" help:"The list of subscriptions shows what was so long ago; 0s: no lag."`
	MaxExt           int           `variable:"EMULATOR_MAX_EXT" group:"rules" default:"1024" help:"Bytes of ext at most; older clusters take 64."`
	NotActivated     bool          `variable:"EMULATOR_NOT_ACTIVATED" group:"rules" help:"Presence was never switched on for the app."`
	GroupCount       bool          `variable:"EMULATOR_GROUP_COUNT" group:"rules" help:"The count of a group's users who are there is switched on."`
}

// worldSettings choose where the vendor's documents, clients and tests contradict each other.
type worldSettings struct {
	Numbers         bool `variable:"EMULATOR_NUMBERS" group:"worlds" help:"Times and totals are JSON numbers, not strings as in the vendor's samples."`
	Milliseconds    bool `variable:"EMULATOR_MILLISECONDS" group:"worlds" help:"Times of users and subscriptions in milliseconds, not in seconds."`
	LastTimeOnLogin bool `variable:"EMULATOR_LAST_TIME_ON_LOGIN" group:"worlds" help:"last_time moves on login and logout alone, not on every change."`
	OmitUnknown     bool `variable:"EMULATOR_OMIT_UNKNOWN" group:"worlds" help:"Batch get leaves out who does not exist, in place of an entry with an empty status."`
	KeepCase        bool `variable:"EMULATOR_KEEP_CASE" group:"worlds" help:"Aa and aa are two users."`
	KeepDuplicates  bool `variable:"EMULATOR_KEEP_DUPLICATES" group:"worlds" help:"Who is named twice is answered twice."`
	AnyOrder        bool `variable:"EMULATOR_ANY_ORDER" group:"worlds" help:"Users are answered in any order."`

	ErrorShape string `variable:"EMULATOR_ERROR_SHAPE" group:"worlds" default:"seen" help:"Bodies of presence's 400s: seen has each as it was seen, platform all as {\"error\":...}, bare all as {\"result\":...}."`

	TooManyQueries   bool          `variable:"EMULATOR_TOO_MANY_QUERIES" group:"worlds" help:"Beyond --limit-per-s it answers 400 \"too many queries\", not 429."`
	NeedSubscription bool          `variable:"EMULATOR_NEED_SUBSCRIPTION" group:"worlds" help:"Batch get answers only for users whom its caller subscribes to."`
	MaxPageSize      int           `variable:"EMULATOR_MAX_PAGE_SIZE" group:"worlds" default:"500" help:"Users on a page of the list of subscriptions at most; newer documents say 100."`
	PageSizeOver     string        `variable:"EMULATOR_PAGE_SIZE_OVER" group:"worlds" default:"clamp" help:"What becomes of a larger page: clamp makes it --max-page-size, refuse is a 400."`
	ExpiryOver       string        `variable:"EMULATOR_EXPIRY_OVER" group:"worlds" default:"refuse" help:"What becomes of subscriptions for more than 30 days: refuse is a 400, clamp makes it 30 days."`
	AsyncAbove       int           `variable:"EMULATOR_ASYNC_ABOVE" group:"worlds" default:"0" help:"Subscribing more users than this in a call is answered with nobody, and done --async-delay later; 0: never."`
	AsyncDelay       time.Duration `variable:"EMULATOR_ASYNC_DELAY" group:"worlds" default:"2s" help:"See --async-above; 0s: at once."`
	UsersMustExist   bool          `variable:"EMULATOR_USERS_MUST_EXIST" group:"worlds" help:"Whoever a call is made for has to exist: otherwise a 404, or nobody in the answer."`
}

func (s rulesSettings) into(o *emulator.Options) {
	o.LimitPerS, o.MaxSubscriptions, o.MaxSubscribers = zeroIsNone(s.LimitPerS), s.MaxSubscriptions, s.MaxSubscribers
	o.ListLag, o.MaxExt, o.NotActivated, o.GroupCount = zeroIsNone(s.ListLag), s.MaxExt, s.NotActivated, s.GroupCount
}

func (s worldSettings) into(o *emulator.Options) {
	o.Numbers, o.Milliseconds, o.LastTimeOnLogin = s.Numbers, s.Milliseconds, s.LastTimeOnLogin
	o.OmitUnknown, o.KeepCase, o.KeepDuplicates, o.AnyOrder = s.OmitUnknown, s.KeepCase, s.KeepDuplicates, s.AnyOrder
	o.ErrorShape, o.TooManyQueries = s.ErrorShape, s.TooManyQueries
	o.NeedSubscription, o.UsersMustExist = s.NeedSubscription, s.UsersMustExist
	o.MaxPageSize, o.PageSizeOver, o.ExpiryOver = s.MaxPageSize, s.PageSizeOver, s.ExpiryOver
	o.AsyncAbove, o.AsyncDelay = s.AsyncAbove, zeroIsNone(s.AsyncDelay)
}

// problems are those that the emulator would take for a default.
func (s rulesSettings) problems() []error {
	var wrong problems
	wrong.check(s.LimitPerS >= 0, "EMULATOR_LIMIT_PER_S is %d: want 1 or more, or 0 for no limit", s.LimitPerS)
	wrong.check(s.ListLag >= 0, "EMULATOR_LIST_LAG is %v: want 0s or more", s.ListLag)
	wrong.check(s.MaxSubscriptions != 0, "EMULATOR_MAX_SUBSCRIPTIONS is 0: want 1 or more")
	wrong.check(s.MaxSubscribers != 0, "EMULATOR_MAX_SUBSCRIBERS is 0: want 1 or more")
	wrong.check(s.MaxExt != 0, "EMULATOR_MAX_EXT is 0: want 1 or more")
	return wrong.list
}

func (s worldSettings) problems() []error {
	var wrong problems
	wrong.check(s.ErrorShape != "", "EMULATOR_ERROR_SHAPE is empty: want seen, platform or bare")
	wrong.check(s.AsyncDelay >= 0, "EMULATOR_ASYNC_DELAY is %v: want 0s or more", s.AsyncDelay)
	wrong.check(s.MaxPageSize != 0, "EMULATOR_MAX_PAGE_SIZE is 0: want 1 or more")
	wrong.check(s.PageSizeOver != "", "EMULATOR_PAGE_SIZE_OVER is empty: want clamp or refuse")
	wrong.check(s.ExpiryOver != "", "EMULATOR_EXPIRY_OVER is empty: want refuse or clamp")
	return wrong.list
}

// zeroIsNone turns what a person means by 0 into what the emulator takes for none.
func zeroIsNone[T int | time.Duration](n T) T {
	if n == 0 {
		return -1
	}
	return n
}
