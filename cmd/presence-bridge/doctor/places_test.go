package doctor

import (
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlaces is each of those who can listen where serve wants to.
func TestPlaces(t *testing.T) {
	bridgeThat := func(status int, words string) string {
		mux := http.NewServeMux()
		mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
		mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(words + "\n"))
		})
		return listening(t, mux).Listener.Addr().String()
	}
	const other = "\n                → stop what listens there, or choose another address in LISTEN"
	for name, test := range map[string]struct{ address, says string }{
		"a bridge":              {bridgeThat(200, "ready"), "✔ public port   HOST is held by a presence-bridge that is ready"},
		"a bridge in trouble":   {bridgeThat(503, "NATS is away"), "! public port   HOST is held by a presence-bridge that is not ready: NATS is away\n                → read its log"},
		"a bridge without more": {bridgeThat(404, ""), "! public port   HOST is held by a presence-bridge that does not say whether it is ready\n                → read its log"},
		"another server":        {answering(t, 200, nil, "<html>").Listener.Addr().String(), "✘ public port   HOST is held by something that is no presence-bridge" + other},
		"one that hangs":        {hanging(t), "✘ public port   HOST is held by something that is no presence-bridge" + other},
		"noise":                 {chattering(t, "\x00\xff"), "✘ public port   HOST is held by something that is no presence-bridge" + other},
		"systemd":               {"systemd", "– public port   not checked: systemd holds it, and hands it over to serve"},
		"not of this machine":   {"192.0.2.1:8080", "✘ public port   192.0.2.1:8080 cannot be listened on: cannot assign requested address\n                → choose another address in LISTEN"},
		// The last one: what is free before would be given to one of the others.
		"nobody": {closed(t), "✔ public port   HOST is free"},
	} {
		t.Run(name, func(t *testing.T) {
			p := sound("", "")
			p.Listen, p.AdminListen = test.address, ""
			if name == "one that hangs" {
				impatient(&p)
			}
			chapterOf(t, p.places).says(test.says)
		})
	}
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		":8080": "127.0.0.1:8080", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "127.0.0.1:1", "10.0.0.1:1": "10.0.0.1:1", "host:1": "host:1",
	} {
		require.Equal(t, want, reachable(address))
		_, _, err := net.SplitHostPort(reachable(address))
		require.NoError(t, err)
	}
}
