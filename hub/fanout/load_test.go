//go:build linux

package fanout

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	lostAfter = 3 * time.Second        // without a delivery: what is still missing is lost
	lookAgain = 500 * time.Microsecond // at what has been received
)

// audience is who watches whom.
type audience struct {
	clients [][]int // the users of each
	each    []int64 // user -> how many watch
}

// spread has each of so many clients watch per of so many users, by lot, and the same lot always.
func spread(clients, per, users int) audience {
	lot := rand.New(rand.NewPCG(1, 2))
	a := audience{clients: make([][]int, clients), each: make([]int64, users+1)}
	for i := range a.clients {
		taken := map[int]bool{}
		for len(taken) < min(per, users) {
			uid := 1 + lot.IntN(users)
			if !taken[uid] {
				taken[uid] = true
				a.clients[i] = append(a.clients[i], uid)
				a.each[uid]++
			}
		}
	}
	return a
}

// session is a crowd before a target, with its loads one after the other.
type session struct {
	t        testing.TB
	at       *target
	crowd    *crowd
	audience audience
	next     int // of users: whose turn to change it was last
}

// connect gathers the audience before the target, and waits until what that began is over.
func connect(t testing.TB, at *target, a audience, wait time.Duration) *session {
	t.Helper()
	c, _ := gather(t, at.at[0], len(a.clients), func(i int) []int { return a.clients[i] })
	time.Sleep(wait)
	return &session{t: t, at: at, crowd: c, audience: a}
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

// change publishes the next user's change, and says how many are to be told. All users come once before one comes
// again: a hub tells the newest state only.
func (s *session) change() int64 {
	s.next = s.next%(len(s.audience.each)-1) + 1
	require.NoError(s.t, s.at.publish(s.next, stamp(time.Now())))
	return s.audience.each[s.next]
}

// rate publishes so many changes a second for a while, and waits for their deliveries.
func (s *session) rate(perSecond int, d time.Duration) result {
	s.t.Helper()
	return s.measure(func(received func() int64) (expected int64) {
		begun := time.Now()
		for k := range int(d.Seconds() * float64(perSecond)) {
			if wait := time.Until(begun.Add(time.Duration(k) * time.Second / time.Duration(perSecond))); wait > 0 {
				require.NoError(s.t, s.at.flush())
				time.Sleep(wait)
			}
			expected += s.change()
		}
		return expected
	})
}

// saturate publishes for a while as fast as it is delivered, with at most so many deliveries a client outstanding.
func (s *session) saturate(outstanding int, d time.Duration) result {
	s.t.Helper()
	return s.measure(func(received func() int64) (expected int64) {
		window := int64(outstanding * len(s.audience.clients))
		for end := time.Now().Add(d); time.Now().Before(end); {
			for n := expected - received(); n < window; {
				told := s.change()
				n, expected = n+told, expected+told
			}
			require.NoError(s.t, s.at.flush())
			nap(lookAgain)
		}
		return expected
	})
}

// measure takes what load costs, from its beginning until what it published has been delivered.
func (s *session) measure(load func(received func() int64) (expected int64)) (r result) {
	s.t.Helper()
	before, bytes, cpu, begun := s.crowd.received.Load(), s.crowd.bytes.Load(), s.at.cpu(), time.Now()
	received := func() int64 { return s.crowd.received.Load() - before }
	r.latency = &histogram{}
	s.crowd.latency.Store(r.latency)
	r.expected = load(received)
	require.NoError(s.t, s.at.flush())
	r.perSecond = float64(received()) / time.Since(begun).Seconds()
	r.received = arrived(received, r.expected)
	r.cpu, r.bytes = s.at.cpu()-cpu, s.crowd.bytes.Load()-bytes
	s.crowd.latency.Store(nil)
	if err := s.crowd.failed.Load(); err != nil {
		s.t.Fatal(*err)
	}
	return r
}

// arrived waits for what is expected, as long as anything comes.
func arrived(received func() int64, expected int64) int64 {
	last, since := received(), time.Now()
	for last < expected && time.Since(since) < lostAfter {
		time.Sleep(lookAgain)
		if n := received(); n != last {
			last, since = n, time.Now()
		}
	}
	return last
}
