package doctor

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var demoApp = bridge.App{Org: "demo", Name: "presence"}

const (
	hushToken    = "hush-token"
	hushSecret   = "hush-client-secret"
	hushHMAC     = "hush-hmac-0123456789abcdef0123456789abcdef"
	hushPassword = "hush-password"
)

// played is an emulator behind a listener of its own. Its people are at peace, and user-0001 is the operator.
func played(t *testing.T, o emulator.Options) (*emulator.Server, *httptest.Server) {
	t.Helper()
	o.Paused, o.Users, o.ClientSecret, o.Token = true, 3, hushSecret, hushToken
	s, err := emulator.New(o)
	require.NoError(t, err)
	return s, listening(t, s)
}

func listening(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// answering is a server that says the same to everybody.
func answering(t *testing.T, status int, header http.Header, body string) *httptest.Server {
	t.Helper()
	return listening(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
}

// natsServer is a real server with options, which the test stops.
func natsServer(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.NoSigs, o.NoLog, o.Host = true, true, "127.0.0.1"
	o.Port = server.RANDOM_PORT
	if o.JetStream {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	require.True(t, o.Cluster.Name != "" || s.ReadyForConnections(10*time.Second))
	return s
}

// opened is NATS with everything that the bridge keeps there.
func opened(t *testing.T) (url string, b *bridge.Bus) {
	t.Helper()
	s, err := bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	nc, err := s.Connect(nil)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	b, err = bridge.Open(t.Context(), nc, demoApp, bridge.Settings{}, nil)
	require.NoError(t, err)
	return s.URL(), b
}

func jetStreamAt(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

// sound is a plan with which all is well.
func sound(vendorURL, natsURL string) Plan {
	return Plan{
		App:    demoApp,
		Vendor: &easemob.Config{URL: vendorURL, Org: "demo", App: "presence", ClientID: "id", ClientSecret: hushSecret, Rate: 40},
		Polls:  true, Shows: true, Keeps: true,
		Operators: []string{"user-0001"}, Rate: 40, MaxStaleness: 30 * time.Second,
		NATS:   NATS{URL: natsURL},
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0",
		Auth: &hub.Auth{HMACSecret: []byte(hushHMAC)}, Callbacks: true,
	}
}

// report is what is printed, without the last line.
type report struct {
	t     *testing.T
	text  string
	marks map[Mark]int
}

// variable is what differs from one run to the next.
var variable = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`127\.0\.0\.1:[1-9]\d*`), "HOST"},
	{regexp.MustCompile(`(answers in|look took) (less than )?[\d.]+ m?s`), "$1 DURATION"},
	{regexp.MustCompile(`room for [\d,]+ GiB`), "room for SPACE"},
	{regexp.MustCompile(`nats-server \d+\.\d+\.\d+`), "nats-server VERSION"},
}

// chapterOf examines one part of a plan.
func chapterOf(t *testing.T, read chapter) report {
	t.Helper()
	var f findings
	read(t.Context(), &f)
	return reported(t, f.list)
}

func examined(t *testing.T, p Plan) report {
	t.Helper()
	var list []Finding
	Examine(t.Context(), p, func(f Finding) { list = append(list, f) })
	return reported(t, list)
}

// reported also holds that no secret is ever told, and that each check is listed.
func reported(t *testing.T, list []Finding) report {
	t.Helper()
	var text strings.Builder
	marks := map[Mark]int{}
	for _, f := range list {
		require.NoError(t, Print(&text, f))
		require.Contains(t, append(append(slices.Clone(Checks), Forecasts...), "x clock"), f.Check)
		marks[f.Mark]++
	}
	require.NotContains(t, text.String(), "hush")
	r := report{t, text.String(), marks}
	for _, v := range variable {
		r.text = v.pattern.ReplaceAllString(r.text, v.name)
	}
	return r
}

func (r report) contains(line string) bool { return strings.Contains(r.text, line+"\n") }

// says holds what stands there, verbatim, and that nothing else is wrong or worth a warning.
func (r report) says(lines ...string) {
	r.t.Helper()
	wrong := 0
	for _, line := range lines {
		require.Contains(r.t, r.text, line+"\n")
		wrong += strings.Count("\n"+line, "\n✘") + strings.Count("\n"+line, "\n!")
	}
	require.Equal(r.t, wrong, r.marks[Failed]+r.marks[Warning], r.text)
}

// impatient is for what never answers.
func impatient(p *Plan) { p.Patience = 300 * time.Millisecond }

// hanging takes connections and never says a word.
func hanging(t *testing.T) (address string) {
	t.Helper()
	ended := make(chan struct{})
	address = serving(t, func(net.Conn) { <-ended })
	t.Cleanup(func() { close(ended) })
	return address
}

// serving takes connections, one goroutine each, and ends them when serve returns.
func serving(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// closed is an address at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func golden(t *testing.T, name string) string {
	t.Helper()
	want, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return string(want)
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
