package easemob

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// maxParts is how many elements an array may have, and members an object: ten times the users that one call may be
// about. What an answer takes in memory goes by them, far more than by its length.
const maxParts = 1000

var errParts = fmt.Errorf("it has more than %d parts", maxParts)

// member is one "key": value of an object.
type member struct {
	key string
	raw json.RawMessage
}

// members reads an object in order. encoding/json alone would keep the last of two equal keys, fold their
// case, and never say so; the vendor's own sample has "android" twice in one status (SEED).
func members(raw []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('{') {
		return nil, errors.New("it is no object")
	}
	var list []member
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: key.(string)} // inside an object and before a value, nothing else is valid
		if err := dec.Decode(&m.raw); err != nil {
			return nil, err
		}
		if list = append(list, m); len(list) > maxParts {
			return nil, errParts
		}
	}
	_, err := dec.Token()
	return list, err
}

// fields is members as a map, for objects in which a key that is given twice with two values has no meaning.
func fields(raw []byte) (map[string]json.RawMessage, error) {
	list, err := members(raw)
	if err != nil {
		return nil, err
	}
	byKey := make(map[string]json.RawMessage, len(list))
	for _, m := range list {
		if old, ok := byKey[m.key]; ok && !bytes.Equal(old, m.raw) {
			err = fmt.Errorf("%.40q is given twice, differently", m.key)
		}
		byKey[m.key] = m.raw
	}
	return byKey, err
}

func elements(raw []byte) ([]json.RawMessage, error) {
	if !isArray(raw) {
		return nil, errors.New("it is no array")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, err := dec.Token()
	var list []json.RawMessage
	for err == nil && dec.More() {
		var element json.RawMessage
		err = dec.Decode(&element)
		if list = append(list, element); len(list) > maxParts {
			return nil, errParts
		}
	}
	return list, err
}

func isArray(raw []byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '['
}

// absent says whether a field is not there, or null, which means the same.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func text(raw json.RawMessage) (string, error) {
	if absent(raw) {
		return "", nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

// literal is what a string holds or a number says: the samples have strings where the tables have numbers,
// and the newest server seems to send numbers (TS5).
func literal(raw json.RawMessage) (string, error) {
	if absent(raw) {
		return "", nil
	}
	if raw[0] == '"' {
		return text(raw)
	}
	var n json.Number
	err := json.Unmarshal(raw, &n)
	return n.String(), err
}

// integer reads a whole number, given as a number or as a string; what is absent or empty is 0.
func integer(raw json.RawMessage) (int64, error) {
	s, err := literal(raw)
	if err != nil || s == "" {
		return 0, err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("%.40q is no whole number", s)
	}
	return int64(f), nil
}

// From firstMilli on, a time is in milliseconds: as seconds it would be after the year 33000. The documents
// say seconds, a comment in one of the vendor's clients says milliseconds (TS5).
const (
	firstMilli = 1_000_000_000_000
	lastMilli  = 253_402_300_799_999 // the end of the year 9999, the last that JSON times can name
)

// instant reads a Unix time; zero and below is no time, as for a user who was never there.
func instant(raw json.RawMessage) (time.Time, error) {
	n, err := integer(raw)
	switch {
	case err != nil:
		return time.Time{}, err
	case n <= 0:
		return time.Time{}, nil
	case n < firstMilli:
		return time.Unix(n, 0), nil
	case n > lastMilli:
		return time.Time{}, fmt.Errorf("%d is no time", n)
	}
	return time.UnixMilli(n), nil
}
