package hub

import (
	"bytes"
	"encoding/json"

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
		State  bridge.FeedState `json:"state"`
		AsOf   int64            `json:"as_of"` // Unix milliseconds
		Reason string           `json:"reason,omitempty"`
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

// encode writes the message with its states as they are: encoding/json would read each once more, which is half of
// what a subscribe costs.
func (m *subscribedMessage) encode() []byte {
	bare := *m
	bare.Presences = presences{}
	head, tail, _ := bytes.Cut(encode(bare), []byte(`"presences":[]`)) // the first: a cursor and an id hold no quotes
	n := len(head) + len(tail) + len(`"presences":[]`)
	for _, p := range m.Presences {
		n += len(p) + 1
	}
	b := append(append(make([]byte, 0, n), head...), `"presences":[`...)
	for i, p := range m.Presences {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p...)
	}
	return append(append(b, ']'), tail...)
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
