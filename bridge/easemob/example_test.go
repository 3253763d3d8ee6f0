package easemob_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

func Example() {
	vendor, err := emulator.New(emulator.Options{Users: -1})
	if err != nil {
		panic(err)
	}
	server := httptest.NewServer(vendor)
	defer server.Close()

	client, err := easemob.New(easemob.Config{
		URL: server.URL, Org: "demo", App: "presence", ClientID: "id", ClientSecret: "secret",
	})
	if err != nil {
		panic(err) // names every setting that is wrong
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	if err := client.SetPresence(ctx, "Alice", "web_1", "1", "in a meeting"); err != nil {
		panic(err)
	}
	answer, err := client.Get(ctx, "service", []string{"alice"})
	switch {
	case easemob.IsRetryable(err):
		fmt.Println("later:", err)
	case err != nil:
		panic(err)
	}
	fmt.Println(answer.Presences["alice"].Status, answer.Presences["alice"].Ext)
	// Output: map[web_1:1] in a meeting
}
