package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// live runs s until the test ends, and waits for it.
func live(t testing.TB, s *Server) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		noError(t, <-ended)
	})
}

func TestOneRunAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		live(t, s)
		synctest.Wait()
		check(t, s.Run(t.Context()) != nil, "two of them run")
	})
}

func TestNewStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{ChangesPerS: 1000})
		before := s.Users()
		equal(t, len(before), 200)
		time.Sleep(time.Hour)
		equal(t, s.Users(), before)
	})
}

// A machine that slept for an hour makes up for a second of it.
func TestRunDoesNotMakeUpForTheNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 50
		s := newServer(t, Options{ChangesPerS: rate})
		moves, slept := 0, false // guarded by the lock of people
		s.people.told = func(string, map[string]string, map[string]string) {
			if moves++; !slept {
				slept = true
				time.Sleep(time.Hour)
			}
		}
		live(t, s)
		time.Sleep(time.Hour + time.Second)
		synctest.Wait()
		check(t, moves > rate/2 && moves < 4*rate, "%d changes", moves)
	})
}

// The sequence of states is the seed's, whatever the rate at which it is played.
func TestRateDoesNotChangeTheScript(t *testing.T) {
	script := func(rate float64) (lines map[string][]string) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(t, Options{Users: 5, Seed: 3, ChangesPerS: rate, KeepHistory: 1000})
			live(t, s)
			time.Sleep(time.Duration(600 / rate * float64(time.Second)))
			synctest.Wait()
			lines = make(map[string][]string)
			for uid := range s.Users() {
				for _, m := range s.History(uid) {
					lines[uid] = append(lines[uid], fmt.Sprint(m.User.Status, m.User.Ext))
				}
			}
		})
		return lines
	}
	slow, fast := script(1), script(50)
	equal(t, len(slow), 5)
	for uid, states := range slow {
		n := min(len(states), len(fast[uid]))
		check(t, n > 20, "%s has lived through %d states only", uid, n)
		equal(t, states[:n], fast[uid][:n])
	}
}

// Under everything at once, no client is told of a state that was never there, and last_time does not go
// back for anybody who looks twice.
func TestNoClientSeesWhatWasNotThere(t *testing.T) {
	s := newServer(t, Options{Users: 20, ChangesPerS: 5000, Token: fixedToken, LimitPerS: -1, KeepHistory: 1 << 20,
		MaxSubscriptions: 15, Faults: Faults{DropEntryRate: 0.1, DuplicateKeyRate: 0.1}})
	live(t, s)
	all := make([]string, 20)
	for i := range all {
		all[i] = fmt.Sprintf("user-%04d", i+1)
	}
	type sight struct{ uid, status, ext, last string }
	var mu sync.Mutex
	sights := make(map[sight]bool) // guarded by mu
	client := func(t *testing.T, op int) {
		last := make(map[string]string)
		for i := range 200 {
			path := fmt.Sprintf("/users/op-%d/presence", op)
			if i%5 == 0 {
				path += "/60"
			}
			for _, e := range asked[[]gotEntry](t, s, "POST", path, usernames(all...)) {
				var status map[string]string
				noError(t, json.Unmarshal(e.Status, &withoutDevices{&status}))
				mu.Lock()
				sights[sight{e.UID, fmt.Sprint(status), e.Ext, e.LastTime}] = true
				mu.Unlock()
				check(t, e.LastTime >= last[e.UID], "last_time of %s went back", e.UID)
				last[e.UID] = e.LastTime
			}
			ask(t, s, "POST", fmt.Sprintf("/users/%s/presence/web_%d/%d", all[i%20], op, i%3), `{"ext":"set"}`)
			ask(t, s, "DELETE", fmt.Sprintf("/users/op-%d/presence", op), bare(all[:3]...))
			ask(t, s, "GET", fmt.Sprintf("/users/op-%d/presence/sublist?pageSize=9", op), "")
			s.Stats()
		}
	}
	t.Run("clients", func(t *testing.T) {
		for op := range 4 {
			t.Run(fmt.Sprint(op), func(t *testing.T) {
				t.Parallel()
				client(t, op)
			})
		}
	})
	noError(t, s.SetPopulation(Population{Paused: true}))
	was := make(map[sight]bool)
	for _, uid := range all {
		for _, m := range s.History(uid) {
			was[sight{uid, fmt.Sprint(m.User.Status), m.User.Ext, fmt.Sprint(m.User.LastTime)}] = true
		}
	}
	check(t, len(sights) > 100, "only %d states were seen", len(sights))
	for sight := range sights {
		check(t, was[sight], "never there: %v", sight)
	}
}

// withoutDevices reads a status, [] for none.
type withoutDevices struct{ into *map[string]string }

func (w *withoutDevices) UnmarshalJSON(b []byte) error {
	if string(b) == "[]" {
		*w.into = map[string]string{}
		return nil
	}
	return json.Unmarshal(b, w.into)
}
