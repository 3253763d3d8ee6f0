package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// without leaves out of an answer what no two answers have in common.
func without(body string, from, to string) string {
	body = strings.Replace(timestamps.ReplaceAllString(body, `"timestamp":0`), `"duration":4`, `"duration":0`, 1)
	return strings.Replace(body, from, to, 1)
}

func TestStatusSamplesVerbatim(t *testing.T) {
	s := newServer(t, quiet())
	s.SetUser("user1", map[string]string{"ios": "0"}, "")
	got := ask(t, s, "POST", "/users/batch/status", usernames("user1", "user2")).Body.String()
	equal(t, without(got, "", ""), without(sample(t, "batch_status_200.json"), "", ""))
	got = ask(t, s, "GET", "/users/user1/status", "").Body.String()
	equal(t, without(got, "http://example.com/demo/presence", "U"), without(sample(t, "status_200.json"), "https://XXXX/XXXX/XXXX", "U"))
}

// The older calls need no presence. In a batch nobody is checked: who does not exist is offline (ED+).
func TestBatchStatusNeedsNoPresence(t *testing.T) {
	o := quiet()
	o.NotActivated, o.UsersMustExist = true, true
	s := newServer(t, o)
	s.SetUser("a", map[string]string{"ios": "0", "web": "100"}, "")
	s.SetUser("b", map[string]string{"ios": "0"}, "")
	w := ask(t, s, "POST", "/users/batch/status", usernames("b", "A", "c"))
	sameButForTime(t, w.Body.String(), `{"action":"get batch user status","data":[{"b":"offline"},{"a":"online"},{"c":"offline"}],"timestamp":0,"duration":0}`)
	equal(t, s.Stats().Calls["batch_status"], 1)
	equal(t, s.Stats().UIDs["batch_status"], 3)
	equal(t, s.Stats().Calls["get"], 0)
}

// One device that is there is enough (ED+).
func TestStatusOfOne(t *testing.T) {
	o := quiet()
	o.NotActivated = true
	s := newServer(t, o)
	s.SetUser("a", map[string]string{"ios": "0", "web": "100"}, "")
	s.SetUser("batch", nil, "")
	for path, want := range map[string]string{"A": `{"a":"online"}`, "batch": `{"batch":"offline"}`} {
		var out struct{ Data json.RawMessage }
		noError(t, json.Unmarshal(ask(t, s, "GET", "/users/"+path+"/status", "").Body.Bytes(), &out))
		equal(t, string(out.Data), want)
	}
	equal(t, s.Stats().Calls["status"], 2)
}

func TestResources(t *testing.T) {
	s := newServer(t, quiet())
	s.SetUser("a", map[string]string{"ios": "1", "web_12_3": "1", "android_x": "0"}, "")
	s.SetUser("b", nil, "")
	for uid, want := range map[string]string{
		"a": `[{"res":"ios","device_uuid":"","device_name":"ios"},{"res":"web_12_3","device_uuid":"12_3","device_name":"web"}]`,
		"b": `[]`,
	} {
		w := ask(t, s, "GET", "/users/"+uid+"/resources", "")
		sameButForTime(t, w.Body.String(), fmt.Sprintf(`{"action":"get","uri":"http://example.com/demo/presence/users/%s/resources","entities":[],"data":%s,"timestamp":0,"duration":0}`, uid, want))
	}
	equal(t, s.Stats().Calls["resources"], 2)
}

func TestGroupCountIsOfEverybody(t *testing.T) {
	o := quiet()
	o.GroupCount = true
	s := newServer(t, o)
	for i, uid := range names("u", 7) {
		s.SetUser(uid, map[string]string{"web": fmt.Sprint(i % 2), "ios": "0"}, "")
	}
	for _, path := range []string{"/presence/online/a-group/type/1", "/presence/online/a-group/type/0"} {
		equal(t, ask(t, s, "GET", path, "").Body.String(), `{"result":3}`)
	}
	equal(t, s.Stats().Calls["group_count"], 2)
}
