package emulator

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Ninety failures within thirty seconds, and nothing is told for five minutes, nor ever after what happened in them.
func TestFailuresBanTheRule(t *testing.T) {
	r := &receiver{answer: func(n int) (int, string) { return 500, "" }}
	inBubble(t, calling(r), func(t *testing.T, s *Server) {
		flip := func(i int) { s.SetUser("a", map[string]string{"ios": fmt.Sprint(i % 2)}, "") }
		for i := range 45 { // two posts each
			equal(t, s.Stats().Callbacks.Bans, 0)
			flip(i + 1)
			time.Sleep(600 * time.Millisecond)
		}
		equal(t, len(r.got()), 90)
		equal(t, s.Stats().Callbacks, CallbackStats{Events: 45, Failed: 90, Lost: 45, Bans: 1})
		r.answer = nil
		flip(0)
		time.Sleep(banStep - 601*time.Millisecond)
		flip(1)
		synctest.Wait()
		equal(t, len(r.got()), 90)
		time.Sleep(time.Millisecond)
		flip(0)
		synctest.Wait()
		equal(t, len(r.got()), 91)
		equal(t, s.Stats().Callbacks, CallbackStats{Events: 48, Failed: 90, Lost: 45, Banned: 2, Bans: 1, Sent: 1})
	})
}

// What waited when a ban began is not told, nor is what happened in it and would be due after it.
func TestWhatWaitsIsBannedToo(t *testing.T) {
	r := &receiver{answer: func(int) (int, string) { return 500, "" }}
	o := calling(r)
	o.Callback.Merge = time.Second
	inBubble(t, o, func(t *testing.T, s *Server) {
		s.SetUser("a", on(names("ios", 90)...), "") // one change, ninety logins
		time.Sleep(o.Callback.Merge + banStep - time.Millisecond)
		stats := s.Stats().Callbacks
		equal(t, stats.Bans, 1)
		check(t, stats.Banned > 0 && stats.Banned+stats.Lost == 90 && stats.Waiting == 0, "%+v", stats)
		posts := len(r.got())
		s.SetUser("b", on("ios"), "")
		time.Sleep(time.Hour)
		equal(t, len(r.got()), posts)
	})
}

func TestBansGrow(t *testing.T) {
	var b ban
	now := time.Unix(1_700_000_000, 0)
	fail := func(n int) (bans int) {
		for range n {
			if b.fail(now) {
				bans++
			}
		}
		return bans
	}
	equal(t, fail(89), 0)
	now = now.Add(banWindow)
	equal(t, fail(89), 0) // the others are past
	for _, minutes := range []int{5, 10, 15, 20, 25, 25, 25} {
		fail(90)
		equal(t, b.until, now.Add(time.Duration(minutes)*time.Minute))
		equal(t, fail(1000), 0) // while it lasts nothing counts
		now = b.until
		check(t, !b.on(now), "banned for too long")
	}
	now = now.Add(banMemory)
	equal(t, fail(90), 1)
	equal(t, b.until, now.Add(5*time.Minute))
}

// An answer of more than 1000 characters is a success that counts towards a ban; bytes are not characters.
func TestLongAnswersBan(t *testing.T) {
	for n, bans := range map[int]int{1000: 0, 1001: 1, 100_000: 1} {
		r := &receiver{answer: func(int) (int, string) { return 200, strings.Repeat("界", n) }}
		inBubble(t, calling(r), func(t *testing.T, s *Server) {
			for i := range 90 {
				s.SetUser("a", map[string]string{"ios": fmt.Sprint((i + 1) % 2)}, "")
				synctest.Wait()
			}
			equal(t, s.Stats().Callbacks, CallbackStats{Events: 90, Sent: 90, TooLong: 90 * bans, Bans: bans})
		})
	}
}
