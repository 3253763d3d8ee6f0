package hub

import (
	"encoding/json"
	"strconv"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// The messages to clients. testdata/frames holds one of each, which the browser client's
// tests read too.
type (
	welcomeMessage struct {
		Type        string      `json:"type"`
		Session     string      `json:"session"`
		UID         bridge.UID  `json:"uid"`
		HeartbeatMS int64       `json:"heartbeat_ms"`
		Limits      limitsFrame `json:"limits"`
		Feed        feedState   `json:"feed"`
	}
	limitsFrame struct {
		MaxUIDs              int   `json:"max_uids"`
		MaxMessageBytes      int64 `json:"max_message_bytes"`
		MaxMessagesPerSecond int   `json:"max_messages_per_second"`
	}
	feedState struct {
		State  bridge.FeedState  `json:"state"`
		AsOf   int64             `json:"as_of"` // Unix milliseconds
		Reason string            `json:"reason,omitempty"`
		Codes  []bridge.FeedCode `json:"codes,omitempty"`
	}
	feedMessage struct {
		Type string `json:"type"`
		feedState
	}
	subscribedMessage struct {
		Type      string       `json:"type"`
		ID        string       `json:"id,omitempty"`
		Cursor    string       `json:"cursor"`
		Presences presences    `json:"presences"`
		Pending   []bridge.UID `json:"pending"`
		Denied    []bridge.UID `json:"denied"`
		Complete  bool         `json:"complete"`
		Feed      *feedState   `json:"feed,omitempty"` // of who asks once: who stays is told of it apart
	}
	changesMessage struct {
		Type      string    `json:"type"`
		Cursor    string    `json:"cursor"`
		Presences presences `json:"presences"`
	}
	okMessage struct {
		Type string `json:"type"`
		ID   string `json:"id,omitempty"`
	}
	errorMessage struct {
		Type    string `json:"type"`
		ID      string `json:"id,omitempty"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	byeMessage struct {
		Type             string `json:"type"`
		Reason           string `json:"reason"`
		ReconnectAfterMS int64  `json:"reconnect_after_ms"`
	}
)

// presences are states that were encoded before, each once for everybody who watches.
type presences []json.RawMessage

// encode is the message, in JSON.
func (m *subscribedMessage) encode() []byte { return m.append(make([]byte, 0, m.size())) }

// append writes the message as encoding/json would, which took half of what a subscribe costs: the states are written
// already, and no uid needs escaping.
func (m *subscribedMessage) append(b []byte) []byte {
	b = append(append(append(b, `{"type":"`...), m.Type...), '"')
	if m.ID != "" {
		b = append(append(b, `,"id":`...), encode(m.ID)...)
	}
	b = append(append(append(b, `,"cursor":"`...), m.Cursor...), `","presences":[`...)
	b = append(m.Presences.append(b), `],"pending":`...)
	b = append(appendUIDs(b, m.Pending), `,"denied":`...)
	b = append(appendUIDs(b, m.Denied), `,"complete":`...)
	b = strconv.AppendBool(b, m.Complete)
	if m.Feed != nil {
		b = append(append(b, `,"feed":`...), encode(m.Feed)...)
	}
	return append(b, '}')
}

// MarshalJSON implements [json.Marshaler], for an answer over HTTP or NATS.
func (m subscribedMessage) MarshalJSON() ([]byte, error) { return m.encode(), nil }

// size is about how long the message is.
func (m *subscribedMessage) size() int {
	n := 128 + 2*len(m.ID) + len(m.Cursor)
	for _, p := range m.Presences {
		n += len(p) + 1
	}
	for _, list := range [][]bridge.UID{m.Pending, m.Denied} {
		for _, uid := range list {
			n += len(uid) + 3
		}
	}
	return n
}

func (p presences) append(b []byte) []byte {
	for i, state := range p {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, state...)
	}
	return b
}

func appendUIDs(b []byte, uids []bridge.UID) []byte {
	b = append(b, '[')
	for i, uid := range uids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), uid...), '"')
	}
	return append(b, ']')
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // only for types that JSON cannot hold, and these are all above
	}
	return data
}

func feedFrame(f feedState) []byte { return encode(feedMessage{Type: "feed", feedState: f}) }

func errorFrame(id string, err error) []byte {
	r := refusalOf(err)
	return encode(errorMessage{Type: "error", ID: id, Code: r.Code, Message: r.Message})
}
