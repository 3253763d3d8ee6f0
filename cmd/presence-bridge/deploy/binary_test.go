package deploy

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

const (
	root     = "../../.."
	patience = time.Minute // for what takes a second, on a busy machine
)

// binary is the path of presence-bridge, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "deploy")
	if err == nil {
		binary = filepath.Join(dir, "presence-bridge")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
			_, _ = os.Stderr.Write(out)
		}
	}
	code := 1
	if err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// said is command -> what its --help says.
var said = map[string]string{}

func help(t *testing.T, command string) string {
	t.Helper()
	if said[command] == "" {
		out, err := exec.CommandContext(t.Context(), binary, command, "--help").Output()
		require.NoError(t, err, command)
		said[command] = string(out)
	}
	return said[command]
}

// families is metric -> what /metrics of a whole bridge says of it.
type families map[string]*family

type family struct {
	help, kind string              // kind is counter, gauge or histogram
	labels     map[string][]string // label -> values seen; le of histograms is none
	buckets    bool                // it is the _bucket of a histogram
}

// ours are those that are not of the libraries.
func (all families) ours() families {
	ours := families{}
	for name, f := range all {
		if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			ours[name] = f
		}
	}
	return ours
}

var (
	scraped  families
	scraping sync.Once
)

// metrics is what a demo shows once all its parts are at work.
func metrics(t *testing.T) families {
	t.Helper()
	scraping.Do(func() { scraped = scrapeDemo(t) })
	require.NotNil(t, scraped, "the demo showed no metrics, see the first test")
	return scraped
}

// scrapeDemo runs a demo until its keeper holds subscriptions: what only a keeper that leads shows is there then.
func scrapeDemo(t *testing.T) families {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := startDemo(t)
	for ctx.Err() == nil {
		if f := scrape(t, ctx, url); f["presence_bridge_keeper_subscriptions"] != nil {
			return f
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	require.Fail(t, "the demo's keeper subscribes nobody")
	return nil
}

// startDemo runs a demo for as long as the test lasts, and tells where its metrics are.
func startDemo(t *testing.T) (url string) {
	t.Helper()
	return startUntil(t, `admin +(http://\S+/metrics)`, binary, "demo", "--users", "20", "--listen", "127.0.0.1:0",
		"--admin-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--emulator-listen", "127.0.0.1:0")
}

// startUntil runs a program for as long as the test lasts, and returns what it says that matches. It ends at an
// interruption.
func startUntil(t *testing.T, pattern, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := exec.CommandContext(ctx, program, args...)
	p.Cancel = func() error { return p.Process.Signal(os.Interrupt) }
	r, w := io.Pipe()
	p.Stdout, p.Stderr = w, w
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		cancel()
		_ = p.Wait()
		_ = w.Close()
	})
	return findLine(t, r, pattern)
}

// findLine reads until a line matches, and goes on reading for nobody.
func findLine(t *testing.T, r io.Reader, pattern string) string {
	re, seen := regexp.MustCompile(pattern), ""
	buf := make([]byte, 4096)
	for {
		n, err := r.Read(buf)
		seen += string(buf[:n])
		if m := re.FindStringSubmatch(seen); m != nil {
			go func() { _, _ = io.Copy(io.Discard, r) }() // until the writer closes, when the demo has ended
			return m[1]
		}
		require.NoError(t, err, seen)
	}
}

func scrape(t *testing.T, ctx context.Context, url string) families {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	read, err := parser.TextToMetricFamilies(response.Body)
	require.NoError(t, err)
	all := families{}
	for name, f := range read {
		one := &family{help: f.GetHelp(), kind: strings.ToLower(f.GetType().String()), labels: map[string][]string{}}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				one.labels[l.GetName()] = append(one.labels[l.GetName()], l.GetValue())
			}
		}
		all[name] = one
	}
	return all
}
