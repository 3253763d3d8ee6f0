package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

func Example() {
	s, err := emulator.New(emulator.Options{Users: -1, Token: "app-token"})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(s)
	defer server.Close()
	s.SetUser("c2", map[string]string{"android": "1"}, "busy")

	body := strings.NewReader(`{"usernames":["nobody"]}`)
	req, _ := http.NewRequest(http.MethodPost, server.URL+"/demo/presence/users/op/presence", body)
	req.Header.Set("Authorization", "Bearer app-token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	fmt.Printf("%s\n", answer)
	fmt.Println(s.Users("c2")["c2"].Status, s.Stats().Calls["get"])
	// Output:
	// {"result":[{"uid":"nobody","last_time":"0","ext":"","status":[]}]}
	// map[android:1] 1
}
