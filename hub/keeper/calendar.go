package keeper

import (
	"slices"
	"sort"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// calendar is when the users whom an operator subscribes are renewed. A slot is a call to come, so whoever is
// planned joins a slot that has room before another is opened. Slots are in the order of their times.
type calendar struct {
	slots []*slot
	users int
}

// slot is one renewal call to come.
type slot struct {
	at    time.Time
	users []*entry // up to maxBatch; each knows its seat
}

// first is when the first renewal is due.
func (c *calendar) first() (at time.Time, ok bool) {
	if len(c.slots) == 0 {
		return at, false
	}
	return c.slots[0].at, true
}

// overdue is how many should have been renewed by now.
func (c *calendar) overdue(now time.Time) (users int) {
	for _, s := range c.slots {
		if !s.at.Before(now) {
			break
		}
		users += len(s.users)
	}
	return users
}

// room is the last slot between two times that takes one more.
func (c *calendar) room(first, last time.Time) *slot {
	for i := c.after(last) - 1; i >= 0 && !c.slots[i].at.Before(first); i-- {
		if len(c.slots[i].users) < maxBatch {
			return c.slots[i]
		}
	}
	return nil
}

// open makes a slot.
func (c *calendar) open(at time.Time) *slot {
	s := &slot{at: at}
	c.slots = slices.Insert(c.slots, c.after(at), s)
	return s
}

// after is the index of the first slot after a time.
func (c *calendar) after(t time.Time) int {
	return sort.Search(len(c.slots), func(i int) bool { return c.slots[i].at.After(t) })
}

func (c *calendar) seat(e *entry, s *slot) {
	e.slot, e.seat = s, len(s.users)
	s.users = append(s.users, e)
	c.users++
}

// leave takes a user out, and the slot too when it was the last one there.
func (c *calendar) leave(e *entry) {
	s := e.slot
	if s == nil {
		return
	}
	last := len(s.users) - 1
	s.users[e.seat] = s.users[last]
	s.users[e.seat].seat = e.seat
	s.users[last] = nil
	s.users = s.users[:last]
	e.slot = nil
	c.users--
	if last == 0 {
		i := sort.Search(len(c.slots), func(i int) bool { return !c.slots[i].at.Before(s.at) })
		for c.slots[i] != s {
			i++
		}
		c.slots = slices.Delete(c.slots, i, i+1)
	}
}

// ripe names those whose renewal is due, and to fill the call those who come next and are past half their time.
func (c *calendar) ripe(now time.Time) (uids []bridge.UID) {
	for _, s := range c.slots {
		for _, e := range s.users {
			if e.half.After(now) || e.notBefore.After(now) {
				continue
			}
			if uids = append(uids, e.uid); len(uids) == maxBatch {
				return uids
			}
		}
		if len(uids) == 0 && s.at.After(now) {
			break
		}
	}
	return uids
}
