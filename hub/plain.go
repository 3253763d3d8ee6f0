package hub

import (
	"strings"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// plain reads JSON in which nothing is escaped and all is ASCII, as nearly all is that clients send: encoding/json would
// look at each byte several times over, and make a dozen things. What plain does not know, and to say what is wrong with
// a message, is left to encoding/json.
type plain struct {
	rest string
	uids []bridge.UID // room for them
}

// readPlain reads a message, whose uids go into a list if they fit; ok is false where it is not plain.
func readPlain(data []byte, uids []bridge.UID) (m message, ok bool) {
	for _, c := range data {
		if c < ' ' || c > '~' || c == '\\' {
			return message{}, false
		}
	}
	p := plain{string(data), uids[:0]} // one copy, of which all strings are parts
	if !p.message(&m) {
		return message{}, false
	}
	return m, true
}

func (p *plain) message(m *message) bool {
	if !p.next('{') {
		return false
	}
	for {
		name, ok := p.text()
		if !ok || !p.next(':') || !p.field(m, name) {
			return false
		}
		if !p.next(',') {
			return p.next('}') && strings.TrimLeft(p.rest, " ") == ""
		}
	}
}

func (p *plain) field(m *message, name string) (ok bool) {
	switch name {
	case "type":
		m.Type, ok = p.text()
	case "id":
		m.ID, ok = p.text()
	case "token":
		m.Token, ok = p.text()
	case "uids":
		m.UIDs, ok = p.list()
	case "since":
		m.Since, ok = p.text()
	case "resource":
		m.Resource, ok = p.text()
	case "status":
		m.Status, ok = p.text()
	case "ext":
		m.Ext, ok = p.text()
	}
	return ok
}

// list reads a list of strings, of which there is one at least.
func (p *plain) list() (list []bridge.UID, ok bool) {
	if !p.next('[') {
		return nil, false
	}
	list = p.uids
	for {
		s, ok := p.text()
		if !ok {
			return nil, false
		}
		list = append(list, bridge.UID(s))
		if !p.next(',') {
			return list, p.next(']')
		}
	}
}

func (p *plain) text() (s string, ok bool) {
	if !p.next('"') {
		return "", false
	}
	s, p.rest, ok = strings.Cut(p.rest, `"`)
	return s, ok
}

// next says whether this is what comes next, blanks aside, and if so takes it.
func (p *plain) next(c byte) bool {
	rest := strings.TrimLeft(p.rest, " ")
	if rest == "" || rest[0] != c {
		return false
	}
	p.rest = rest[1:]
	return true
}
