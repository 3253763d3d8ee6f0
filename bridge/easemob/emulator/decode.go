package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// The decoders take whatever bytes a client sends, and answer with a value or with the refusal for it.
// FuzzDecoders holds that none of them panics or lets an illegal value through.

// decodeUsernames reads {"usernames":[...]}, the body of subscribe, get and batch status.
func decodeUsernames(body []byte, over refusal) ([]string, *refusal) {
	var names []string
	if no := decodeFields(body, map[string]any{"usernames": &names}); no != nil {
		return nil, no
	}
	if len(names) == 0 {
		return nil, &usernamesEmpty
	}
	return legalNames(names, over)
}

// decodeBareNames reads ["c1"], the body of unsubscribe: the documents name a field "users", their example
// and every client send the bare array. An empty body is one that was lost for want of a
// Content-Length.
func decodeBareNames(body []byte) ([]string, *refusal) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, &usernamesNull
	}
	var names []string
	if no := unmarshal(body, &names); no != nil {
		return nil, no
	}
	if len(names) == 0 {
		return nil, &usernamesNull
	}
	return legalNames(names, tooManyUnsub)
}

// decodeExt reads {"ext":"..."}, the body of set.
func decodeExt(body []byte) (string, *refusal) {
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
	case len(*ext) > maxExtBytes:
		return "", &extTooBig
	}
	return *ext, nil
}

// tokenRequest is the body of POST /token.
type tokenRequest struct {
	grantType, clientID, clientSecret string
	ttl                               *int64 // seconds; 0 for ever, nil the app's own setting
}

func decodeTokenRequest(body []byte) (tokenRequest, *refusal) {
	var in tokenRequest
	no := decodeFields(body, map[string]any{"grant_type": &in.grantType, "client_id": &in.clientID,
		"client_secret": &in.clientSecret, "ttl": &in.ttl})
	if no != nil {
		return in, no
	}
	switch {
	case in.grantType != "client_credentials", in.ttl != nil && (*in.ttl < 0 || *in.ttl > maxTTL):
		return in, &badRequest
	case in.clientID == "":
		return in, &noClientID
	case in.clientSecret == "":
		return in, &noClientSecret
	}
	return in, nil
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

// legalNames folds case (ED24: "Aa" and "aa" are one user), and keeps the first of those that are repeated:
// whether the vendor merges them is not documented.
func legalNames(names []string, over refusal) ([]string, *refusal) {
	if len(names) > maxBatch {
		return nil, &over
	}
	folded := make([]string, 0, len(names))
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		uid, no := legalName(name)
		if no != nil {
			return nil, no
		}
		if !seen[uid] {
			seen[uid] = true
			folded = append(folded, uid)
		}
	}
	return folded, nil
}

func legalName(name string) (string, *refusal) {
	if name == "" || len(name) > maxUIDBytes {
		no := badName(name)
		return "", &no
	}
	return fold(name), nil
}

func fold(uid string) string { return strings.ToLower(uid) }

// isStatus says whether s is a number string: 0 offline, 1 online, more is the app's own (ED24).
func isStatus(s string) bool {
	n, err := strconv.ParseUint(s, 10, 31)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// decodePage reads pageNum and pageSize: from 1, 1 when absent (ED+). The vendor's own test sends page 0
// without an error (TS5).
func decodePage(num, size string, maxSize int) (page, perPage int, no *refusal) {
	page, ok := atoi(num)
	perPage, ok2 := atoi(size)
	if !ok || !ok2 || (size != "" && perPage == 0) {
		return 0, 0, &badPage
	}
	return max(page, 1), min(max(perPage, 1), maxSize), nil
}

func atoi(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}
