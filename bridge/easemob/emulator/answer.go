package emulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
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

var (
	done    = asJSON(http.StatusOK, resultOf("ok"))
	notDone = asJSON(http.StatusOK, resultOf("set presence failed")) // SEED: "ok", or the reason why not
)

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

// devices is the status of a user as it goes out: strings, in the newest world too, for the clients read them as
// such (JS, TS5). Somebody who never had a device has [] there, no object (TEST: PresenceIT casts it to a List).
type devices struct {
	values map[string]string
	twice  string // this key is written a second time, as in the vendor's own sample
}

func (d devices) MarshalJSON() ([]byte, error) {
	if len(d.values) == 0 {
		return []byte("[]"), nil
	}
	keys := slices.AppendSeq(make([]string, 0, len(d.values)), maps.Keys(d.values))
	slices.Sort(keys)
	b := append(make([]byte, 0, 64*len(keys)), '{')
	for _, key := range keys {
		b = append(d.appendDevice(b, key), ',')
	}
	if _, ok := d.values[d.twice]; ok {
		b = append(d.appendDevice(b, d.twice), ',')
	}
	b[len(b)-1] = '}'
	return b, nil
}

// appendDevice writes "key":"value". It is most of what a get has to do: there are hundreds of devices in an answer.
func (d devices) appendDevice(b []byte, key string) []byte {
	b = append(appendString(b, key), ':')
	return appendString(b, d.values[key])
}

// appendString writes a JSON string, quickly where nothing in it needs care, which is nearly always.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, encode(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// number is a number as the samples write it, a string, or as a newer server does (TS5).
func number(n int64, plain bool) any {
	if plain {
		return n
	}
	return strconv.FormatInt(n, 10)
}
