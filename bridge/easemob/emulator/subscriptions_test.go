package emulator

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func sub(t *testing.T, s *Server, op string, seconds int, uids ...string) {
	t.Helper()
	asked[[]gotEntry](t, s, http.MethodPost, fmt.Sprintf("/users/%s/presence/%d", op, seconds), usernames(uids...))
}

func unsub(t *testing.T, s *Server, op string, uids ...string) {
	t.Helper()
	equal(t, asked[string](t, s, http.MethodDelete, "/users/"+op+"/presence", bare(uids...)), "ok")
}

func list(t *testing.T, s *Server, op string, page, size int) gotList {
	t.Helper()
	return asked[gotList](t, s, http.MethodGet, fmt.Sprintf("/users/%s/presence/sublist?pageNum=%d&pageSize=%d", op, page, size), "")
}

func TestSubscriptionsExpireAndAreOverwritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.ListLag = -1
		s := newServer(t, o)
		start := time.Now()
		sub(t, s, "op", 60, "a", "b")
		time.Sleep(30 * time.Second)
		sub(t, s, "op", 60, "b")
		equal(t, s.Subscriptions("OP"), map[string]time.Time{"a": start.Add(time.Minute), "b": start.Add(90 * time.Second)})
		time.Sleep(30 * time.Second)
		equal(t, len(s.Subscriptions("op")), 1)
		equal(t, list(t, s, "op", 1, 10).uids(), []string{"b"})
		sub(t, s, "op", 5, "b") // shorter: overwritten all the same
		time.Sleep(5 * time.Second)
		equal(t, list(t, s, "op", 1, 10).TotalNum, "0")
		equal(t, s.Stats().Subscriptions, map[string]int{})
		sub(t, s, "op", 2592000, "b")
		time.Sleep(30*24*time.Hour - 1)
		equal(t, len(s.Subscriptions("op")), 1)
		time.Sleep(time.Nanosecond)
		equal(t, len(s.Subscriptions("op")), 0)
	})
}

// Whatever is subscribed in whatever order: the newcomer is in, and whoever went had the least time left.
func TestEvictionTakesTheShortest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 20
		rng := rand.New(rand.NewPCG(1, 2))
		subs := &subscriptions{most: most, lag: -1, ops: make(map[string]*operator)}
		for range 2000 {
			before := subs.subscribed("op")
			uid := fmt.Sprintf("u%d", rng.IntN(60))
			expiry := time.Now().Add(time.Duration(1+rng.IntN(300)) * time.Second)
			subs.subscribe("op", []string{uid}, expiry)
			after := subs.subscribed("op")
			equal(t, after[uid], expiry)
			check(t, len(after) <= most, "%d subscriptions", len(after))
			for gone := range before {
				if _, ok := after[gone]; ok {
					continue
				}
				for kept, expiry := range after {
					check(t, kept == uid || !expiry.Before(before[gone]), "%s went before %s, which had less time", gone, kept)
				}
			}
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
		}
	})
}

func TestEvictionIsSilentAndOfOneOperator(t *testing.T) {
	o := quiet()
	o.MaxSubscriptions, o.ListLag = 3, -1
	s := newServer(t, o)
	sub(t, s, "op", 100, "a", "b")
	sub(t, s, "op", 50, "c")
	sub(t, s, "other", 10, "c")
	sub(t, s, "op", 10, "d") // less time than anybody, and in all the same
	equal(t, list(t, s, "op", 1, 10).uids(), []string{"d", "b", "a"})
	equal(t, s.Stats().Subscriptions, map[string]int{"op": 3, "other": 1})
}

func TestDefaultCapacityIs3000(t *testing.T) {
	o := quiet()
	o.LimitPerS = -1
	s := newServer(t, o)
	for i := range 31 {
		sub(t, s, "op", 1000+i, names(fmt.Sprint("u", i), 100)...)
	}
	until := s.Subscriptions("op")
	equal(t, len(until), 3000)
	for _, uid := range names("u0", 100) {
		check(t, until[uid].IsZero(), "%s outlived those with more time", uid)
	}
}

func TestListLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, quiet())
		equal(t, list(t, s, "op", 1, 10).uids(), []string{})
		sub(t, s, "op", 100, "a")
		time.Sleep(10*time.Second - 1)
		equal(t, list(t, s, "op", 1, 10).TotalNum, "0")
		equal(t, len(s.Subscriptions("op")), 1)
		time.Sleep(time.Nanosecond)
		equal(t, list(t, s, "op", 1, 10).uids(), []string{"a"})
		unsub(t, s, "op", "A", "never")
		equal(t, len(s.Subscriptions("op")), 0)
		time.Sleep(10*time.Second - 1)
		equal(t, list(t, s, "op", 1, 10).uids(), []string{"a"})
		time.Sleep(time.Nanosecond)
		equal(t, list(t, s, "op", 1, 10).uids(), []string{})
	})
}

// The pages of a list at rest are a partition of it, however long they are.
func TestPagesArePartition(t *testing.T) {
	o := quiet()
	o.ListLag, o.MaxPageSize, o.LimitPerS = -1, 7, -1
	s := newServer(t, o)
	all := names("u", 23)
	sub(t, s, "op", 100, all...)
	slices.Reverse(all)
	for size, clamped := range map[int]int{1: 1, 5: 5, 7: 7, 500: 7} {
		var seen []string
		for page := 1; len(seen) < len(all); page++ {
			l := list(t, s, "op", page, size)
			check(t, len(l.SubList) > 0 && len(l.SubList) <= clamped, "page %d of %d has %d", page, size, len(l.SubList))
			equal(t, l.TotalNum, "23")
			seen = append(seen, l.uids()...)
		}
		equal(t, seen, all)
		equal(t, list(t, s, "op", 1000, size).uids(), []string{})
	}
	equal(t, asked[gotList](t, s, "GET", "/users/op/presence/sublist", "").uids(), all[:1])
	equal(t, asked[gotList](t, s, "GET", "/users/op/presence/sublist?pageNum=0&pageSize=2", "").uids(), all[:2])
	equal(t, asked[gotList](t, s, "GET", "/users/op/presence/sublist?pageNum=2147483647&pageSize=2147483647", "").uids(), []string{})
}

func TestUnsubscribingOneselfSucceeds(t *testing.T) {
	unsub(t, newServer(t, quiet()), "me", "me")
}
