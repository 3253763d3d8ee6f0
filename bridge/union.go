package bridge

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// union is who is watched, by how many. It has no lock and no clock of its own.
type union struct {
	holders map[string]*holderState
	demands map[UID]demand // of all live holders
	most    int            // users of one holder: MaxPerHolder, but in tests
}

// demand is how many live holders watch a user, never 0, and how many look at the user through them.
type demand struct{ holders, watchers int }

type holderState struct {
	live bool
	over bool        // it has watches beyond MaxPerHolder, which nobody knows by name
	seen time.Time   // when it last said that it lives
	uids map[UID]int // user -> how many look at the user through this holder now
}

// MaxPerHolder is how many users one holder is believed to watch. The vendor's 50 calls a second of 100 names look at
// 150,000 within 30 s: whoever asks for more than this asks for what one app cannot have, and takes the memory and the
// looks of all others for it. More users than that take more hubs, and a larger budget.
const MaxPerHolder = 200_000

var (
	errHolderName = errors.New("no holder can have this name")
	errSurplus    = fmt.Errorf("a holder watches more than %d users: the rest of its watches count for nothing", MaxPerHolder)
)

// Watches is what changed of who is watched.
type Watches struct {
	Added   []UID // have become watched
	Removed []UID // are watched by nobody any more
	Weighed []UID // are watched by more, or by fewer, than before
}

func newUnion() *union {
	return &union{holders: map[string]*holderState{}, demands: map[UID]demand{}, most: MaxPerHolder}
}

// blank is a union like this one that knows nobody.
func (u *union) blank() *union {
	fresh := newUnion()
	fresh.most = u.most
	return fresh
}

// holderEntry applies an entry of the bucket of holders. The error is what is wrong with it: a name that nobody can
// have is nobody's, and whoever says what cannot be read lives all the same.
func (u *union) holderEntry(e jetstream.KeyValueEntry, app App, now time.Time) (Watches, error) {
	if !holderName.MatchString(e.Key()) {
		return Watches{}, errHolderName
	}
	if e.Operation() != jetstream.KeyValuePut {
		return u.gone(e.Key()), nil
	}
	ours, err := ofApp(e.Value(), app)
	if !ours {
		return u.gone(e.Key()), err
	}
	return u.seen(e.Key(), now), err
}

// watchEntry applies an entry of the bucket of watches. The error is what is wrong with it: a key that cannot be read
// watches nobody, and a value that cannot be read is one who watches. The holder of such a key is noted, so that it is
// swept up with the rest.
func (u *union) watchEntry(e jetstream.KeyValueEntry) (Watches, error) {
	put := e.Operation() == jetstream.KeyValuePut
	holder, uid, err := splitWatchKey(e.Key())
	switch {
	case err != nil && put && holder != "":
		u.holder(holder)
		return Watches{}, err
	case err != nil:
		return Watches{}, err
	case !put:
		return u.unwatch(holder, uid), nil
	}
	watchers, err := watchersIn(e.Value())
	if u.full(holder, uid) {
		return Watches{}, errSurplus
	}
	return u.watch(holder, uid, watchers), err
}

// full says whether the holder has no room for one more, and notes that it wanted it.
func (u *union) full(holder string, uid UID) bool {
	h := u.holders[holder]
	if h == nil || len(h.uids) < u.most {
		return false
	}
	if _, watched := h.uids[uid]; watched {
		return false
	}
	h.over = true
	return true
}

// roomAgain says whether a holder that was over the limit has become so much smaller that it is worth the while to read
// everything again, and so find those who were passed over.
func (u *union) roomAgain(holder string) bool {
	h := u.holders[holder]
	return h != nil && h.over && len(h.uids) < u.most-u.most/8
}

func (u *union) seen(holder string, now time.Time) (d Watches) {
	h := u.holder(holder)
	h.seen = now
	if h.live {
		return d
	}
	h.live = true
	for uid, n := range h.uids {
		u.count(uid, demand{1, n}, &d)
	}
	return d
}

// gone forgets that a holder lives. Its watches stay noted: it may come back before anybody sweeps them up.
func (u *union) gone(holder string) (d Watches) {
	h := u.holders[holder]
	if h == nil || !h.live {
		return d
	}
	h.live = false
	for uid, n := range h.uids {
		u.count(uid, demand{-1, -n}, &d)
	}
	if len(h.uids) == 0 {
		delete(u.holders, holder)
	}
	return d
}

func (u *union) watch(holder string, uid UID, watchers int) (d Watches) {
	h := u.holder(holder)
	before, watched := h.uids[uid]
	h.uids[uid] = watchers
	switch {
	case !h.live:
	case !watched:
		u.count(uid, demand{1, watchers}, &d)
	case watchers != before:
		u.count(uid, demand{0, watchers - before}, &d)
	}
	return d
}

func (u *union) unwatch(holder string, uid UID) (d Watches) {
	h := u.holders[holder]
	if h == nil {
		return d
	}
	n, watched := h.uids[uid]
	delete(h.uids, uid)
	if watched && h.live {
		u.count(uid, demand{-1, -n}, &d)
	}
	return d
}

func (u *union) count(uid UID, by demand, d *Watches) {
	was := u.demands[uid]
	is := demand{was.holders + by.holders, was.watchers + by.watchers}
	switch {
	case is.holders == 0:
		delete(u.demands, uid)
		d.Removed = append(d.Removed, uid)
		return
	case was.holders == 0:
		d.Added = append(d.Added, uid)
	case is.watchers != was.watchers:
		d.Weighed = append(d.Weighed, uid)
	}
	u.demands[uid] = is
}

func (u *union) holder(name string) *holderState {
	h := u.holders[name]
	if h == nil {
		h = &holderState{uids: map[UID]int{}}
		u.holders[name] = h
	}
	return h
}

func (u *union) all() []UID {
	uids := make([]UID, 0, len(u.demands))
	for uid := range u.demands {
		uids = append(uids, uid)
	}
	return uids
}

func (u *union) live() (n int) {
	for _, h := range u.holders {
		if h.live {
			n++
		}
	}
	return n
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
func (u *union) differenceTo(o *union) (d Watches) {
	for uid, is := range o.demands {
		if was, watched := u.demands[uid]; !watched {
			d.Added = append(d.Added, uid)
		} else if was.watchers != is.watchers {
			d.Weighed = append(d.Weighed, uid)
		}
	}
	for uid := range u.demands {
		if o.demands[uid].holders == 0 {
			d.Removed = append(d.Removed, uid)
		}
	}
	return d
}
