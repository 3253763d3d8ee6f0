package keeper

import (
	"runtime"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// fullBook is ten operators, full to the last place, and as many again who wait.
func fullBook(users []bridge.UID) (*book, time.Time) {
	c := Config{Operators: operators(10), ID: "bench"}.withDefaults()
	now := worldStart
	b := newBook(c, now)
	for _, uid := range users {
		b.want(uid, now)
	}
	now = now.Add(time.Second)
	for {
		c, ok := b.take(now)
		if !ok {
			return b, now
		}
		b.subscribed(c, now, answered(c, now.Add(24*time.Hour)), now)
	}
}

func answered(c batch, until time.Time) map[bridge.UID]time.Time {
	answer := make(map[bridge.UID]time.Time, len(c.uids))
	for _, uid := range c.uids {
		answer[uid] = until
	}
	return answer
}

// BenchmarkStart is all the thinking about thirty thousand users at a start, a user at a time.
func BenchmarkStart(b *testing.B) {
	users := people("u", 30000)
	for b.Loop() {
		fullBook(users)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/30000, "ns/user")
}

// BenchmarkStep is what the loop does each time around, with a book that is full and half of the watched waiting.
func BenchmarkStep(b *testing.B) {
	book, now := fullBook(people("u", 60000))
	for b.Loop() {
		if _, ok := book.take(now); ok {
			b.Fatal("there is something to do")
		}
		book.next()
	}
}

// BenchmarkRenewal is a full renewal call: choosing who is in it, and planning the next of each.
func BenchmarkRenewal(b *testing.B) {
	book, now := fullBook(people("u", 30000))
	for _, op := range book.operators {
		op.listAt = now.Add(never)
	}
	for b.Loop() {
		now, _ = book.next()
		c, ok := book.take(now)
		if !ok || len(c.uids) != maxBatch {
			b.Fatal("not a full call")
		}
		book.subscribed(c, now, answered(c, now.Add(24*time.Hour)), now)
	}
}

// BenchmarkWalk holds a list of 3,000 against the book.
func BenchmarkWalk(b *testing.B) {
	book, now := fullBook(people("u", 30000))
	op := book.operators[0]
	var list []easemob.Subscription
	for _, s := range op.calendar.slots {
		for _, e := range s.users {
			list = append(list, easemob.Subscription{UID: string(e.uid), Expiry: e.until})
		}
	}
	now = now.Add(time.Minute)
	for b.Loop() {
		book.reconcile(op, list, now, now)
	}
	if book.news.lost+book.news.adopted > 0 {
		b.Fatal("the list is as the book")
	}
}

// BenchmarkComeAndGo is one who comes to be watched and goes again, while the operators are full.
func BenchmarkComeAndGo(b *testing.B) {
	book, now := fullBook(people("u", 60000))
	for b.Loop() {
		book.want("somebody", now)
		book.take(now)
		book.unwant("somebody", now)
	}
}

// BenchmarkMemory is what a book of thirty thousand holds on to.
func BenchmarkMemory(b *testing.B) {
	users := people("u", 30000)
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		book, _ := fullBook(users)
		clear(book.dirty) // as it is once the ledger is written
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(book)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/30000, "B/user")
}
