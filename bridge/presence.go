package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Source says what made somebody look.
type Source string

// The sources of a change.
const (
	SourcePoll      Source = "poll"      // the poller's turn
	SourceSubscribe Source = "subscribe" // the answer to a vendor subscription
	SourceHint      Source = "hint"      // the vendor's callback said to look now
	SourceBridge    Source = "bridge"    // the user's own set came through the bridge
)

// What [Change.Changed] can name.
const (
	ChangedStatus    = "status"
	ChangedExt       = "ext"
	ChangedLastTime  = "last_time"
	ChangedFirst     = "first"     // the first observation after a uid becomes watched
	ChangedUnwatched = "unwatched" // nobody watches from here on; the state is history
)

// State is what the vendor says of a user. LastTime is in Unix milliseconds, 0 where the vendor has none.
type State struct {
	Online   bool              `json:"online"`    // any device's status is not "0"; see [OnlineOnly]
	Status   map[string]string `json:"status"`    // device -> "0" offline, "1" online, other digits custom
	Ext      string            `json:"ext"`       // the user's text, at most 1,024 bytes
	LastTime int64             `json:"last_time"` // when the vendor last saw a login or logout
}

// StateOf makes the state of a user who has these devices. The map is kept, not copied.
func StateOf(status map[string]string, ext string, lastTime int64) State {
	if status == nil {
		status = map[string]string{}
	}
	return State{Online: anyOnline(status), Status: status, Ext: ext, LastTime: lastTime}
}

// OnlineOnly makes the state of a user of whom the vendor tells but a word, as with EASEMOB_STATUS=online: Online
// is that word, and of devices, texts and times nothing is known. Such a user can be online without any device.
func OnlineOnly(online bool) State {
	return State{Online: online, Status: map[string]string{}}
}

func anyOnline(status map[string]string) bool {
	for _, s := range status {
		if s != "0" {
			return true
		}
	}
	return false
}

// Equal says whether two states are the same to anybody who looks.
func (s State) Equal(o State) bool {
	return s.Online == o.Online && s.Ext == o.Ext && s.LastTime == o.LastTime && maps.Equal(s.Status, o.Status)
}

// differences names what [Change.Changed] lists between two states.
func (s State) differences(o State) []string {
	var d []string
	if s.Online != o.Online || !maps.Equal(s.Status, o.Status) {
		d = append(d, ChangedStatus)
	}
	if s.Ext != o.Ext {
		d = append(d, ChangedExt)
	}
	if s.LastTime != o.LastTime {
		d = append(d, ChangedLastTime)
	}
	return d
}

// Presence is a user's newest state as browsers get it. ObservedAt is in Unix milliseconds.
type Presence struct {
	UID UID `json:"uid"`
	State
	ObservedAt int64 `json:"observed_at"`
}

// Change is one message of the log. It happened between NotBefore, the start of the last look that saw the
// old state (0: nobody knows), and ObservedAt, the start of the look that saw this one; Unix milliseconds.
type Change struct {
	UID UID `json:"uid"`
	State
	ObservedAt int64    `json:"observed_at"`
	NotBefore  int64    `json:"not_before"`
	Changed    []string `json:"changed"`
	Prev       *State   `json:"prev,omitempty"` // nil where the log held nothing of the user
	Source     Source   `json:"source"`
}

// Presence is the state that the change led to.
func (c *Change) Presence() Presence {
	return Presence{UID: c.UID, State: c.State, ObservedAt: c.ObservedAt}
}

// Unwatched says that nobody has looked at the user since: the state is history, not news.
func (c *Change) Unwatched() bool { return len(c.Changed) == 1 && c.Changed[0] == ChangedUnwatched }

// maxChange is more than a change can have: two states of 1,024 bytes of text, escaped, and 100 devices. What is
// longer is nobody's state, and would be sent to every browser that looks.
const maxChange = 64 << 10

var errTooLong = fmt.Errorf("%d is the most", maxChange)

// latest is the year 2100: a time beyond it would never be overtaken.
const latest = 4102444800000

// DecodeChange reads a message of the log. Whoever may write to the subject may have written anything, so a
// message without what readers rely on is an error; unknown fields are for readers newer than we are. The status may be
// that of other changes too: never write to it.
func DecodeChange(data []byte) (*Change, error) {
	if len(data) > maxChange {
		return nil, fmt.Errorf("decoding a change: it has %d bytes, %w", len(data), errTooLong)
	}
	c, ok := readPlain(data)
	if !ok {
		c = Change{}
		if err := json.Unmarshal(data, &c); err != nil {
			return nil, fmt.Errorf("decoding a change: %w", err)
		}
	}
	uid, err := ParseUID(string(c.UID))
	if err != nil {
		return nil, fmt.Errorf("decoding a change: %w", err)
	}
	if c.ObservedAt <= 0 || c.ObservedAt > latest || c.NotBefore < 0 || c.NotBefore > c.ObservedAt {
		return nil, errors.New("decoding a change: observed_at and not_before are no interval")
	}
	c.UID = uid
	if c.Status == nil {
		c.Status = map[string]string{}
	}
	if c.Changed == nil {
		c.Changed = []string{}
	}
	if c.Prev != nil && c.Prev.Status == nil {
		c.Prev.Status = map[string]string{}
	}
	return &c, nil
}

// Millis is a time in Unix milliseconds, as messages carry it; 0 where there is none.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
