package main

import "github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

// faultSettings are what goes wrong with the calls of an emulator.
type faultSettings struct {
	LatencyMS        int     `name:"latency-ms" variable:"EMULATOR_LATENCY_MS" group:"faults" default:"0" help:"An answer waits so long, in milliseconds."`
	ErrorRate        float64 `variable:"EMULATOR_ERROR_RATE" group:"faults" default:"0" help:"A call is answered with the error status and does nothing."`
	ErrorStatus      int     `variable:"EMULATOR_ERROR_STATUS" group:"faults" default:"503" help:"The status of --error-rate."`
	ResetRate        float64 `variable:"EMULATOR_RESET_RATE" group:"faults" default:"0" help:"A call does its work, and the connection is reset."`
	MalformedRate    float64 `variable:"EMULATOR_MALFORMED_RATE" group:"faults" default:"0" help:"An answer is cut short or garbled on its way."`
	DropEntryRate    float64 `variable:"EMULATOR_DROP_ENTRY_RATE" group:"faults" default:"0" help:"A user is left out of an answer."`
	DuplicateKeyRate float64 `variable:"EMULATOR_DUPLICATE_KEY_RATE" group:"faults" default:"0" help:"A device is in a status twice."`
	EmptyUIDRate     float64 `name:"empty-uid-rate" variable:"EMULATOR_EMPTY_UID_RATE" group:"faults" default:"0" help:"A user's uid is empty."`
	NotOKRate        float64 `name:"not-ok-rate" variable:"EMULATOR_NOT_OK_RATE" group:"faults" default:"0" help:"A set or an unsubscribe answers 200 with a reason in place of ok."`

	ResourceLimitedRate float64 `variable:"EMULATOR_RESOURCE_LIMITED_RATE" group:"faults" default:"0" help:"429 of a plan that is used up."`
	TooManyQueriesRate  float64 `variable:"EMULATOR_TOO_MANY_QUERIES_RATE" group:"faults" default:"0" help:"400 that says too many queries."`
	CorruptTokenRate    float64 `variable:"EMULATOR_CORRUPT_TOKEN_RATE" group:"faults" default:"0" help:"401, though the token is good."`

	Outage          bool `variable:"EMULATOR_OUTAGE" group:"faults" help:"Calls are reset or answered with 503, in turns."`
	ClientCallsPerS int  `variable:"EMULATOR_CLIENT_CALLS_PER_S" group:"faults" default:"0" help:"What the app's own clients take of the limit of calls."`
}

// callbackFaultSettings are what goes wrong with callbacks.
type callbackFaultSettings struct {
	CallbackLostRate   float64 `variable:"EMULATOR_CALLBACK_LOST_RATE" group:"faults" default:"0" help:"A callback is never posted."`
	CallbackLateRate   float64 `variable:"EMULATOR_CALLBACK_LATE_RATE" group:"faults" default:"0" help:"A callback is posted too late."`
	CallbackLateMS     int     `name:"callback-late-ms" variable:"EMULATOR_CALLBACK_LATE_MS" group:"faults" default:"10000" help:"So much too late, in milliseconds."`
	CallbackRepeatRate float64 `variable:"EMULATOR_CALLBACK_REPEAT_RATE" group:"faults" default:"0" help:"A callback is posted twice, with the same callId."`
	CallbackSwapRate   float64 `variable:"EMULATOR_CALLBACK_SWAP_RATE" group:"faults" default:"0" help:"A callback is posted after the next one."`
}

func (s faultSettings) faults() emulator.Faults {
	return emulator.Faults{
		LatencyMS: s.LatencyMS, ErrorRate: s.ErrorRate, ErrorStatus: s.ErrorStatus, ResetRate: s.ResetRate,
		MalformedRate: s.MalformedRate, DropEntryRate: s.DropEntryRate, DuplicateKeyRate: s.DuplicateKeyRate,
		EmptyUIDRate: s.EmptyUIDRate, NotOKRate: s.NotOKRate, ResourceLimitedRate: s.ResourceLimitedRate,
		TooManyQueriesRate: s.TooManyQueriesRate, CorruptTokenRate: s.CorruptTokenRate, Outage: s.Outage, ClientCallsPerS: s.ClientCallsPerS,
	}
}

func (s callbackFaultSettings) into(f *emulator.Faults) {
	f.CallbackLostRate, f.CallbackRepeatRate, f.CallbackSwapRate = s.CallbackLostRate, s.CallbackRepeatRate, s.CallbackSwapRate
	f.CallbackLateRate, f.CallbackLateMS = s.CallbackLateRate, s.CallbackLateMS
}

// problems are those that the emulator would take for a default.
func (s callbackFaultSettings) problems() []error {
	var wrong problems
	wrong.check(s.CallbackLateMS != 0, "EMULATOR_CALLBACK_LATE_MS is 0: want 1 or more, or EMULATOR_CALLBACK_LATE_RATE=0")
	return wrong.list
}
