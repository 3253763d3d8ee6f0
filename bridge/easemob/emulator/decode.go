package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// The decoders take whatever bytes a client sends, and answer with a value or with the refusal for it.
// FuzzDecoders holds that none of them panics or lets an illegal value through.

// rules are those of Options that say what a request may be.
type rules struct {
	keepCase, keepDuplicates bool
	clampPages, clampExpiry  bool
	maxPage, maxExt          int
}

func newRules(o Options) rules {
	return rules{
		keepCase: o.KeepCase, keepDuplicates: o.KeepDuplicates,
		clampPages: o.PageSizeOver == clamp, clampExpiry: o.ExpiryOver == clamp,
		maxPage: o.MaxPageSize, maxExt: o.MaxExt,
	}
}

// decodeUsernames reads {"usernames":[...]}, the body of subscribe and get.
func (r rules) decodeUsernames(body []byte, over refusal) ([]string, *refusal) {
	names, no := usernamesIn(body, over)
	if no != nil {
		return nil, no
	}
	return r.legalNames(names)
}

// decodeAnybody reads the same of a batch status, which checks no user id (ED+).
func (r rules) decodeAnybody(body []byte) ([]string, *refusal) {
	names, no := usernamesIn(body, tooManyStatuses)
	return r.distinct(names), no
}

func usernamesIn(body []byte, over refusal) ([]string, *refusal) {
	var names []string
	if no := decodeFields(body, map[string]any{"usernames": &names}); no != nil {
		return nil, no
	}
	switch {
	case len(names) == 0:
		return nil, &usernamesEmpty
	case len(names) > maxBatch:
		return nil, &over
	}
	return names, nil
}

// decodeBareNames reads ["c1"], the body of unsubscribe: the documents name a field "users", their example
// and every client send the bare array. An empty body is one that was lost for want of a
// Content-Length.
func (r rules) decodeBareNames(body []byte) ([]string, *refusal) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &usernamesNull
	}
	var names []string
	if no := unmarshal(body, &names); no != nil {
		return nil, no
	}
	switch {
	case len(names) == 0:
		return nil, &usernamesNull
	case len(names) > maxBatch:
		return nil, &tooManyUnsub
	}
	return r.legalNames(names)
}

// decodeExt reads {"ext":"..."}, the body of set.
func (r rules) decodeExt(body []byte) (string, *refusal) {
	if len(bytes.TrimSpace(body)) == 0 {
		return "", &extNull
	}
	var ext *string
	if no := decodeFields(body, map[string]any{"ext": &ext}); no != nil {
		return "", no
	}
	switch {
	case ext == nil:
		return "", &extNull
	case len(*ext) > r.maxExt:
		return "", &extTooBig
	}
	return *ext, nil
}

// decodeFields reads the named fields of one JSON object, and passes over the others. Names are compared
// exactly, as the vendor says that it does; encoding/json left alone would take "UserNames" too.
func decodeFields(body []byte, fields map[string]any) *refusal {
	var object map[string]json.RawMessage
	if no := unmarshal(body, &object); no != nil {
		return no
	}
	for name, into := range fields {
		raw, ok := object[name]
		if !ok {
			continue
		}
		if no := unmarshal(raw, into); no != nil {
			return no
		}
	}
	return nil
}

// unmarshal reads exactly one JSON value.
func unmarshal(body []byte, into any) *refusal {
	d := json.NewDecoder(bytes.NewReader(body))
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("more than one value")
		}
	}
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mistyped):
		return &badRequest
	case err != nil:
		no := badJSON(err)
		return &no
	}
	return nil
}
