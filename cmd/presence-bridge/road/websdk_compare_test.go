package road

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// What the SDK is to return is written as a tree of these, of lists and of plain values.
type (
	fields   map[string]any // exactly these
	count    int64          // a string in the vendor's samples, a number in the SDK's types
	later    int64          // a count that is a Unix time: so many seconds from now
	body     fields         // a string that holds JSON
	begins   string         // a string that begins so
	whatever struct{}       // whatever, but there
)

// differences names every field that is not as it is wanted.
func (v *sdkVendor) differences(at string, want, got any) []string {
	switch want := want.(type) {
	case fields:
		return v.differences(at, map[string]any(want), got)
	case map[string]any:
		return v.fieldDifferences(at, want, got)
	case []any:
		return v.listDifferences(at, want, got)
	case body:
		var inner any
		if text, ok := got.(string); !ok || json.Unmarshal([]byte(text), &inner) != nil {
			return []string{fmt.Sprintf("%s: %v is no JSON in a string", at, got)}
		}
		return v.differences(at+"→", map[string]any(want), inner)
	}
	if v.matches(want, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s: got %#v, want %T %#v", at, got, want, want)}
}

func (v *sdkVendor) fieldDifferences(at string, want map[string]any, got any) (wrong []string) {
	object, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: %v is no object", at, got)}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		value, ok := object[key]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s.%s: missing", at, key))
			continue
		}
		wrong = append(wrong, v.differences(at+"."+key, want[key], value)...)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if _, ok := want[key]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s.%s: %v, which nobody expects", at, key, object[key]))
		}
	}
	return wrong
}

func (v *sdkVendor) listDifferences(at string, want []any, got any) (wrong []string) {
	list, ok := got.([]any)
	if !ok || len(list) != len(want) {
		return []string{fmt.Sprintf("%s: %v is no list of %d", at, got, len(want))}
	}
	for i := range want {
		wrong = append(wrong, v.differences(fmt.Sprintf("%s[%d]", at, i), want[i], list[i])...)
	}
	return wrong
}

func (v *sdkVendor) matches(want, got any) bool {
	switch want := want.(type) {
	case whatever:
		return true
	case begins:
		text, ok := got.(string)
		return ok && len(text) >= len(want) && text[:len(want)] == string(want)
	case count:
		n, ok := v.number(got)
		return ok && n == int64(want)
	case later:
		const tolerance = 60 // seconds; a wrong unit is out by a thousand
		n, ok := v.number(got)
		off := n/v.second - int64(want) - time.Now().Unix()
		return ok && -tolerance <= off && off <= tolerance
	case int:
		return reflect.DeepEqual(got, float64(want))
	}
	return reflect.DeepEqual(got, want)
}

// number reads a number in the form that this world has.
func (v *sdkVendor) number(got any) (int64, bool) {
	if v.numbers {
		n, ok := got.(float64)
		return int64(n), ok && n == float64(int64(n))
	}
	text, ok := got.(string)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil && strconv.FormatInt(n, 10) == text
}
