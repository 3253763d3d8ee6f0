package emulator

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// User is the truth about one user.
type User struct {
	Status   map[string]string `json:"status"` // device -> "0" offline, "1" online, more is the app's own
	Ext      string            `json:"ext"`
	LastTime int64             `json:"last_time"` // Unix seconds
}

// Moment is a state, and when a user came to be in it.
type Moment struct {
	At   time.Time
	User User
}

// people are all users there are. What a User holds is never written to again once it is in here, so
// states may be handed out under the lock and read after it; a change puts a new map in place.
type people struct {
	keep  int                                   // states of history a user
	moved func(uid, device string, online bool) // hears every login and logout, under mu

	mu      sync.RWMutex
	users   map[string]User     // uid -> current state
	history map[string][]Moment // uid -> states, oldest first
}

func newPeople(keep int) *people {
	return &people{
		keep:    keep,
		moved:   func(string, string, bool) {},
		users:   make(map[string]User),
		history: make(map[string][]Moment),
	}
}

// look returns the states of those users who exist: one consistent snapshot.
func (p *people) look(uids []string) map[string]User {
	p.mu.RLock()
	defer p.mu.RUnlock()
	found := make(map[string]User, len(uids))
	for _, uid := range uids {
		if user, ok := p.users[uid]; ok {
			found[uid] = user
		}
	}
	return found
}

func (p *people) everybody() map[string]User {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return maps.Clone(p.users)
}

// change lets f decide about the users as they are, and makes one of them as f says: nobody else comes in
// between. It returns the new state; f declines with an empty uid.
//
// last_time moves whatever the change was. That it moves "when the user logs in and out" is documented (SEED);
// that setting ext or a custom status moves it is not (the SDKs call it "presence update time, generated
// by the server"), so that no client should rely on either. It never goes back.
func (p *people) change(f func(at func(uid string) User) (uid string, status map[string]string, ext string)) User {
	p.mu.Lock()
	defer p.mu.Unlock()
	uid, status, ext := f(func(uid string) User { return p.users[uid] })
	if uid == "" {
		return User{}
	}
	now := time.Now()
	old := p.users[uid]
	user := User{Status: status, Ext: ext, LastTime: max(old.LastTime, now.Unix())}
	p.put(uid, user, now)
	p.announce(uid, old.Status, status)
	return user
}

// settle puts somebody who is not known yet where they are at the start, and leaves alone who is.
func (p *people) settle(uid string, user User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.users[uid]; !known {
		p.put(uid, user, time.Now())
	}
}

func (p *people) put(uid string, user User, now time.Time) {
	p.users[uid] = user
	if p.keep == 0 {
		return
	}
	moments := append(p.history[uid], Moment{now, user})
	if over := len(moments) - p.keep; over > 0 {
		moments = moments[over:] // append leaves these behind when it next moves the rest
	}
	p.history[uid] = moments
}

// announce tells who hears of it which devices came and went.
func (p *people) announce(uid string, before, after map[string]string) {
	for device, value := range after {
		if isOnline(value) != isOnline(before[device]) {
			p.moved(uid, device, isOnline(value))
		}
	}
	for device, value := range before {
		if _, still := after[device]; !still && isOnline(value) {
			p.moved(uid, device, false)
		}
	}
}

func (p *people) historyOf(uid string) []Moment {
	p.mu.RLock()
	defer p.mu.RUnlock()
	moments := slices.Clone(p.history[uid])
	for i := range moments {
		moments[i].User = moments[i].User.clone()
	}
	return moments
}

func (u User) clone() User {
	u.Status = maps.Clone(u.Status)
	if u.Status == nil {
		u.Status = map[string]string{}
	}
	return u
}

func (u User) online() bool {
	for _, value := range u.Status {
		if isOnline(value) {
			return true
		}
	}
	return false
}

// isOnline is the vendor's own rule: a device that is not at "0" is there (uikit). One without a value is not.
func isOnline(value string) bool { return value != "" && value != "0" }
