//go:build linux

package fanout

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	patience  = 10 * time.Second       // without a delivery: what is still missing is lost
	lookAgain = 500 * time.Microsecond // at what has been received
)

// audience is who watches whom.
type audience struct {
	clients [][]int // the users of each
	each    []int64 // user -> how many watch
	all     int64   // the sum of each
}

// spread has each of so many clients watch per of so many users, by lot, and the same lot always.
func spread(clients, per, users int) audience {
	lot := rand.New(rand.NewPCG(1, 2))
	list := make([][]int, clients)
	for i := range list {
		taken := map[int]bool{}
		for len(taken) < min(per, users) {
			uid := 1 + lot.IntN(users)
			if !taken[uid] {
				taken[uid] = true
				list[i] = append(list[i], uid)
			}
		}
	}
	return audienceOf(list, users)
}

// audienceOf is these clients, who watch some of so many users.
func audienceOf(clients [][]int, users int) audience {
	a := audience{clients: clients, each: make([]int64, users+1)}
	for _, uids := range clients {
		for _, uid := range uids {
			a.each[uid]++
		}
		a.all += int64(len(uids))
	}
	return a
}

// session is a crowd before a target, with its loads one after the other.
type session struct {
	t        testing.TB
	at       *target
	crowd    *crowd
	audience audience
	next     int           // of users: whose turn to change it was last
	newest   []int64       // of each user: when the last change was published; nil: nobody asks
	patience time.Duration // see the constant
}

// connect gathers the audience before the target, and waits until what that began is over.
func connect(t testing.TB, at *target, a audience, wait time.Duration) *session {
	t.Helper()
	s := &session{t: t, at: at, crowd: newCrowd(t, at.at[0], a.clients), audience: a, patience: patience}
	s.crowd.gather()
	time.Sleep(wait)
	return s
}

func (s *session) end() {
	s.crowd.stop()
	s.at.stop()
}

// result is what a load came to.
type result struct {
	expected, received, bytes int64
	perSecond                 float64 // deliveries, until the last was published
	cpu                       time.Duration
	latency                   *histogram
}

func (r result) missing() int64 { return r.expected - r.received }

// perDelivery is the server's processor time in µs.
func (r result) perDelivery() float64 {
	return float64(r.cpu.Nanoseconds()) / 1000 / float64(r.received)
}

// change publishes the next user's change, and says how many are to be told. All users change once before one changes
// again, and nobody before those who watch have been told: a hub tells the newest state alone.
func (s *session) change(outstanding func() int64) int64 {
	s.t.Helper()
	s.next = s.next%(len(s.audience.each)-1) + 1
	told := s.audience.each[s.next]
	if outstanding()+told > s.audience.all {
		s.flush()
		if !s.awaits(func() bool { return outstanding()+told <= s.audience.all }, outstanding) {
			s.t.Fatalf("%d deliveries are missing", outstanding())
		}
	}
	now := time.Now()
	if s.newest != nil {
		s.newest[s.next] = now.UnixNano()
	}
	if err := s.at.publish(s.next, stamp(now)); err != nil {
		s.t.Fatal("publishing:", err)
	}
	return told
}

func (s *session) flush() {
	s.t.Helper()
	require.NoError(s.t, s.at.flush())
}

// rate publishes so many changes a second for a while, and waits for their deliveries.
func (s *session) rate(perSecond int, d time.Duration) result {
	s.t.Helper()
	return s.measure(func(r *result, outstanding func() int64) {
		begun := time.Now()
		for k := range int(d.Seconds() * float64(perSecond)) {
			if wait := time.Until(begun.Add(time.Duration(k) * time.Second / time.Duration(perSecond))); wait > 0 {
				s.flush()
				time.Sleep(wait)
			}
			r.expected += s.change(outstanding)
		}
	})
}

// saturate publishes for a while as fast as it is delivered, with at most so many deliveries a client outstanding.
func (s *session) saturate(each int, d time.Duration) result {
	s.t.Helper()
	return s.measure(func(r *result, outstanding func() int64) {
		most := int64(each * len(s.audience.clients))
		for end := time.Now().Add(d); time.Now().Before(end); nap(lookAgain) {
			for room := most - outstanding(); room > 0; {
				told := s.change(outstanding)
				r.expected += told
				room -= told
			}
			s.flush()
		}
	})
}

// measure takes what a load costs, from its beginning until what it published has been delivered.
func (s *session) measure(load func(r *result, outstanding func() int64)) result {
	s.t.Helper()
	r := result{latency: &histogram{}}
	before, bytes, cpu, begun := s.crowd.received.Load(), s.crowd.bytes.Load(), s.at.cpu(), time.Now()
	received := func() int64 { return s.crowd.received.Load() - before }
	outstanding := func() int64 { return r.expected - received() }
	s.crowd.latency.Store(r.latency)
	load(&r, outstanding)
	s.flush()
	r.perSecond = float64(received()) / time.Since(begun).Seconds()
	s.awaits(func() bool { return outstanding() <= 0 }, outstanding)
	s.crowd.latency.Store(nil)
	r.received, r.cpu, r.bytes = received(), s.at.cpu()-cpu, s.crowd.bytes.Load()-bytes
	if err := s.crowd.failed.Load(); err != nil {
		s.t.Fatal(*err)
	}
	return r
}

// awaits waits until it is so, for as long as anything comes.
func (s *session) awaits(so func() bool, outstanding func() int64) bool {
	last, since := outstanding(), time.Now()
	for !so() {
		time.Sleep(lookAgain)
		if n := outstanding(); n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) > s.patience {
			return false
		}
	}
	return true
}
