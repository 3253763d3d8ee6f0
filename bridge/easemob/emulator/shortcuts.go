package emulator

import (
	"fmt"
	"maps"
	"time"
)

// The admin endpoints, for tests that have the server in hand.

// Users returns the truth about those users who exist, about everybody when called without a uid.
func (s *Server) Users(uids ...string) map[string]User {
	if len(uids) == 0 {
		return cloned(s.people.everybody())
	}
	return cloned(s.people.look(s.rules.folded(uids)))
}

// SetUser makes a user so, now; one who does not exist yet comes to be, unless two million others have.
func (s *Server) SetUser(uid string, status map[string]string, ext string) {
	s.setUser(uid, status, ext)
}

func (s *Server) setUser(uid string, status map[string]string, ext string) (User, bool) {
	own := User{Status: status}.clone().Status
	user, made := s.people.move(func(func(string) User) (string, map[string]string, string) {
		return s.rules.fold(uid), own, ext
	})
	return user.clone(), made
}

// Stats returns what has been counted since the start or the last [Server.ResetStats].
func (s *Server) Stats() Stats {
	stats := s.counts.snapshot()
	stats.Subscriptions = s.subs.counts()
	stats.Callbacks = s.callbacks.snapshot()
	return stats
}

// ResetStats starts counting anew. What is no count stays: subscriptions, and callbacks that wait or are
// under way.
func (s *Server) ResetStats() {
	s.counts.reset()
	s.callbacks.reset()
}

// SetFaults makes these the faults, in place of all before; it returns an error, and changes nothing, if
// they are not valid.
func (s *Server) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return fmt.Errorf("setting faults: %w", err)
	}
	s.dice.set(f)
	s.log.Info("faults are set", "faults", f)
	return nil
}

// RevokeTokens ends every token that was minted: the next call with one gets a 401. (The vendor keeps the
// right to: no token is sure to live as long as it was given, ED24.) The fixed one of Options stays.
func (s *Server) RevokeTokens() { s.tokens.revoke(time.Now()) }

// FaultsFired returns how often each fault has done something since the start.
func (s *Server) FaultsFired() Fired {
	_, fired := s.dice.get()
	return fired
}

// SetPopulation changes how many people live and how much. Whoever lives no more stays as they were. It
// returns an error, and changes nothing, if the population is not valid.
func (s *Server) SetPopulation(p Population) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("setting the population: %w", err)
	}
	s.living.set(p)
	s.log.Info("the population is set", "users", p.Users, "changes_per_s", p.ChangesPerS, "paused", p.Paused)
	return nil
}

// Population returns how many people live and how much.
func (s *Server) Population() Population { return s.living.get() }

// Subscriptions returns until when an operator subscribes whom: the truth, which sublist lags behind.
func (s *Server) Subscriptions(operator string) map[string]time.Time {
	return s.subs.of(s.rules.fold(operator))
}

// History returns every state that a user ever had, oldest first, as far as Options.KeepHistory reaches
// back: no client can have seen any other. The first is that of the start, or of the user's first being set.
func (s *Server) History(uid string) []Moment { return s.people.historyOf(s.rules.fold(uid)) }

func cloned(users map[string]User) map[string]User {
	users = maps.Clone(users)
	for uid, user := range users {
		users[uid] = user.clone()
	}
	return users
}
