package emulator

import (
	"net/http"
	"testing"
)

func TestGetAnswersAsTheSampleDoes(t *testing.T) {
	s := newServer(t, quiet())
	s.SetUser("c2", map[string]string{"android": "0"}, "")
	got := asked[[]gotEntry](t, s, http.MethodPost, "/users/wzy/presence", usernames("C2", "nobody", "c2"))
	equal(t, len(got), 2)
	equal(t, got[0].UID, "c2")
	equal(t, string(got[0].Status), `{"android":"0"}`)
	equal(t, got[1].UID, "nobody")
	equal(t, string(got[1].Status), `[]`)
	equal(t, got[1].LastTime, "0")
}
