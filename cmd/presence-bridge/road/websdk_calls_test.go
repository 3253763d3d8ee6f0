package road

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

const (
	sdkPresence = "/org1/app1/users/wzy/presence"
	oldAndroid  = "android_6b5610ac-4e11-4661-82b3-dee17bc7b2cc"
)

// returned is what the SDK makes of {"result":...}: the answer itself, its result again under data, and the code
// for success, which is 0. (Its source; its types name data and type alone.)
func returned(result any) fields {
	return fields{"returned": fields{"type": requestSuccess, "result": result, "data": fields{"result": result}}}
}

// returnsNothing is what publish and unsubscribe return: Promise<void>.
var returnsNothing = fields{"nothing": true}

// subscribed is a SubscribePresence of the SDK's types, with the values of the vendor's sample.
func subscribed(uid, ext string, status any, lastTime, expiry any) fields {
	return fields{"uid": uid, "ext": ext, "status": status, "last_time": lastTime, "expiry": expiry}
}

// toldOf is the same without expiry: the SDK's types have it, the sample of a get has not.
func toldOf(uid, ext string, status any, lastTime any) fields {
	return fields{"uid": uid, "ext": ext, "status": status, "last_time": lastTime}
}

// sdkCalls are the five calls, one after the other.
func sdkCalls(v *sdkVendor) []sdkStep {
	busy, free := fields{"android": "1", oldAndroid: "0"}, fields{"android": "0", oldAndroid: "0"}
	v.truth.SetUser("c2", map[string]string{"android": "1", oldAndroid: "0"}, "123")
	v.truth.SetUser("c3", map[string]string{"android": "0", oldAndroid: "0"}, "")
	list := func(total int, entries ...any) fields {
		return returned(fields{"totalnum": count(total), "sublist": entries})
	}
	until := func(uid string, seconds int) fields { return fields{"uid": uid, "expiry": later(seconds)} }
	unknown := []any{} // TEST: the status of somebody unknown is a list
	return append([]sdkStep{
		{name: "as in the sample", call: "subscribePresence", args: fields{"usernames": []string{"c2", "c3"}, "expiry": 1000},
			seen: "POST " + sdkPresence + `/1000 {"usernames":["c2","c3"]}`,
			want: returned([]any{subscribed("c2", "123", busy, later(0), later(1000)), subscribed("c3", "", free, later(0), later(1000))})},
		{name: "somebody unknown, 30 days", call: "subscribePresence", args: fields{"usernames": []string{"nobody"}, "expiry": 2592000},
			seen: "POST " + sdkPresence + `/2592000 {"usernames":["nobody"]}`,
			want: returned([]any{subscribed("nobody", "", unknown, count(0), later(2592000))})},
		{name: "as in the sample", call: "getPresenceStatus", args: fields{"usernames": []string{"c2", "c3"}},
			seen: "POST " + sdkPresence + ` {"usernames":["c2","c3"]}`,
			want: returned([]any{toldOf("c2", "123", busy, later(0)), toldOf("c3", "", free, later(0))})},
		{name: "unknown, not subscribed", call: "getPresenceStatus", args: fields{"usernames": []string{"nobody-else"}},
			seen: "POST " + sdkPresence + ` {"usernames":["nobody-else"]}`,
			want: returned([]any{toldOf("nobody-else", "", unknown, count(0))})},
		{name: "in capitals", call: "getPresenceStatus", args: fields{"usernames": []string{"C2"}},
			seen: "POST " + sdkPresence + ` {"usernames":["C2"]}`,
			want: returned([]any{toldOf("c2", "123", busy, later(0))})}, // ED+: names in answers are lower case
		{name: "a hundred", call: "getPresenceStatus", args: fields{"usernames": people(100)},
			seen: "POST " + sdkPresence + ` {"usernames":["` + strings.Join(people(100), `","`) + `"]}`,
			want: returned(manyUnknown(people(100)))},
		{name: "the newest first", call: "getSubscribedPresencelist", args: fields{"pageNum": 1, "pageSize": 100},
			seen: "GET " + sdkPresence + "/sublist?pageNum=1&pageSize=100",
			want: list(3, until("nobody", 2592000), until("c3", 1000), until("c2", 1000))},
		{name: "page 2 of 2", call: "getSubscribedPresencelist", args: fields{"pageNum": 2, "pageSize": 2},
			seen: "GET " + sdkPresence + "/sublist?pageNum=2&pageSize=2",
			want: list(3, until("c2", 1000))},
		{name: "page 0, as the vendor's own test asks", call: "getSubscribedPresencelist", args: fields{"pageNum": 0, "pageSize": 2},
			seen: "GET " + sdkPresence + "/sublist?pageNum=0&pageSize=2",
			want: list(3, until("nobody", 2592000), until("c3", 1000))},
		{name: "beyond the end", call: "getSubscribedPresencelist", args: fields{"pageNum": 9, "pageSize": 100},
			seen: "GET " + sdkPresence + "/sublist?pageNum=9&pageSize=100",
			want: list(3)},
		{name: "the old name", call: "getSubscribedPresenceList", args: fields{"pageNum": 1, "pageSize": 1},
			seen: "GET " + sdkPresence + "/sublist?pageNum=1&pageSize=1",
			want: list(3, until("nobody", 2592000))},
		{name: "renewed for longer", call: "subscribePresence", args: fields{"usernames": []string{"c2"}, "expiry": 5000},
			seen: "POST " + sdkPresence + `/5000 {"usernames":["c2"]}`,
			want: returned([]any{subscribed("c2", "123", busy, later(0), later(5000))})},
		{name: "a bare list", call: "unsubscribePresence", args: fields{"usernames": []string{"c2", "nobody"}},
			seen: "DELETE " + sdkPresence + ` ["c2","nobody"]`, want: returnsNothing},
		{name: "oneself, and one never subscribed", call: "unsubscribePresence", args: fields{"usernames": []string{"wzy", "c9"}},
			seen: "DELETE " + sdkPresence + ` ["wzy","c9"]`, want: returnsNothing}, // TS5
		{name: "once they are gone", call: "getSubscribedPresencelist", args: fields{"pageNum": 1, "pageSize": 100},
			seen: "GET " + sdkPresence + "/sublist?pageNum=1&pageSize=100",
			want: list(1, until("c3", 1000))},
	}, sdkSets()...)
}

// sdkSets are what a page says of its own user.
func sdkSets() []sdkStep {
	const set = "POST " + sdkPresence + "/webim_dev1/1 "
	long := strings.Repeat("é", 512)
	is := func(ext string) func(testing.TB, *emulator.Server) {
		return func(t testing.TB, truth *emulator.Server) {
			require.Equal(t, map[string]string{"webim_dev1": "1"}, truth.Users("wzy")["wzy"].Status)
			require.Equal(t, ext, truth.Users("wzy")["wzy"].Ext)
		}
	}
	return []sdkStep{
		{name: "a word", call: "publishPresence", args: fields{"description": "busy"}, seen: set + `{"ext":"busy"}`, want: returnsNothing, after: is("busy")},
		{name: "which others are told", call: "getPresenceStatus", args: fields{"usernames": []string{"wzy"}},
			seen: "POST " + sdkPresence + ` {"usernames":["wzy"]}`,
			want: returned([]any{toldOf("wzy", "busy", fields{"webim_dev1": "1"}, later(0))})},
		{name: "1024 bytes", call: "publishPresence", args: fields{"description": long}, seen: set + `{"ext":"` + long + `"}`, want: returnsNothing, after: is(long)},
		{name: "none", call: "publishPresence", args: fields{"description": ""}, seen: set + `{"ext":""}`, want: returnsNothing, after: is("")},
	}
}

// manyUnknown is what a get tells of people who do not exist: one entry each (TS5), in the order asked (INF).
func manyUnknown(uids []string) []any {
	list := make([]any, len(uids))
	for i, uid := range uids {
		list[i] = toldOf(uid, "", []any{}, count(0))
	}
	return list
}
