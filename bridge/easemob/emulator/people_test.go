package emulator

import (
	"net/http"
	"strings"
	"testing"
)

// Whoever is there can be set, however many there are; one too many cannot, by the API or by hand.
func TestPeopleAreBounded(t *testing.T) {
	s := newServer(t, quiet())
	s.people.most = 2
	for _, uid := range []string{"a", "b"} {
		equal(t, ask(t, s, "POST", "/users/"+uid+"/presence/web/1", `{"ext":""}`).Code, http.StatusOK)
	}
	w := ask(t, s, "POST", "/users/c/presence/web/1", `{"ext":""}`)
	equal(t, w.Code, http.StatusBadRequest)
	check(t, strings.Contains(w.Body.String(), setFailed.text), "%s", w.Body)
	w = admin(t, s, "PUT", "users/c", `{"status":{"web":"1"}}`)
	equal(t, w.Code, http.StatusBadRequest)
	check(t, strings.Contains(w.Body.String(), "2 users are the most"), "%s", w.Body)
	equal(t, ask(t, s, "POST", "/users/a/presence/web/0", `{"ext":"x"}`).Code, http.StatusOK)
	equal(t, admin(t, s, "PUT", "users/b", `{"ext":"y"}`).Code, http.StatusOK)
	equal(t, s.Users("a")["a"].Ext+s.Users("b")["b"].Ext, "xy")
	equal(t, len(s.Users()), 2)
	noError(t, s.SetPopulation(Population{Users: 3}))
	equal(t, len(s.Users()), 5)
}
