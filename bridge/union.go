package bridge

import (
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// union is who is watched, by how many live holders. It has no lock and no clock of its own.
type union struct {
	holders  map[string]*holderState
	watchers map[UID]int // how many live holders watch the user; never 0
}

type holderState struct {
	live bool
	seen time.Time // when it last said that it lives
	uids map[UID]bool
}

// delta is what a step changed: who has become watched, and who is no longer.
type delta struct{ added, removed []UID }

func newUnion() *union {
	return &union{holders: map[string]*holderState{}, watchers: map[UID]int{}}
}

// holderEntry applies an entry of the bucket of holders.
func (u *union) holderEntry(e jetstream.KeyValueEntry, app App, now time.Time) delta {
	if e.Operation() != jetstream.KeyValuePut || !ofApp(e.Value(), app) {
		return u.gone(e.Key())
	}
	return u.seen(e.Key(), now)
}

// watchEntry applies an entry of the bucket of watches. Keys that are not ours to read watch nobody.
func (u *union) watchEntry(e jetstream.KeyValueEntry) delta {
	holder, uid, err := splitWatchKey(e.Key())
	if err != nil {
		return delta{}
	}
	if e.Operation() != jetstream.KeyValuePut {
		return u.unwatch(holder, uid)
	}
	return u.watch(holder, uid)
}

func (u *union) seen(holder string, now time.Time) (d delta) {
	h := u.holder(holder)
	h.seen = now
	if h.live {
		return d
	}
	h.live = true
	for uid := range h.uids {
		u.count(uid, 1, &d)
	}
	return d
}

// gone forgets that a holder lives. Its watches stay noted: it may come back before anybody sweeps them up.
func (u *union) gone(holder string) (d delta) {
	h := u.holders[holder]
	if h == nil || !h.live {
		return d
	}
	h.live = false
	for uid := range h.uids {
		u.count(uid, -1, &d)
	}
	if len(h.uids) == 0 {
		delete(u.holders, holder)
	}
	return d
}

func (u *union) watch(holder string, uid UID) (d delta) {
	h := u.holder(holder)
	if h.uids[uid] {
		return d
	}
	h.uids[uid] = true
	if h.live {
		u.count(uid, 1, &d)
	}
	return d
}

func (u *union) unwatch(holder string, uid UID) (d delta) {
	h := u.holders[holder]
	if h == nil || !h.uids[uid] {
		return d
	}
	delete(h.uids, uid)
	if h.live {
		u.count(uid, -1, &d)
	}
	return d
}

func (u *union) count(uid UID, by int, d *delta) {
	n := u.watchers[uid] + by
	switch {
	case n == 0:
		delete(u.watchers, uid)
		d.removed = append(d.removed, uid)
		return
	case n == 1 && by == 1:
		d.added = append(d.added, uid)
	}
	u.watchers[uid] = n
}

func (u *union) holder(name string) *holderState {
	h := u.holders[name]
	if h == nil {
		h = &holderState{uids: map[UID]bool{}}
		u.holders[name] = h
	}
	return h
}

func (u *union) all() []UID {
	uids := make([]UID, 0, len(u.watchers))
	for uid := range u.watchers {
		uids = append(uids, uid)
	}
	return uids
}

func (u *union) silentSince(then time.Time) (silent []string) {
	for name, h := range u.holders {
		if h.live && h.seen.Before(then) {
			silent = append(silent, name)
		}
	}
	return silent
}

// dead lists who is not alive and yet has watches in the bucket.
func (u *union) dead() (dead []string) {
	for name, h := range u.holders {
		if !h.live {
			dead = append(dead, name)
		}
	}
	return dead
}

// buried drops a dead holder whose watches are out of the bucket.
func (u *union) buried(holder string) {
	if h := u.holders[holder]; h != nil && !h.live {
		delete(u.holders, holder)
	}
}

// prune drops those who have been dead for long, for whoever does not sweep the bucket: should one return, it
// writes all its watches again.
func (u *union) prune(now time.Time, after time.Duration) {
	for name, h := range u.holders {
		switch {
		case h.live:
		case h.seen.IsZero(): // was dead when we came
			h.seen = now
		case now.Sub(h.seen) > after:
			delete(u.holders, name)
		}
	}
}

// inherit takes over who lived in o and does not live here.
func (u *union) inherit(o *union, now time.Time) {
	for name, was := range o.holders {
		h := u.holders[name]
		if !was.live || h != nil && h.live {
			continue
		}
		maps.Copy(u.holder(name).uids, was.uids)
		u.seen(name, now)
	}
}

// differenceTo is what changes for those who knew u and now know o.
func (u *union) differenceTo(o *union) (d delta) {
	for uid := range o.watchers {
		if u.watchers[uid] == 0 {
			d.added = append(d.added, uid)
		}
	}
	for uid := range u.watchers {
		if o.watchers[uid] == 0 {
			d.removed = append(d.removed, uid)
		}
	}
	return d
}
