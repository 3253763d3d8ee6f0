package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// final is an error that the next connection would meet again. Its words are ours.
type final struct{ error }

// unreachable is what the network says of a hub that could not be dialled.
type unreachable struct{ error }

// answered is an answer that is no WebSocket.
type answered struct{ status, message string } // the message is a hub's; empty where something else answers

func (a answered) Error() string { return a.status + " " + a.message }

// noWebSocket says why there is no connection. The answer may be nil, and holds the beginning of its body.
func noWebSocket(answer *http.Response, err error) error {
	if answer == nil || answer.StatusCode == http.StatusSwitchingProtocols {
		return unreachable{cause(err)}
	}
	var said struct{ Message string }
	if body, err := io.ReadAll(answer.Body); err == nil {
		_ = json.Unmarshal(body, &said) // what is no JSON is of no hub
	}
	return answered{answer.Status, said.Message}
}

// comesBack says whether the same client may get a better answer next time: the contract's table of close codes.
func comesBack(err error) bool {
	if errors.As(err, new(final)) {
		return false
	}
	switch websocket.CloseStatus(err) {
	case websocket.StatusPolicyViolation, websocket.StatusMessageTooBig, 4400, 4401, 4403:
		return false
	}
	return true
}

// inWords tells the end of a connection to who sits before the terminal: the hub's reason, or the system's, and
// what to do.
func (w *hubWatch) inWords(err error) error {
	var closed websocket.CloseError
	var away unreachable
	var answer answered
	switch {
	case errors.As(err, new(final)):
		return err
	case errors.As(err, &away):
		return fmt.Errorf("no hub answers at %s: %w (presence-bridge demo starts one; --url names another)", w.url, away)
	case errors.As(err, &answer) && answer.message == "":
		return fmt.Errorf("no hub answers at %s: %s (--url names another)", w.url, answer.status)
	case errors.As(err, &answer):
		return fmt.Errorf("the hub at %s refuses: %s", w.url, answer.message)
	case !errors.As(err, &closed):
		return fmt.Errorf("the connection to %s broke: %w", w.url, cause(err))
	case closed.Code == 4401 && w.token == "":
		return fmt.Errorf("the hub at %s wants a token: set PRESENCE_TOKEN (presence-bridge token --sub me --watch %s mints one)",
			w.url, w.asks[0].uids[0])
	case closed.Reason == "":
		return fmt.Errorf("the hub at %s closes with code %d", w.url, int(closed.Code))
	}
	return fmt.Errorf("the hub at %s closes: %s", w.url, closed.Reason)
}
