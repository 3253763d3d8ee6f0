package bridge

import (
	"strconv"
	"strings"
)

// readPlain reads a change that is written as appendChange writes it, with nothing in its texts that encoding/json would
// escape. That is what a log is full of, and a hub reads thousands a second. Of anything else it says so, and encoding/json
// has to read it, which decides what is a change.
func readPlain(data []byte) (c Change, ok bool) {
	r := unescaped{string(data), true}
	r.skip(`{"uid":`)
	c.UID = UID(r.text())
	r.skip(`,`)
	c.State = r.state()
	c.ObservedAt = r.number(`,"observed_at":`)
	c.NotBefore = r.number(`,"not_before":`)
	r.skip(`,"changed":`)
	c.Changed = r.texts()
	if r.has(`,"prev":{`) {
		prev := r.state()
		c.Prev = &prev
		r.skip(`}`)
	}
	r.skip(`,"source":`)
	c.Source = Source(r.text())
	r.skip(`}`)
	return c, r.ok && r.rest == ""
}

// unescaped is what is left to read of a message. What it reads is a part of it, not a copy: a message is kept as long as its
// change.
type unescaped struct {
	rest string
	ok   bool // all that was read is as we write it
}

// has reads what may come next.
func (r *unescaped) has(what string) (had bool) {
	r.rest, had = strings.CutPrefix(r.rest, what)
	return had
}

// skip reads what has to come next.
func (r *unescaped) skip(what string) { r.ok = r.has(what) && r.ok }

// text reads a string that is written as it is.
func (r *unescaped) text() (s string) {
	if r.skip(`"`); !r.ok {
		return ""
	}
	for i := range len(r.rest) {
		if escaped(r.rest[i]) {
			s, r.rest = r.rest[:i], r.rest[i:]
			break
		}
	}
	r.skip(`"`)
	return s
}

// number reads a number after its name, of at most as many digits as times have, which cannot overflow.
func (r *unescaped) number(name string) int64 {
	r.skip(name)
	i := 0
	for i < len(r.rest) && r.rest[i] >= '0' && r.rest[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(r.rest[:i], 10, 64)
	r.ok = r.ok && err == nil && (r.rest[0] != '0' || i == 1)
	r.rest = r.rest[i:]
	return n
}

// state reads the fields of a state without its braces.
func (r *unescaped) state() (s State) {
	if r.skip(`"online":`); r.has(`true`) {
		s.Online = true
	} else {
		r.skip(`false`)
	}
	r.skip(`,"status":{`)
	s.Status = r.devices()
	r.skip(`,"ext":`)
	s.Ext = r.text()
	s.LastTime = r.number(`,"last_time":`)
	return s
}

// devices reads a status and the brace that ends it.
func (r *unescaped) devices() map[string]string {
	if status, n := statuses.find(r.rest); status != nil {
		r.rest = r.rest[n:]
		return status
	}
	before := r.rest
	status := r.newDevices()
	if r.ok {
		statuses.add(before[:len(before)-len(r.rest)])
	}
	return status
}

func (r *unescaped) newDevices() map[string]string {
	status := map[string]string{}
	for r.ok && !r.has(`}`) {
		if len(status) > 0 {
			r.skip(`,`)
		}
		device := r.text()
		r.skip(`:`)
		status[device] = r.text()
	}
	return status
}

// texts reads a list of strings.
func (r *unescaped) texts() []string {
	list := []string{}
	r.skip(`[`)
	for r.ok && !r.has(`]`) {
		if len(list) > 0 {
			r.skip(`,`)
		}
		list = append(list, r.text())
	}
	return list
}
