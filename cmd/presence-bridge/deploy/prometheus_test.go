package deploy

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/leftout"
)

// prometheus is the API of one that runs.
type prometheus string

// startPrometheus runs one, where it is installed, with our settings, but that both jobs ask the one process at an
// address, each second.
func startPrometheus(t *testing.T, address string) prometheus {
	t.Helper()
	program := leftout.Program(t, "prometheus")
	text, err := os.ReadFile("observability/prometheus.yml")
	require.NoError(t, err)
	rules, err := filepath.Abs("observability/alerts.yml")
	require.NoError(t, err)
	settings := string(text)
	for from, to := range map[string]string{
		`dns_sd_configs: .*`:          `static_configs: [{targets: ["` + address + `"]}]`,
		`_interval: 10s`:              `_interval: 1s`,
		`/etc/prometheus/alerts\.yml`: rules,
	} {
		require.Regexp(t, from, settings)
		settings = regexp.MustCompile(from).ReplaceAllLiteralString(settings, to)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(file, []byte(settings), 0o600))
	return prometheus("http://" + startUntil(t, `Listening on".* address=(\S+)\s`, program, "--config.file="+file,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address=127.0.0.1:0"))
}

func (p prometheus) get(t *testing.T, path string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(p)+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func (p prometheus) ready(t *testing.T) bool { return p.get(t, "/-/ready").StatusCode == http.StatusOK }

// ask asks for something under /api/v1/.
func (p prometheus) ask(t *testing.T, what string, into any) {
	t.Helper()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: into}
	require.NoError(t, json.NewDecoder(p.get(t, "/api/v1/"+what).Body).Decode(&answer))
	require.Equal(t, "success", answer.Status, "%s: %s", what, answer.Error)
}

// up says that both jobs are asked, and answer.
func (p prometheus) up(t *testing.T) bool {
	var got struct {
		ActiveTargets []struct{ Health string }
	}
	p.ask(t, "targets", &got)
	return len(got.ActiveTargets) == 2 && got.ActiveTargets[0].Health == "up" && got.ActiveTargets[1].Health == "up"
}

// calm says that every alert has been looked at since then, without an error, and that none fires.
func (p prometheus) calm(t *testing.T, since time.Time) bool {
	var got struct {
		Groups []struct {
			Rules []struct {
				Name, Health, State, LastError string
				LastEvaluation                 time.Time
			}
		}
	}
	p.ask(t, "rules", &got)
	fine := 0
	for _, group := range got.Groups {
		for _, rule := range group.Rules {
			require.Empty(t, rule.LastError, rule.Name)
			require.NotEqual(t, "firing", rule.State, rule.Name)
			if rule.Health == "ok" && rule.LastEvaluation.After(since) {
				fine++
			}
		}
	}
	return fine == len(alerts(t))
}

// answers says whether a query finds anything.
func (p prometheus) answers(t *testing.T, query string) bool {
	var got struct{ Result []any }
	query = strings.ReplaceAll(query, "$__rate_interval", "1m")
	p.ask(t, "query?query="+url.QueryEscape(query), &got)
	return len(got.Result) > 0
}

// TestPrometheus has a real one, where it is there, look at a demo: it takes our settings, no alert is in error or
// fires, and each query of the dashboard finds something.
func TestPrometheus(t *testing.T) {
	metrics, err := url.Parse(startDemo(t))
	require.NoError(t, err)
	p := startPrometheus(t, metrics.Host)
	until(t, "it is ready and both jobs answer", func() bool { return p.ready(t) && p.up(t) })
	for _, panel := range dashboardOf(t).Panels {
		for _, target := range panel.Targets {
			found := func() bool { return p.answers(t, target.Expr) || strings.HasSuffix(target.Expr, "> 0") }
			until(t, panel.Title+": "+target.Expr, found)
		}
	}
	answered := time.Now()
	until(t, "every alert has been looked at", func() bool { return p.calm(t, answered) })
}

// until waits for something.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !done(); time.Sleep(100 * time.Millisecond) {
		require.True(t, time.Now().Before(limit), "in vain: %s", what)
	}
}
