package emulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// An answer is what one call says, before anything goes wrong on the way.
type answer struct {
	status      int
	contentType string
	body        []byte
}

func asJSON(status int, v any) answer {
	return answer{status, "application/json", encode(v)}
}

// encode is JSON as the vendor writes it: no escapes for <, > and &, no newline at the end.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("emulator: encoding an answer of its own: " + err.Error()) // its types cannot fail
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (a answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a peer that has gone is no concern of ours
}

// result is the envelope of every presence answer.
type result struct {
	Result any `json:"result"`
}

func resultOf(v any) result { return result{v} }

var done = asJSON(http.StatusOK, resultOf("ok"))

// entry is one user in the answer of a get or a subscribe; only the latter has an expiry.
type entry struct {
	UID      string  `json:"uid"`
	LastTime any     `json:"last_time"`
	Expiry   any     `json:"expiry,omitempty"`
	Ext      string  `json:"ext"`
	Status   devices `json:"status"`
}

// listed is one subscription in the answer of a sublist.
type listed struct {
	UID    string `json:"uid"`
	Expiry any    `json:"expiry"`
}

type sublist struct {
	Total any      `json:"totalnum"`
	List  []listed `json:"sublist"`
}

// devices is the status of a user as it goes out. Somebody who never had a device has [] there, no object
// (TEST: PresenceIT casts it to a List).
type devices struct {
	values  map[string]string
	numbers bool
	twice   string // this key is written a second time, as in the vendor's own sample
}

func (d devices) MarshalJSON() ([]byte, error) {
	if len(d.values) == 0 {
		return []byte("[]"), nil
	}
	values := make(map[string]any, len(d.values))
	for key, value := range d.values {
		values[key] = d.value(value)
	}
	b := encode(values)
	if v, ok := d.values[d.twice]; ok {
		again := encode(map[string]any{d.twice: d.value(v)})
		b = append(append(b[:len(b)-1], ','), again[1:]...)
	}
	return b, nil
}

func (d devices) value(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number(n, d.numbers)
	}
	return s
}

// number is a number as the samples write it, a string, or as a newer server does (TS5).
func number(n int64, plain bool) any {
	if plain {
		return n
	}
	return strconv.FormatInt(n, 10)
}
