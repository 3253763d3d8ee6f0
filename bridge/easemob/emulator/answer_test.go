package emulator

import (
	"encoding/json"
	"testing"
)

// A status is written by hand. It says what encoding/json would, whatever is in it.
func TestStatusIsWrittenAsJSON(t *testing.T) {
	for _, values := range []map[string]string{
		{"android": "1"},
		{"b": "0", "a": "101", "webim_random_chrome_1700000000000": "1"},
		{`quo"te`: "1", `back\slash`: "0", "new\nline": "2", "del\x7f": "3", "nul\x00": "4", "\u2028": "5"},
		{"界<&>": "1", "\xff": "2", "\ufffd": "3"},
	} {
		want := encode(values)
		got, err := devices{values: values}.MarshalJSON()
		noError(t, err)
		var back, wanted map[string]string
		noError(t, json.Unmarshal(got, &back))
		noError(t, json.Unmarshal(want, &wanted))
		equal(t, back, wanted)
		if len(back) == len(values) { // no two keys that are not UTF-8 became the same
			equal(t, string(got), string(want))
		}
	}
	got, _ := devices{values: map[string]string{"b": "1", "a": "12"}, twice: "a"}.MarshalJSON()
	equal(t, string(got), `{"a":"12","b":"1","a":"12"}`)
	got, _ = devices{twice: "a"}.MarshalJSON()
	equal(t, string(got), `[]`)
}
