package easemob

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Where in an answer the presence calls, and the older calls of the platform, have what was asked for.
const (
	inResult = "result"
	inData   = "data"
)

// open takes a field out of a 2xx answer, unless the answer is a refusal that forgot its status (SEED; C++ treats
// it so).
func (c *Client) open(r request, body []byte, token secret) (json.RawMessage, error) {
	answer, err := decodeAnswer(body)
	switch {
	case err != nil:
		return nil, garbled(r.kind, http.StatusOK, err)
	case refuses(answer):
		return nil, refusal(r.kind, http.StatusOK, body, c.hidden(token)...)
	case absent(answer[r.field]):
		return nil, garbled(r.kind, http.StatusOK, fmt.Errorf("decoding the answer: there is no %s in it", r.field))
	}
	return answer[r.field], nil
}

// decodeAnswer reads the fields of an answer. What else is in it does not matter.
func decodeAnswer(body []byte) (map[string]json.RawMessage, error) {
	if !json.Valid(body) {
		return nil, errors.New("the answer is not complete JSON")
	}
	f, err := fields(body)
	if err != nil {
		return nil, fmt.Errorf("decoding the answer: %w", err)
	}
	return f, nil
}

// refuses says whether an answer is an error in either of its two shapes: a result that is a text other than
// "ok", or a field called error.
func refuses(answer map[string]json.RawMessage) bool {
	if result := answer["result"]; !absent(result) {
		s, err := text(result)
		return err == nil && s != "ok"
	}
	return stringOf(answer["error"]) != ""
}
