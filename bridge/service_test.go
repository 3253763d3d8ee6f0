package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/stretchr/testify/require"
)

// reply is what somebody who asked was told.
type reply struct {
	body, code, why string
}

// ours is a refusal that no endpoint has made.
func ours(code, name, why string) reply {
	return reply{body: `{"code":"` + name + `","message":"` + why + `"}`, code: code, why: why}
}

func asked(t testing.TB, nc *nats.Conn, name, body string) reply {
	t.Helper()
	m, err := nc.Request(ServiceSubject+"."+name, []byte(body), soon)
	require.NoError(t, err)
	return reply{string(m.Data), m.Header.Get(micro.ErrorCodeHeader), m.Header.Get(micro.ErrorHeader)}
}

// offered serves these endpoints until the test ends or stop is called.
func offered(t testing.TB, b *Bus, version string, endpoints ...Endpoint) (nc *nats.Conn, stop func()) {
	t.Helper()
	return running(t, b, len(endpoints), func(ctx context.Context) error { return b.Serve(ctx, version, "for the test", endpoints...) })
}

func running(t testing.TB, b *Bus, endpoints int, serve func(context.Context) error) (nc *nats.Conn, stop func()) {
	t.Helper()
	stop = inBackground(t, serve)
	require.Eventually(t, func() bool { // what has just been subscribed to may be unknown to the server
		m, err := b.nc.Request("$SRV.INFO."+ServiceName, nil, soon)
		var info micro.Info
		return err == nil && json.Unmarshal(m.Data, &info) == nil && len(info.Endpoints) == endpoints
	}, soon, often)
	return b.nc, stop
}

func echo(_ context.Context, body []byte) ([]byte, *ServiceError) { return body, nil }

func TestAServiceAnswers(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	log := &logBuffer{}
	b.log = log.logger()
	nc, _ := offered(t, b, "v1.2.3", Endpoint{"echo", echo},
		Endpoint{"no", func(context.Context, []byte) ([]byte, *ServiceError) {
			return nil, &ServiceError{Code: 400, Description: "this is wrong\nand that", Body: []byte("why")}
		}},
		Endpoint{"much", func(context.Context, []byte) ([]byte, *ServiceError) {
			return bytes.Repeat([]byte("x"), int(b.nc.MaxPayload())+1), nil
		}},
		Endpoint{"panic", func(context.Context, []byte) ([]byte, *ServiceError) { panic("a secret of ours") }})
	require.Equal(t, reply{body: "hello"}, asked(t, nc, "echo", "hello"))
	require.Equal(t, reply{body: "why", code: "400", why: "this is wrong; and that"}, asked(t, nc, "no", ""))
	require.Equal(t, ours("413", "too_large", "the answer has 1048577 bytes and NATS carries 1048576: ask for fewer users at once"), asked(t, nc, "much", ""))
	require.Equal(t, ours("500", "internal", "it could not be answered; the log of the bridge says why"), asked(t, nc, "panic", ""))
	require.Contains(t, log.String(), "endpoint=panic")
	require.NoError(t, nc.Publish(ServiceSubject+".echo", []byte("nobody wants to know")))
	require.Equal(t, reply{body: "still there"}, asked(t, nc, "echo", "still there"))

	m, err := nc.Request("$SRV.INFO."+ServiceName, nil, soon)
	require.NoError(t, err)
	var info micro.Info
	require.NoError(t, json.Unmarshal(m.Data, &info))
	require.Equal(t, "1.2.3", info.Version)
	require.Len(t, info.Endpoints, 4)
	var stats micro.Stats
	require.Eventually(t, func() bool {
		m, err = nc.Request("$SRV.STATS."+ServiceName, nil, soon)
		return err == nil && json.Unmarshal(m.Data, &stats) == nil && string(stats.Endpoints[0].Data) == `{"answered":3,"busy":0,"refused":0}` &&
			string(stats.Endpoints[1].Data) == `{"answered":0,"busy":0,"refused":1}`
	}, soon, often)
}

func TestAnyVersionWillDo(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "(devel)", "01.2.3"} {
		nc, _ := offered(t, newBus(t), version, Endpoint{"echo", echo})
		m, err := nc.Request("$SRV.INFO."+ServiceName, nil, soon)
		require.NoError(t, err)
		require.Contains(t, string(m.Data), `"version":"1.0.0"`)
	}
}

// slow is an endpoint that keeps every request until it is let go, or its time is up.
type slow struct{ begun, letGo chan struct{} }

func (s slow) endpoint() Endpoint {
	return Endpoint{"slow", func(ctx context.Context, body []byte) ([]byte, *ServiceError) {
		s.begun <- struct{}{}
		select {
		case <-s.letGo:
			return body, nil
		case <-ctx.Done():
			return nil, &ServiceError{Code: 503, Description: "cut short"}
		}
	}}
}

// TestABusyServiceSaysSoAtOnce, and its other endpoints are not held up.
func TestABusyServiceSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	s := slow{make(chan struct{}), make(chan struct{})}
	nc, _ := offered(t, newBus(t), "", s.endpoint(), Endpoint{"echo", echo})
	replies := make(chan reply, serviceAtOnce)
	var all sync.WaitGroup
	for range serviceAtOnce {
		all.Go(func() { replies <- asked(t, nc, "slow", "x") })
		<-s.begun
	}
	require.Equal(t, ours("503", "busy", "this hub has too many of these requests under way; try again in a moment"), asked(t, nc, "slow", "x"))
	require.Equal(t, reply{body: "hello"}, asked(t, nc, "echo", "hello"))
	close(s.letGo)
	all.Wait()
	for range serviceAtOnce {
		require.Equal(t, reply{body: "x"}, <-replies)
	}
	all.Go(func() { replies <- asked(t, nc, "slow", "again") })
	<-s.begun
	all.Wait()
	require.Equal(t, reply{body: "again"}, <-replies)
}

// TestAServiceThatStopsAnswersWhatIsUnderWay, if only that it was cut short; who asks then finds nobody.
func TestAServiceThatStopsAnswersWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]reply{"in time": {body: "x"}, "too late": {code: "503", why: "cut short"}} {
		grace := map[string]time.Duration{"in time": time.Minute}[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := slow{make(chan struct{}), make(chan struct{})}
			b := newBus(t)
			nc, stop := running(t, b, 1, func(ctx context.Context) error {
				return b.serve(ctx, grace, micro.Config{Version: "1.0.0"}, []Endpoint{s.endpoint()})
			})
			answer := make(chan reply, 1)
			var others sync.WaitGroup
			defer others.Wait()
			others.Go(func() { answer <- asked(t, nc, "slow", "x") })
			<-s.begun
			others.Go(stop)
			require.Eventually(t, func() bool {
				_, err := nc.Request("$SRV.PING."+ServiceName, nil, soon)
				return err == nats.ErrNoResponders
			}, soon, often)
			if name == "in time" {
				close(s.letGo)
			}
			require.Equal(t, want, <-answer)
			_, err := nc.Request(ServiceSubject+".slow", nil, soon)
			require.ErrorIs(t, err, nats.ErrNoResponders)
		})
	}
}

// TestAServiceWhoseConnectionIsClosedStops with requests under way, whose answers reach nobody.
func TestAServiceWhoseConnectionIsClosedStops(t *testing.T) {
	t.Parallel()
	server := startServer(t, ServerOptions{})
	b := busAt(t, server, quick)
	s := slow{make(chan struct{}), make(chan struct{})}
	_, stop := offered(t, b, "", s.endpoint())
	require.NoError(t, connectTo(t, server).PublishRequest(ServiceSubject+".slow", "somewhere", nil))
	<-s.begun
	b.nc.Close()
	close(s.letGo)
	stop()
}

// TestTheDutiesAreShared by processes, each request is one's.
func TestTheDutiesAreShared(t *testing.T) {
	t.Parallel()
	server := startServer(t, ServerOptions{})
	count := make(chan struct{}, 100)
	counting := Endpoint{"count", func(context.Context, []byte) ([]byte, *ServiceError) {
		count <- struct{}{}
		return nil, nil
	}}
	_, stop := offered(t, busAt(t, server, quick), "", counting)
	nc, _ := offered(t, busAt(t, server, quick), "", counting)
	for range 10 {
		require.Equal(t, reply{}, asked(t, nc, "count", ""))
	}
	require.Len(t, count, 10)
	stop()
	require.Equal(t, reply{}, asked(t, nc, "count", ""))
}
