package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
}

// TestRefusalsAreCounted as micro counts them, though they come long after their requests were taken up.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	s := slow{make(chan struct{}), make(chan struct{})}
	nc, _ := offered(t, newBus(t), "", s.endpoint(), Endpoint{"echo", echo},
		Endpoint{"no", func(context.Context, []byte) ([]byte, *ServiceError) {
			return nil, refused(400, "bad", "this is wrong\nand that")
		}})
	stats := func() (list []*micro.EndpointStats) {
		m, err := nc.Request("$SRV.STATS."+ServiceName, nil, soon)
		require.NoError(t, err)
		var stats micro.Stats
		require.NoError(t, json.Unmarshal(m.Data, &stats))
		return stats.Endpoints
	}
	var slow sync.WaitGroup
	for range serviceAtOnce {
		slow.Go(func() { asked(t, nc, "slow", "x") })
		<-s.begun
	}
	asked(t, nc, "slow", "one too many")
	busy := stats()[0]
	require.Equal(t, []int{1, 1}, []int{busy.NumRequests, busy.NumErrors})
	require.Equal(t, "503:"+errBusy.Description, busy.LastError)
	close(s.letGo)
	slow.Wait()
	asked(t, nc, "echo", "a")
	asked(t, nc, "echo", "b")
	asked(t, nc, "no", "c")
	asked(t, nc, "no", "d")
	all := stats()
	for i, want := range []struct {
		name             string
		requests, errors int
		last, data       string
	}{
		{"slow", serviceAtOnce + 1, 1, "503:" + errBusy.Description, fmt.Sprintf(`{"answered":%d,"refused":0,"busy":1}`, serviceAtOnce)},
		{"echo", 2, 0, "", `{"answered":2,"refused":0,"busy":0}`},
		{"no", 2, 2, "400:this is wrong; and that", `{"answered":0,"refused":2,"busy":0}`},
	} {
		got := all[i]
		require.Equal(t, want.name, got.Name)
		require.Equal(t, []int{want.requests, want.errors}, []int{got.NumRequests, got.NumErrors}, want.name)
		require.Equal(t, want.last, got.LastError, want.name)
		require.JSONEq(t, want.data, string(got.Data), want.name)
		require.Positive(t, got.ProcessingTime, want.name)
		require.Equal(t, got.ProcessingTime/time.Duration(want.requests), got.AverageProcessingTime, want.name)
	}
}

// TestTheServiceIsLikeOneOfMicros: who asks about services cannot tell ours from one that micro runs, at each of the
// subjects where they ask.
func TestTheServiceIsLikeOneOfMicros(t *testing.T) {
	t.Parallel()
	like := func(start func(nc *nats.Conn)) (told map[string]any) {
		nc := connectTo(t, startServer(t, ServerOptions{}))
		start(nc)
		told = map[string]any{}
		var id string
		for _, of := range []string{"", "." + ServiceName, "." + ServiceName + ".ID"} {
			for _, verb := range []string{"PING", "INFO", "STATS"} {
				var answer map[string]any
				require.Eventually(t, func() bool {
					m, err := nc.Request("$SRV."+verb+strings.Replace(of, "ID", id, 1), nil, soon)
					return err == nil && json.Unmarshal(m.Data, &answer) == nil
				}, soon, often, "%s%s", verb, of)
				id = answer["id"].(string)
				told[verb+of] = shape(answer)
			}
		}
		return told
	}
	micros := like(func(nc *nats.Conn) {
		s, err := micro.AddService(nc, micro.Config{Name: ServiceName, Version: "1.2.3", Description: "for the test",
			StatsHandler: func(*micro.Endpoint) any { return ended{} }})
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Stop() })
		require.NoError(t, s.AddGroup(ServiceSubject).AddEndpoint("echo", micro.HandlerFunc(func(micro.Request) {})))
	})
	require.Equal(t, micros, like(func(nc *nats.Conn) {
		b, err := Open(t.Context(), nc, demoApp, quick, nil)
		require.NoError(t, err)
		offered(t, b, "v1.2.3", Endpoint{"echo", echo})
	}))
}

// shape is what somebody was told, without what differs from service to service.
func shape(answer map[string]any) map[string]any {
	for _, own := range []string{"id", "started"} {
		if text, ok := answer[own].(string); ok && text != "" {
			answer[own] = "some"
		}
	}
	return answer
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
				return b.serve(ctx, grace, "1.0.0", "", []Endpoint{s.endpoint()})
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
