package emulator

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// play draws changes, and keeps the truth as people does.
func play(seed uint64, users, changes int, each func(uid string, before, after User)) map[string]User {
	truth := make(map[string]User)
	p := newPopulation(seed, 4, 0)
	p.resize(users, func(uid string, status map[string]string, ext string, _ float64) {
		truth[uid] = User{Status: status, Ext: ext}
	})
	for range changes {
		turn := p.next(func(uid string) User { return truth[uid] })
		uid, after := turn.who.uid, User{Status: turn.status, Ext: turn.ext}
		each(uid, truth[uid], after)
		truth[uid] = after
	}
	return truth
}

func TestPopulationIsDeterministic(t *testing.T) {
	script := func(seed uint64) (lines []string) {
		play(seed, 50, 2000, func(uid string, _, after User) {
			lines = append(lines, fmt.Sprint(uid, after.Status, after.Ext))
		})
		return lines
	}
	equal(t, script(7), script(7))
	check(t, !slices.Equal(script(7), script(8)), "two seeds play the same")
}

func TestEveryChangeIsOne(t *testing.T) {
	for _, users := range []int{1, 3, 200} {
		play(3, users, 20_000, func(uid string, before, after User) {
			if before.Ext == after.Ext && maps.Equal(before.Status, after.Status) {
				t.Fatalf("%s did not change: %v", uid, after)
			}
			check(t, len(after.Status) <= 4+4*oldKeys, "%s has %d devices", uid, len(after.Status))
		})
	}
}

func TestPeopleLive(t *testing.T) {
	changed := make(map[string]bool)
	online, least, most, n, texts, moods := 0, 1.0, 0.0, 0, 0, 0
	const users = 200
	now := play(1, users, 0, nil)
	for _, u := range now {
		if u.online() {
			online++
		}
	}
	share := float64(online) / users
	t.Logf("at the start %.2f are online", share)
	check(t, share > 0.4 && share < 0.8, "%.2f of the people are online at the start", share)
	play(1, users, 30_000, func(uid string, before, after User) {
		changed[uid] = true
		if after.online() && !before.online() {
			online++
		}
		if !after.online() && before.online() {
			online--
		}
		if n++; n > 100 {
			least, most = min(least, float64(online)/users), max(most, float64(online)/users)
		}
		if before.Ext != after.Ext {
			texts++
		}
		for k, v := range after.Status {
			if len(v) == 3 && before.Status[k] != v {
				moods++
			}
		}
	})
	t.Logf("online %.2f to %.2f, %d texts, %d moods, %d changed", least, most, texts, moods, len(changed))
	check(t, least < 0.4 && most > 0.5, "days do not differ from nights: %.2f to %.2f are online", least, most)
	check(t, texts > 500 && moods > 100, "%d texts and %d custom states are too few", texts, moods)
	check(t, len(changed) > users*9/10, "only %d people ever changed", len(changed))
}

func TestRunKeepsTheMeanRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{ChangesPerS: 20, Users: 100, KeepHistory: 100_000})
		changes := func() (n int) {
			for uid := range s.Users() {
				n += len(s.History(uid)) - 1
			}
			return n
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		within(t, changes(), 12_000)

		noError(t, s.SetPopulation(Population{Users: 100, ChangesPerS: 20, Paused: true}))
		before := changes()
		time.Sleep(time.Hour)
		synctest.Wait()
		equal(t, changes(), before)

		noError(t, s.SetPopulation(Population{Users: 100, ChangesPerS: 1}))
		time.Sleep(time.Hour)
		synctest.Wait()
		within(t, changes()-before, 3600)
		cancel()
		noError(t, <-ended)
	})
}

// A change that was due already when the population was paused does not happen.
func TestPauseHoldsAtOnce(t *testing.T) {
	s := newServer(t, Options{})
	before := s.Users()
	noError(t, s.SetPopulation(Population{Users: 200, ChangesPerS: 5, Paused: true}))
	s.living.step()
	equal(t, s.Users(), before)
}

// within allows a Poisson count four standard deviations.
func within(t *testing.T, got int, mean float64) {
	t.Helper()
	check(t, math.Abs(float64(got)-mean) < 4*math.Sqrt(mean), "%d changes, where %v are the mean", got, mean)
}

// A hundred thousand move in by one request, and live.
func TestHundredThousandPeople(t *testing.T) {
	s := newServer(t, Options{Users: 10, Paused: true, Token: fixedToken})
	equal(t, admin(t, s, "PUT", "population", `{"users":100000,"changes_per_s":100}`).Code, 200)
	equal(t, s.Population(), Population{Users: 100_000, ChangesPerS: 100, Paused: true})
	entries := asked[[]gotEntry](t, s, "POST", "/users/op/presence", usernames("user-0001", "user-100000", "user-100001"))
	check(t, entries[1].LastTime != "0" || string(entries[1].Status) == "[]", "user-100000 has never been there: %+v", entries[1])
	equal(t, string(entries[2].Status), "[]")
	equal(t, len(s.people.users), 100_000)
	noError(t, s.SetPopulation(Population{Users: 100_000, ChangesPerS: 100}))
	before := s.Users()
	for range 100 {
		s.living.step()
	}
	changed := 0
	for uid, user := range s.Users() {
		if user.Ext != before[uid].Ext || !maps.Equal(user.Status, before[uid].Status) {
			changed++
		}
	}
	check(t, changed > 90, "%d of 100 changes were of different people", changed)
}
