package easemob

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHostileAnswersEndInTime has a server take the connection over and say what no server should. A call ends as
// its timeout says at the latest, whatever stays open.
func TestHostileAnswersEndInTime(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	for name, tt := range map[string]struct{ first, on, says string }{
		"another protocol":  {first: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", says: "101"},
		"hints without end": {on: "HTTP/1.1 103 Early Hints\r\nX: " + strings.Repeat("x", 1000) + "\r\n\r\n", says: "exceeded"},
		"an endless header": {first: head + "X: ", on: strings.Repeat("x", 1000), says: "exceeded 65536 bytes"},
		"an endless body":   {first: head + "\r\n", on: strings.Repeat("[", 1000), says: "larger"},
		"half a body":       {first: head + "Content-Length: 99\r\n\r\n{\"result\":", says: "no answer within"},
		"half a reason":     {first: "HTTP/1.1 500 Oh\r\nContent-Length: 99\r\n\r\noh", says: "500"},
		"no header's end":   {first: head + "X: y\r\n", says: "no answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if !assert.NoError(t, err) {
					return
				}
				defer conn.Close()
				_, err = io.WriteString(conn, tt.first)
				for err == nil && tt.on != "" {
					_, err = io.WriteString(conn, tt.on)
				}
				_, _ = io.Copy(io.Discard, conn) // until the client hangs up
			}))
			defer server.Close()
			c, err := New(Config{URL: server.URL, Org: "org", App: "app", Token: "fixed-token", Timeout: 300 * time.Millisecond})
			require.NoError(t, err)
			defer c.Close()
			failed := make(chan error, 1)
			go func() { _, err := c.Get(context.Background(), "svc", []string{"a"}); failed <- err }()
			select {
			case err := <-failed:
				require.ErrorContains(t, err, tt.says)
			case <-time.After(10 * time.Second):
				t.Fatal("the call does not end")
			}
		})
	}
}

// TestAnswersAreBoundedInParts: 1 MiB of nothing but elements would take a thousand times its length, and seconds.
func TestAnswersAreBoundedInParts(t *testing.T) {
	for name, body := range map[string]string{
		"elements": `{"result":[` + strings.Repeat("{},", maxParts) + `{}]}`,
		"fields":   `{"result":[]` + manyFields(maxParts) + `}`,
	} {
		_, err := newClient(t, Config{}, always(200, body)).Get(t.Context(), "svc", []string{"a"})
		require.ErrorContains(t, err, "parts", name)
		require.True(t, IsRetryable(err), name)
	}
	_, err := elements([]byte(`[` + strings.Repeat("0,", maxParts-1) + `0]`))
	require.NoError(t, err)
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"f%d":0`, i)
	}
	return b.String()
}

// TestEntriesAreBounded: who has more said of them than goes into a message of the bus is missing, and spoils nobody
// else.
func TestEntriesAreBounded(t *testing.T) {
	keys := strings.Repeat("k", 256)
	devices := make([]string, 100)
	for i := range devices {
		devices[i] = fmt.Sprintf(`"%s%02d":"1"`, keys[2:], i)
	}
	most := fmt.Sprintf(`{"uid":"most","ext":"%s","status":{%s}}`, strings.Repeat(`\u0001`, MaxExt), strings.Join(devices, ","))
	for name, entry := range map[string]string{
		"ext":    `{"uid":"a","ext":"` + strings.Repeat("x", maxEntry) + `","status":{"ios":"1"}}`,
		"status": `{"uid":"a","ext":"","status":{"ios":"` + strings.Repeat("1", maxEntry) + `"}}`,
		"device": `{"uid":"a","ext":"","status":{"` + strings.Repeat("x", maxEntry) + `":"1"}}`,
	} {
		list, err := decodePresences([]byte("[" + entry + "," + most + "]"))
		require.NoError(t, err)
		got := match([]string{"a", "most"}, list)
		assert.Equal(t, []string{"a"}, got.Missing, name)
		assert.Len(t, got.Presences["most"].Status, 100)
	}
}
