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

// Whatever is subscribed, renewed and unsubscribed in whatever order: the newcomer is in, who made room for it had
// the least time left, and the list is the truth of ten seconds ago, without what has expired since.
func TestSubscriptionsAreWhatThePlainestOnesAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lag = 10 * time.Second
		rng := rand.New(rand.NewPCG(1, 2))
		want := &plainSubs{most: 12, mostOf: 3}
		got := newSubscriptions(Options{MaxSubscriptions: want.most, MaxSubscribers: want.mostOf, ListLag: lag})
		ops := names("op", 6)
		for range 3000 {
			op, uids := ops[rng.IntN(len(ops))], names("u", 20)[rng.IntN(15):][:1+rng.IntN(5)]
			expiry := time.Now().Add(time.Duration(1+rng.IntN(90)) * time.Second)
			want.expire()
			if rng.IntN(4) == 0 {
				got.unsubscribe(op, uids)
				want.unsubscribe(op, uids)
			} else {
				got.subscribe(op, uids, expiry)
				want.subscribe(op, uids, expiry)
			}
			want.past = append(want.past, past{time.Now(), slices.Clone(want.subs)})
			time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
			want.expire()
			for _, op := range ops {
				equal(t, got.of(op), want.of(op))
				shown, total := got.list(op, 1, 100)
				equal(t, total, len(shown))
				var list []plainSub
				for _, l := range shown {
					list = append(list, plainSub{op, l.uid, l.expiry})
				}
				equal(t, list, want.list(op, time.Now().Add(-lag)))
			}
		}
		check(t, want.evicted[0] > 100 && want.evicted[1] > 100, "only %v made room", want.evicted)
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

// Operators without number need no memory without end.
func TestSubscriptionsAreBoundedInAll(t *testing.T) {
	o := quiet()
	o.LimitPerS, o.ListLag = -1, -1
	s := newServer(t, o)
	s.subs.atAll = 300
	for i := range 10 {
		sub(t, s, fmt.Sprint("op", i), 1000+i, names("u", 100)...)
	}
	equal(t, s.Stats().Subscriptions, map[string]int{"op7": 100, "op8": 100, "op9": 100})
	equal(t, len(s.subs.ops), 3)
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

// Beyond the most subscribers, the newcomer is in, and whoever has the least time left is out and not told.
func TestSubscribersOfAUserAreBounded(t *testing.T) {
	o := quiet()
	o.MaxSubscribers, o.ListLag = 2, -1
	s := newServer(t, o)
	sub(t, s, "op-1", 100, "a", "b")
	sub(t, s, "op-2", 50, "a", "b")
	sub(t, s, "op-3", 10, "a") // less time than anybody, and in all the same
	equal(t, s.Stats().Subscriptions, map[string]int{"op-1": 2, "op-2": 1, "op-3": 1})
	equal(t, list(t, s, "op-2", 1, 10).uids(), []string{"b"})
	sub(t, s, "op-3", 200, "a") // renewed: nobody has to go
	sub(t, s, "op-2", 300, "a")
	equal(t, list(t, s, "op-1", 1, 10).uids(), []string{"b"})
	unsub(t, s, "op-3", "a")
	sub(t, s, "op-1", 60, "a")
	equal(t, s.Stats().Subscriptions, map[string]int{"op-1": 2, "op-2": 2})
}

func TestDefaultOfSubscribersIs3000(t *testing.T) {
	o := quiet()
	o.LimitPerS, o.ListLag = -1, -1
	s := newServer(t, o)
	for i := range 3001 {
		sub(t, s, fmt.Sprint("op-", i), 1000+i, "star")
	}
	equal(t, len(s.Stats().Subscriptions), 3000)
	equal(t, len(s.Subscriptions("op-0")), 0)
}

// What is subscribed late is nobody's before it is done; then it lasts as long as was asked, and the list hears of
// it as late as of everything.
func TestSubscribingLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.AsyncAbove, o.NeedSubscription = 2, true
		s := newServer(t, o)
		start := time.Now()
		equal(t, ask(t, s, "POST", "/users/op/presence/60", usernames("a", "b", "c")).Body.String(), `{"result":[]}`)
		sub(t, s, "op", 30, "d", "a") // two are done at once; the order of before has not come yet
		known := func() int {
			return len(asked[[]gotEntry](t, s, "POST", "/users/op/presence", usernames("a", "b", "c", "d")))
		}
		equal(t, known(), 2)
		time.Sleep(2*time.Second - 1)
		equal(t, known(), 2)
		time.Sleep(time.Nanosecond)
		equal(t, known(), 4)
		equal(t, s.Subscriptions("op")["a"], start.Add(time.Minute))
		time.Sleep(10*time.Second - 1)
		equal(t, list(t, s, "op", 1, 9).uids(), []string{"a", "d"})
		time.Sleep(time.Nanosecond)
		equal(t, list(t, s, "op", 1, 9).uids(), []string{"c", "b", "a", "d"})
		time.Sleep(18 * time.Second)
		equal(t, list(t, s, "op", 1, 9).uids(), []string{"c", "b", "a"})
		time.Sleep(30 * time.Second)
		equal(t, known(), 0)
	})
}

// However long nobody has looked, everything has happened when it was due: here somebody is evicted by what comes
// late, and then that expires too.
func TestWhatIsDueHappensInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.AsyncAbove, o.AsyncDelay, o.MaxSubscriptions = 1, time.Second, 2
		s := newServer(t, o)
		sub(t, s, "op", 10, "a")
		equal(t, len(asked[[]gotEntry](t, s, "POST", "/users/op/presence/20", usernames("b", "c"))), 0)
		time.Sleep(time.Second)
		time.Sleep(9 * time.Second)
		equal(t, len(s.Subscriptions("op")), 2)
		time.Sleep(5 * time.Second)
		equal(t, list(t, s, "op", 1, 9).uids(), []string{"c", "b"})
		time.Sleep(5 * time.Second)
		equal(t, len(s.Subscriptions("op")), 0)
		time.Sleep(10 * time.Second)
		equal(t, list(t, s, "op", 1, 9).uids(), []string{})
	})
}

// Whose subscription is over when a late one comes is subscribed anew, not renewed.
func TestLateIsAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := quiet()
		o.AsyncAbove = 2
		s := newServer(t, o)
		sub(t, s, "op", 1, "a")
		sub(t, s, "op", 100, "b")
		equal(t, len(asked[[]gotEntry](t, s, "POST", "/users/op/presence/100", usernames("a", "c", "d"))), 0)
		time.Sleep(12 * time.Second)
		equal(t, list(t, s, "op", 1, 9).uids(), []string{"d", "c", "a", "b"})
	})
}

// Nothing is left of operators and users who have come and gone.
func TestSubscriptionsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, quiet())
		for i := range 40 {
			sub(t, s, fmt.Sprint("op-", i), 5, names("u", 100)...)
			time.Sleep(time.Second / 10)
		}
		unsub(t, s, "nobody", names("u", 100)...)
		time.Sleep(5 * time.Second)
		s.Stats() // everybody has expired, and the lists lag
		time.Sleep(10 * time.Second)
		s.Stats()
		equal(t, len(s.subs.ops)+len(s.subs.users)+len(s.subs.later)+s.subs.all.Len(), 0)
	})
}

// One call costs what it names, whatever else is subscribed: 10 operators of 3,000 each, all of them full.
func BenchmarkSubscriptions(b *testing.B) {
	s := newSubscriptions(Options{ListLag: -1}.withDefaults())
	ops := names("op", 10)
	for i, op := range ops {
		s.subscribe(op, names(fmt.Sprint("u", i), 3000), time.Now().Add(time.Hour))
	}
	some := make([][]string, 64)
	for i := range some {
		some[i] = names(fmt.Sprint("v", i), 100)
	}
	for name, call := range map[string]func(op string, i int){
		"renew": func(op string, _ int) { s.subscribe(op, some[0], time.Now().Add(time.Hour)) },
		"evict": func(op string, i int) { s.subscribe(op, some[i%len(some)], time.Now().Add(time.Hour)) },
		"among": func(op string, i int) { s.among(op, some[i%len(some)]) },
		"list":  func(op string, i int) { s.list(op, 1+i%6, 500) },
	} {
		b.Run(name, func(b *testing.B) {
			i := 0
			for b.Loop() {
				call(ops[i%len(ops)], i)
				i++
			}
		})
	}
}
