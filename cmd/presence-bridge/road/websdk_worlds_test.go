package road

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// where is a change of what the emulator is like.
func where(f func(o *emulator.Options)) func(*sdkStep) {
	return func(s *sdkStep) { f(&s.options) }
}

// sdkWorlds are the other ways that the emulator can go, and what the SDK makes of them. It says itself in which world
// it was written: it knows "the app not open presence" in result alone, and "ext is too big " in error_description
// alone. All errors in one shape, whichever it is, are a world that this SDK does not understand in full.
var sdkWorlds = join(
	allFive("never switched on, said as the platform would", fields{"thrown": fields{"type": ajaxError, "message": "the app not open presence",
		"data": platform("service open exception", "the app not open presence")}}, notActivated, allOfThePlatform),
	[]sdkStep{
		subscribe.with("oneself, said as the platform would", illegal("you can't sub yourself"), allOfThePlatform,
			asking(fields{"usernames": []string{"wzy"}, "expiry": 60}, "POST "+sdkPresence+`/60 {"usernames":["wzy"]}`)),
		publish.with("ext of 1025 bytes, said bare", bare("ext is too big "), allBare,
			asking(fields{"description": tooLong}, "POST "+sdkPresence+`/webim_dev1/1 {"ext":"`+tooLong+`"}`)),
		listThem.with("pages of nobody, said bare", bare("this is an invalid request."), allBare,
			asking(fields{"pageNum": 1, "pageSize": 0}, "GET "+sdkPresence+"/sublist?pageNum=1&pageSize=0")),
		publish.with("200, and a reason instead of ok", returnsNothing, faulty(emulator.Faults{NotOKRate: 1}), func(s *sdkStep) {
			s.after = func(t testing.TB, truth *emulator.Server) { require.NotContains(t, truth.Users(), "wzy") }
		}),
		getStatus.with("the plan is used up", throttled(platform("resource_limited", begins("You have exceeded the limit of the"))),
			faulty(emulator.Faults{ResourceLimitedRate: 1})),
		getStatus.with("a good token that is refused", general(platform("auth_bad_access_token", "Unable to authenticate due to corrupt access token")),
			faulty(emulator.Faults{CorruptTokenRate: 1})),
		getStatus.with("a token revoked", general(platform("unauthorized", "Unable to authenticate due to expired access token")),
			func(s *sdkStep) { s.before = func(v *sdkVendor) { v.truth.RevokeTokens() } }),
		getStatus.with("too often, said as 400", bare("too many queries"), where(func(o *emulator.Options) {
			o.TooManyQueries, o.Faults.LimitPerS, o.Faults.ClientCallsPerS = true, 1, 1
		})),
		publish.with("who does not exist", fields{"thrown": fields{"type": userNotFound, "message": "Service resource not found",
			"data": platform("service_resource_not_found", "Service resource not found")}}, where(func(o *emulator.Options) { o.UsersMustExist = true })),
		publish.with("65 bytes where 64 are allowed", refused(presenceParamTooLong, "ext is too big "), where(func(o *emulator.Options) { o.MaxExt = 64 }),
			asking(fields{"description": strings.Repeat("y", 65)}, "POST "+sdkPresence+`/webim_dev1/1 {"ext":"`+strings.Repeat("y", 65)+`"}`)),
		getStatus.with("nobody is left out", returned([]any{}), where(func(o *emulator.Options) { o.OmitUnknown = true })),
		getStatus.with("not subscribed", returned([]any{}), where(func(o *emulator.Options) { o.NeedSubscription = true })),
		getStatus.with("in capitals, which is another", returned([]any{toldOf("C2", "", []any{}, count(0))}), sampleUser,
			where(func(o *emulator.Options) { o.KeepCase = true }), asking(fields{"usernames": []string{"C2"}}, "POST "+sdkPresence+` {"usernames":["C2"]}`)),
		getStatus.with("in milliseconds", returned([]any{toldOf("c2", "123", fields{"android": "1"}, later(0))}), sampleUser,
			where(func(o *emulator.Options) { o.Milliseconds = true })),
		subscribe.with("done later", returned([]any{}), where(func(o *emulator.Options) { o.AsyncAbove = 1 }),
			asking(fields{"usernames": []string{"c2", "c3"}, "expiry": 60}, "POST "+sdkPresence+`/60 {"usernames":["c2","c3"]}`)),
		subscribe.with("31 days, refused", illegal("this is an invalid request."), month),
		subscribe.with("31 days, of which 30 are given", returned([]any{subscribed("c2", "", []any{}, count(0), later(2592000))}), month,
			where(func(o *emulator.Options) { o.ExpiryOver = "clamp" })),
		listThem.with("pages of 501, refused", illegal("this is an invalid request."), where(func(o *emulator.Options) { o.PageSizeOver = "refuse" }),
			asking(fields{"pageNum": 1, "pageSize": 501}, "GET "+sdkPresence+"/sublist?pageNum=1&pageSize=501")),
	},
)

func allOfThePlatform(s *sdkStep) { s.options.ErrorShape = "platform" }

func allBare(s *sdkStep) { s.options.ErrorShape = "bare" }

func month(s *sdkStep) {
	asking(fields{"usernames": []string{"c2"}, "expiry": 2678400}, "POST "+sdkPresence+`/2678400 {"usernames":["c2"]}`)(s)
}

func sampleUser(s *sdkStep) {
	s.before = func(v *sdkVendor) { v.truth.SetUser("c2", map[string]string{"android": "1"}, "123") }
}
