package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const maxMessageID = 64

// message is what a client says. Which fields count depends on the type; unknown fields are for hubs newer
// than we are.
type message struct {
	Type     string       `json:"type"`
	ID       string       `json:"id"`
	Token    string       `json:"token"`
	UIDs     []bridge.UID `json:"uids"` // as given
	Since    string       `json:"since"`
	Resource string       `json:"resource"`
	Status   string       `json:"status"`
	Ext      string       `json:"ext"`
}

// decodeMessage reads a message of a client. An error that is a closing is of a peer who does not speak the
// protocol; any other is an honest mistake, and the message's id is returned so that the answer can name it.
// The uids are put into a list, if they fit.
func decodeMessage(data []byte, uids []bridge.UID) (message, error) {
	m, ok := readPlain(data, uids)
	if !ok {
		var err error
		if m, err = readJSON(data); err != nil {
			return m, err
		}
	}
	if len(m.ID) > maxMessageID {
		return message{}, badMessage("the id has %d bytes, %d is the most", len(m.ID), maxMessageID)
	}
	return m, m.check()
}

// readJSON reads a message of which nothing is known, and says what is wrong with it.
func readJSON(data []byte) (m message, err error) {
	err = json.Unmarshal(data, &m)
	if !utf8.Valid(data) {
		return message{}, errNoText
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return message{}, closeProtocol.because("a message has to be one JSON object")
	}
	if err != nil {
		var id struct{ ID string }
		_ = json.Unmarshal(data, &id)
		return message{ID: clip(id.ID)}, badMessage("%s", jsonProblem(err))
	}
	return m, nil
}

// check tells what the type of the message asks for and the message lacks.
func (m message) check() error {
	switch m.Type {
	case "auth":
		if m.Token == "" {
			return badMessage("auth needs a token")
		}
	case "set":
		if m.Resource == "" || m.Status == "" {
			return badMessage("set needs a resource and a status")
		}
	case "subscribe", "unsubscribe", "ping":
	default:
		return refuse(http.StatusBadRequest, "unknown_type", "no such type of message: want auth, subscribe, unsubscribe, set or ping")
	}
	return nil
}

func badMessage(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, "bad_message", fmt.Sprintf(format, args...))
}

func clip(id string) string {
	if len(id) > maxMessageID {
		return ""
	}
	return id
}

// parseUIDs reads the uids of a request, in their place; the limit keeps the work of refusing bounded.
func parseUIDs(list []bridge.UID, limit int) ([]bridge.UID, error) {
	if len(list) > limit {
		return nil, tooManyUIDs(len(list), "request", limit)
	}
	if len(list) == 0 {
		return nil, badMessage("uids is missing: name at least one user")
	}
	uids, err := bridge.FoldUIDs(list)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "bad_uid", err.Error()+"; nothing was changed")
	}
	return uids, nil
}

// jsonProblem says what is wrong with somebody's JSON, in their words rather than Go's.
func jsonProblem(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Sprintf("%s is a %s, want a %s", wrong.Field, wrong.Value, jsonType(wrong.Type.Kind()))
	}
	if errors.As(err, &wrong) {
		return "it is a " + wrong.Value + ", want an object"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func jsonType(k reflect.Kind) string {
	if k == reflect.Slice {
		return "list of strings"
	}
	return k.String()
}
