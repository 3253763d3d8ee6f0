package emulator

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// onlineOf counts who is shown online.
func onlineOf(users map[string]User) (n int) {
	for _, user := range users {
		if user.online() {
			n++
		}
	}
	return n
}

// A vanished device is shown until its time has come, and no callback tells of it before.
func TestVanishedAreShownForAWhile(t *testing.T) {
	r := new(receiver)
	o := Options{Users: 300, ChangesPerS: 300, VanishRate: 1, KeepHistory: 1000, Token: fixedToken,
		Callback: Callback{URL: "http://bridge/", Transport: r}}
	inBubble(t, o, func(t *testing.T, s *Server) {
		start := time.Now()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		s.living.mu.Lock()
		waiting := len(s.living.vanished)
		for _, v := range s.living.vanished {
			after := v.due.Sub(start)
			check(t, after > 0 && after < 10*time.Second+5*time.Minute, "%s is noticed after %v", v.what.who.uid, after)
			status := s.people.users[v.what.who.uid].Status
			check(t, isOnline(status[v.what.device.key]), "%s is not shown: %v", v.what.device.key, status)
		}
		s.living.mu.Unlock()
		check(t, waiting > 50, "only %d have vanished", waiting)
		logouts := func() (n int) {
			for _, p := range r.got() {
				if p.Reason == logout {
					n++
				}
			}
			return n
		}
		early := logouts()
		check(t, early < waiting/2, "%d were noticed within 10 s, %d were not", early, waiting)

		noError(t, s.SetPopulation(Population{Users: 300, ChangesPerS: 1e-9}))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		check(t, logouts() > early+waiting/2, "%d logouts in all", logouts())
		equal(t, missed(s, r), 0)
		equal(t, s.people.online(), onlineOf(s.Users())) // counted along, and counted
	})
}

// missed counts logouts that a history has and no callback told, or the other way round.
func missed(s *Server, r *receiver) int {
	seen := make(map[string]int)
	for uid := range s.Users() {
		moments := s.History(uid)
		for i := range moments[1:] {
			for device, value := range moments[i].User.Status {
				if isOnline(value) && !isOnline(moments[i+1].User.Status[device]) {
					seen[uid+"@easemob.com/"+device]++
				}
			}
		}
	}
	for _, p := range r.got() {
		if p.Reason != login {
			seen[strings.TrimPrefix(p.User, "demo#presence_")]--
		}
	}
	maps.DeleteFunc(seen, func(_ string, n int) bool { return n == 0 })
	return len(seen)
}

// While nobody lives nothing happens, to those either who have vanished; what was due happens afterwards.
func TestPauseKeepsTheVanished(t *testing.T) {
	inBubble(t, Options{ChangesPerS: 100, VanishRate: 1}, func(t *testing.T, s *Server) {
		time.Sleep(10 * time.Second)
		noError(t, s.SetPopulation(Population{Users: 200, ChangesPerS: 100, Paused: true}))
		before := s.Users()
		time.Sleep(time.Hour)
		synctest.Wait()
		equal(t, s.Users(), before)
		waiting := len(s.living.vanished)
		check(t, waiting > 10, "only %d have vanished", waiting)

		noError(t, s.SetPopulation(Population{Users: 200, ChangesPerS: 1e-9}))
		synctest.Wait()
		equal(t, len(s.living.vanished), 0)
		check(t, onlineOf(s.Users()) < onlineOf(before), "nobody was found out")
	})
}

// Those who live no more stay as they were, and are themselves again when they live anew.
func TestGoneFromThePopulationAreLeftAlone(t *testing.T) {
	inBubble(t, Options{ChangesPerS: 100, VanishRate: 1}, func(t *testing.T, s *Server) {
		time.Sleep(10 * time.Second)
		noError(t, s.SetPopulation(Population{Users: 1, ChangesPerS: 1e-9}))
		before := s.Users()
		time.Sleep(time.Hour)
		synctest.Wait()
		after := s.Users()
		delete(before, "user-0001")
		delete(after, "user-0001")
		equal(t, after, before)
		for _, who := range s.living.crowd.people[1:] {
			for _, d := range who.devices {
				equal(t, d.gone, 0)
			}
		}
	})
}

// What came in between makes a vanishing void: being replaced, or being set by hand.
func TestVanishingIsVoid(t *testing.T) {
	o := Options{Users: 1, Paused: true, DevicesPerPlatform: 1}
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, o)
		who := s.living.crowd.people[0]
		who.devices = []device{{key: "ios_1"}, {key: "ios_2"}}
		one, two := &who.devices[0], &who.devices[1]
		vanish := func(d *device) {
			s.living.crowd.gone++
			d.gone = s.living.crowd.gone
			s.living.vanish(turn{who: who, vanished: d, part: 1})
		}
		findOut := func() map[string]string {
			time.Sleep(5 * time.Minute)
			s.living.now.Paused, s.living.now.ChangesPerS = false, 1
			s.living.findOut(time.Now())
			return s.Users("user-0001")["user-0001"].Status
		}
		s.SetUser("user-0001", on("ios_1"), "")
		vanish(one)
		equal(t, findOut(), map[string]string{"ios_1": "0"})

		status := on("ios_1")
		vanish(one)
		who.logIn(two, status) // one is replaced
		equal(t, status, map[string]string{"ios_1": "0", "ios_2": "1"})
		who.logIn(one, status) // and comes back, replacing the other
		equal(t, status, map[string]string{"ios_1": "1", "ios_2": "0"})
		s.SetUser("user-0001", status, "")
		equal(t, findOut(), status)

		vanish(one)
		s.SetUser("user-0001", map[string]string{"ios_1": "0"}, "by hand")
		equal(t, findOut(), map[string]string{"ios_1": "0"})
		equal(t, one.gone, 0)
	})
}

// Turns keep their rate: a vanishing is seen later, not besides.
func TestVanishingsKeepTheMeanRate(t *testing.T) {
	inBubble(t, Options{Users: 1000, ChangesPerS: 5, VanishRate: 0.3, KeepHistory: 100_000}, func(t *testing.T, s *Server) {
		time.Sleep(time.Hour)
		synctest.Wait()
		n := 0
		for uid := range s.Users() {
			n += len(s.History(uid)) - 1
		}
		s.living.mu.Lock()
		defer s.living.mu.Unlock()
		n += len(s.living.vanished)
		within(t, n, 18_000)
	})
}
