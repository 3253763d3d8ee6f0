package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// second is a moment of the small history that the lies are about.
func second(n float64) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(n * float64(time.Second)))
}

// alice is "a" from second 0 on, "b" from 20, "c" and online from 40, and "a" again from 60. Bob is watched by nobody.
func smallHistory(uid bridge.UID) (moments []emulator.Moment) {
	if uid != "alice" && uid != "bob" {
		return nil
	}
	for i, ext := range []string{"a", "b", "c", "a"} {
		at := second(float64(20 * i))
		moment := emulator.Moment{At: at, User: emulator.User{Ext: ext, LastTime: at.Unix()}}
		if ext == "c" {
			moment.User.Status = map[string]string{"web": "1"}
		}
		moments = append(moments, moment)
	}
	return moments
}

// smallState is the state that the nth moment of the history began, from 0.
func smallState(n int) bridge.State { return truth(smallHistory("alice")[n].User) }

// smallCourt lets clocks be off by 5 s, and a look take a second.
func smallCourt() court {
	return court{
		history: smallHistory,
		watched: func(uid bridge.UID) []span {
			if uid != "alice" {
				return nil
			}
			return []span{{second(1), second(45)}, {second(52), time.Time{}}}
		},
		behind: 2 * time.Second, ahead: 3 * time.Second, look: time.Second, lag: 3 * time.Second,
	}
}

// at makes a message: which state was seen, when it was observed and is told not to have been before, and what it says
// has changed since which state, none for -1.
func at(seq uint64, state int, notBefore, observed float64, prev int, changed ...string) message {
	c := &bridge.Change{UID: "alice", State: smallState(state), ObservedAt: second(observed).UnixMilli(), Changed: changed, Source: bridge.SourcePoll}
	if notBefore > 0 {
		c.NotBefore = second(notBefore).UnixMilli()
	}
	if prev >= 0 {
		before := smallState(prev)
		c.Prev = &before
	}
	return message{seq: seq, stored: second(observed + 0.5), Change: c}
}

// honest is a log without a lie.
func honest() []message {
	return []message{
		at(1, 0, 0, 2, -1, "first"),
		at(2, 1, 18, 22, 0, "ext", "last_time"),
		at(3, 2, 38, 41, 1, "status", "ext", "last_time"),
		at(4, 2, 41, 46, 2, "unwatched"),
		at(5, 2, 46, 53, 2, "first"),
		at(6, 3, 58, 61, 2, "status", "ext", "last_time"),
	}
}

func TestAnHonestLogHasNoLies(t *testing.T) {
	for name, change := range map[string]func(log []message) []message{
		"as it is": func(log []message) []message { return log },
		"a clock that is ahead": func(log []message) []message {
			log[1].ObservedAt, log[1].stored = second(42.4).UnixMilli(), second(39.6)
			return log[:2]
		},
		"a clock that is behind": func(log []message) []message { log[5].ObservedAt = second(58).UnixMilli(); return log },
		"a look that takes a moment, and saw what came after it began": func(log []message) []message {
			log[1].ObservedAt, log[1].stored = second(17.1).UnixMilli(), second(20.2)
			log[1].NotBefore = second(15).UnixMilli()
			return log
		},
		"a net of several changes": func([]message) []message {
			return []message{at(1, 0, 0, 2, -1, "first"), at(2, 2, 18, 42, 0, "status", "ext", "last_time")}
		},
		"told of somebody a moment after": func(log []message) []message {
			return append(log[:2:2], at(3, 2, 38, 45.5, 1, "status", "ext", "last_time"))
		},
		"unwatched told a moment after": func(log []message) []message { log[3].stored = second(53); return log },
		"a tail that was lost, and whose times are remembered": func(log []message) []message {
			log[1].ObservedAt, log[1].stored = second(26).UnixMilli(), second(26.5)
			unwatched := at(2, 0, 2, 46, 0, "unwatched")
			unwatched.ObservedAt = log[1].ObservedAt
			return append(log[:2:2], message{seq: 2}, unwatched, at(3, 2, 26, 53, 0, "first"))
		},
		"a tail that was lost, and told again": func(log []message) []message {
			return append(log[:3:3], append([]message{{seq: 2}}, at(2, 2, 18, 41, 0, "status", "ext", "last_time"))...)
		},
	} {
		lies, _ := smallCourt().judge(change(honest()))
		require.Empty(t, lies, name)
	}
	c := smallCourt()
	c.slow = []span{{second(10), second(22)}}
	slowly := honest()
	slowly[1].ObservedAt, slowly[1].NotBefore = second(12).UnixMilli(), second(9).UnixMilli()
	lies, _ := c.judge(slowly)
	require.Empty(t, lies, "a look during which its poller stood still")
}

// Each lie is told in one message of an honest log, and found by what is said of it.
func TestLiesAreFound(t *testing.T) {
	for name, lie := range map[string]struct {
		tell func(log []message) []message
		says string
	}{
		"a state that never was": {func(l []message) []message {
			l[5].State = bridge.StateOf(nil, "z", l[5].LastTime)
			return l
		}, "never was so"},
		"a device that never was": {func(l []message) []message {
			l[5].State = bridge.StateOf(map[string]string{"web": "0"}, l[5].Ext, l[5].LastTime)
			return l
		}, "never was so"},
		"online, which the devices do not say": {func(l []message) []message { l[5].Online = true; return l }, "never was so"},
		"an older state over a newer one": {func(l []message) []message {
			return append(l, at(7, 1, 62, 63, 3, "ext", "last_time"))
		}, "older than the message before it"},
		"a state before it was so": {func(l []message) []message {
			l[1].ObservedAt, l[1].stored = second(15).UnixMilli(), second(21)
			l[1].NotBefore = second(10).UnixMilli()
			return l
		}, "not at observed_at"},
		"a state after it was so": {func(l []message) []message {
			l[1].ObservedAt, l[1].stored = second(44).UnixMilli(), second(44.5)
			return l[:2]
		}, "not at observed_at"},
		"a state seen after it was stored": {func(l []message) []message {
			l[5].ObservedAt, l[5].stored = second(59).UnixMilli(), second(59.9)
			return l
		}, "not at observed_at"},
		"observed after it was stored": {func(l []message) []message { l[5].ObservedAt += 3600; return l }, "observed after it was stored"},
		"not_before after observed_at": {func(l []message) []message { l[5].NotBefore = l[5].ObservedAt + 1; return l }, "not_before is after"},
		"not_before when it was not so yet": {func(l []message) []message {
			l[2].NotBefore = second(10).UnixMilli()
			return l
		}, "not true at not_before"},
		"not_before when it was not so any more": {func(l []message) []message {
			l[2].NotBefore, l[2].ObservedAt, l[2].stored = second(50).UnixMilli(), second(50).UnixMilli(), second(50)
			return l[:3]
		}, "not true at not_before"},
		"observed_at goes back":     {func(l []message) []message { l[3].ObservedAt = l[2].ObservedAt - 1; l[3].NotBefore--; return l }, "goes back"},
		"no prev":                   {func(l []message) []message { l[2].Prev = nil; return l }, "prev is not"},
		"another prev":              {func(l []message) []message { s := smallState(0); l[2].Prev = &s; return l }, "prev is not"},
		"a prev of nothing":         {func(l []message) []message { s := smallState(0); l[0].Prev = &s; return l }, "it has a prev"},
		"a message is missing":      {func(l []message) []message { return append(l[:1:1], l[2:]...) }, "prev is not"},
		"a message is there twice":  {func(l []message) []message { l[1].Prev = &l[1].State; return append(l[:2:2], l[1:]...) }, "prev is not"},
		"a beginning without first": {func(l []message) []message { l[0].Changed = []string{"ext"}; return l }, "does not say so"},
		"first among others":        {func(l []message) []message { l[1].Changed = []string{"first"}; return l }, "before it is"},
		"no first after unwatched":  {func(l []message) []message { l[4].Changed = []string{"ext"}; return l }, "before it is"},
		"too little has changed":    {func(l []message) []message { l[1].Changed = []string{"ext"}; return l }, "what has changed"},
		"too much has changed":      {func(l []message) []message { l[1].Changed = []string{"status", "ext", "last_time"}; return l }, "what has changed"},
		"nothing has changed":       {func(l []message) []message { return append(l, at(7, 3, 62, 63, 3)) }, "nothing has changed"},
		"unwatched twice":           {func(l []message) []message { return append(l[:4], at(5, 2, 41, 47, 2, "unwatched")) }, "unwatched already"},
		"unwatched with another state": {func(l []message) []message {
			l[3].State = smallState(1)
			return l[:4]
		}, "does not repeat"},
		"unwatched while watched": {func(l []message) []message {
			return append(l[:3:3], at(4, 2, 41, 43, 2, "unwatched"))
		}, "watched all the time"},
		"told of whom nobody watches": {func(l []message) []message {
			l[0].UID = "bob"
			return l[:1]
		}, "nobody watched"},
		"told of somebody long after": {func(l []message) []message { l[3].Changed, l[3].stored = []string{"ext"}, second(51); return l }, "nobody watched"},
		"told of nobody":              {func(l []message) []message { l[0].UID = "eve"; return l[:1] }, "never was so"},
		"the chain of what was lost": {func(l []message) []message {
			return append(l[:2:2], message{seq: 2}, at(2, 2, 22, 41, 1, "status", "ext", "last_time"))
		}, "prev is not"},
		"no first where all was lost": {func(l []message) []message {
			return append(l[:1:1], message{seq: 1}, at(1, 1, 18, 22, 0, "ext", "last_time"))
		}, "does not say so"},
	} {
		lies, _ := smallCourt().judge(lie.tell(honest()))
		found := false
		for _, said := range lies {
			found = found || strings.Contains(said, lie.says)
		}
		require.True(t, found, "%s: %q is not among %q", name, lie.says, lies)
	}
}
