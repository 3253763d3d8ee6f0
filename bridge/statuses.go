package bridge

import (
	"strings"
	"sync"
)

const (
	maxStatuses = 1024
	maxStatus   = 64 // bytes, as it is written
)

// statuses are those that were read already.
var statuses = statusTable{known: map[string]map[string]string{}}

// statusTable has short statuses by how they are written after the brace that begins them. Nearly everybody's is one of a
// few: shared, it is neither made anew for each change nor kept for each user. What is rare must not fill memory: the first
// so many stay.
type statusTable struct {
	mu    sync.RWMutex
	known map[string]map[string]string
}

// find is the status that text begins with, and how long it is there; nil is one that is not known.
func (t *statusTable) find(text string) (status map[string]string, n int) {
	n = strings.IndexByte(text, '}') + 1 // or less, where a text has one in it: then it is not known
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.known[text[:n]], n
}

// add makes a status known that can be read, and holds nothing of the message that it is a part of.
func (t *statusTable) add(text string) {
	if len(text) > maxStatus {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) < maxStatuses {
		text = strings.Clone(text)
		t.known[text] = (&unescaped{text, true}).newDevices()
	}
}
