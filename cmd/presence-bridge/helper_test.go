package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const patience = 20 * time.Second // for things that normally take milliseconds, on a busy machine

// output is what a command has printed so far.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// wait returns the match of a pattern once it was printed, the first group where there is one.
func (o *output) wait(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	var found []string
	eventually(t, "output that matches "+pattern, func() bool {
		found = re.FindStringSubmatch(o.String())
		return found != nil
	}, o)
	return found[len(found)-1]
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool, show ...*output) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, o := range show {
				t.Log(o.String())
			}
			t.Fatalf("no %s within %v", what, patience)
		}
	}
}

// readable has logs as text, as on a terminal, unless the environment says otherwise.
func readable(env []string) []string { return append([]string{"LOG_FORMAT=text"}, env...) }

// once runs a command that ends by itself.
func once(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs output
	code = run(ctx, args, readable(env), &out, &errs)
	return code, out.String(), errs.String()
}

// running is a command that goes on until it is stopped.
type running struct {
	t              *testing.T
	stdout, stderr output
	cancel         context.CancelFunc
	ended          chan struct{}
	code           int
}

func start(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.code = run(ctx, args, readable(env), &r.stdout, &r.stderr)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ended
		if t.Failed() {
			t.Logf("%s\nstdout:\n%s\nstderr:\n%s", args, &r.stdout, &r.stderr)
		}
	})
	return r
}

// stop is what a signal does. The command has to end well, and in time.
func (r *running) stop() {
	r.t.Helper()
	began := time.Now()
	r.cancel()
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatal("does not stop")
	}
	if took := time.Since(began); took > 5*time.Second {
		r.t.Errorf("stopping took %v", took)
	}
	if r.code != exitOK {
		r.t.Errorf("exit status %d after a signal", r.code)
	}
}

// fetch makes a request and returns the status and the body.
func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
