package hub

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// crowded is a hub with so many sessions, each of which watches so many of 10,000 users.
func crowded(b *testing.B, sessions, each int) (*Hub, []*session) {
	h := quietHub(b)
	h.hear(live())
	all := uidsOf(names(0, 10_000))
	for i, uid := range all {
		h.Apply(entry(uint64(i+1), uid, online("here"), bridge.ChangedFirst))
	}
	list := make([]*session, sessions)
	for i := range list {
		list[i] = greeted(b, h, grant{open: true})
		from := rand.IntN(len(all) - each)
		if each == 0 {
			continue
		}
		if err := h.subscribe(b.Context(), list[i], "", all[from:from+each], ""); err != nil {
			b.Fatal(err)
		}
		h.pull(list[i])
	}
	return h, list
}

// BenchmarkApply is one message of the log, with 5,000 sessions of 100 users each.
func BenchmarkApply(b *testing.B) {
	h, _ := crowded(b, 5000, 100)
	all := uidsOf(names(0, 10_000))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Apply(entry(uint64(20_000+i), all[i%len(all)], online("there"), bridge.ChangedExt))
	}
}

// BenchmarkSubscribe is a new session's subscribe of 100 users whose states are known, and its answer.
func BenchmarkSubscribe(b *testing.B) {
	h, _ := crowded(b, 100, 100)
	all := uidsOf(names(0, 100))
	b.ReportAllocs()
	for b.Loop() {
		s := greeted(b, h, grant{open: true})
		if err := h.subscribe(b.Context(), s, "", all, ""); err != nil {
			b.Fatal(err)
		}
		h.pull(s)
		h.exit(s)
	}
}

// BenchmarkSubscribeMessage is what a new client's subscribe of 100 users costs from the message to its answer as it goes
// over the wire: of users whose states are known, of such as nobody has seen yet, and of those whom a crowd watches, each
// client other ones, which no processor's cache holds.
func BenchmarkSubscribeMessage(b *testing.B) {
	subscribe := func(uids []string) []byte {
		return encode(map[string]any{"type": "subscribe", "id": "1", "uids": uids})
	}
	some := func() (list []string) {
		for _, i := range rand.Perm(10_000)[:100] {
			list = append(list, names(i, 1)...)
		}
		return list
	}
	crowd := make([][]byte, 1000)
	for i := range crowd {
		crowd[i] = subscribe(some())
	}
	for name, messages := range map[string][][]byte{"known": {subscribe(names(0, 100))}, "pending": {subscribe(names(20_000, 100))}, "crowd": crowd} {
		b.Run(name, func(b *testing.B) {
			h, _ := crowded(b, 100, 100)
			var buf []byte
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k := &socket{hub: h, session: greeted(b, h, grant{open: true})}
				if err := k.answer(b.Context(), messages[i%len(messages)]); err != nil {
					b.Fatal(err)
				}
				h.mu.Lock()
				if h.take(k.session, &buf) == nil {
					b.Fatal("no answer")
				}
				h.mu.Unlock()
				if len(messages) == 1 { // a crowd stays
					h.exit(k.session)
				}
			}
		})
	}
}

// BenchmarkRound is what a hub under load does beside writing: 2,600 messages of the log, of which each of 5,000 sessions that
// watch 100 of 10,000 users is told in one write.
func BenchmarkRound(b *testing.B) {
	const changes = 2_600
	h, list := crowded(b, 5000, 0)
	all, seq, buf, told := uidsOf(names(0, 10_000)), uint64(20_000), []byte(nil), 0
	for _, s := range list {
		some := make([]bridge.UID, 100)
		for i, n := range rand.Perm(len(all))[:len(some)] {
			some[i] = all[n]
		}
		if err := h.subscribe(b.Context(), s, "", some, ""); err != nil {
			b.Fatal(err)
		}
		h.pull(s)
	}
	for b.Loop() {
		for range changes {
			h.apply(entry(seq, all[seq%uint64(len(all))], online("there"), bridge.ChangedExt))
			seq++
		}
		h.mu.Lock()
		for _, s := range list {
			h.take(s, &buf)
			told += len(h.told)
		}
		h.mu.Unlock()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(told), "ns/delivery")
}

// BenchmarkChanges is the message that tells a session of the changes of 1, 10 and 100 users.
func BenchmarkChanges(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h, list := crowded(b, 1, 100)
			s := list[0]
			b.ReportAllocs()
			for b.Loop() {
				h.mu.Lock()
				for i := range n {
					h.note(s, i)
				}
				h.mu.Unlock()
				h.pull(s)
			}
		})
	}
}

// BenchmarkEverybodyLeaves is 5,000 sessions that watch the same 100 users and go at once.
func BenchmarkEverybodyLeaves(b *testing.B) {
	all := uidsOf(names(0, 100))
	h := quietHub(b)
	for b.Loop() {
		b.StopTimer()
		var list []*session
		for range 5000 {
			s := greeted(b, h, grant{open: true})
			if err := h.subscribe(b.Context(), s, "", all, ""); err != nil {
				b.Fatal(err)
			}
			h.pull(s)
			list = append(list, s)
		}
		b.StartTimer()
		for _, s := range list {
			h.exit(s)
		}
	}
}
