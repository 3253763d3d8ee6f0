package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/leftout"
)

// A query is read by its words alone, which is enough to find names that do not exist; that its grammar is right is
// promtool's to say, see TestPromtool. Prometheus' own parser would bring a hundred modules along.
var (
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	ranges   = regexp.MustCompile(`\[[^\]]*\]`)
	numbers  = regexp.MustCompile(`\b\d[\w.]*`)
	selector = regexp.MustCompile(`([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(by|without|on|ignoring)\s*\(([^)]*)\)`)
	words    = regexp.MustCompile(`[a-zA-Z_:][\w:]*`)
	legends  = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
)

// spoken are the words of PromQL that the files use.
var spoken = strings.Fields(`sum max min count rate increase histogram_quantile scalar absent clamp_min or and unless bool`)

// added are labels that Prometheus adds.
var added = []string{"job", "instance"}

// mistakes lists what a query names that does not exist.
func (all families) mistakes(query string) (wrong []string) {
	rest, labels := query, slices.Clone(added)
	for _, m := range selector.FindAllStringSubmatch(query, -1) {
		wrong = append(wrong, all.wrongMatchers(m[1], m[2])...)
		rest = strings.Replace(rest, m[0], m[1], 1)
	}
	rest = ranges.ReplaceAllString(quoted.ReplaceAllString(rest, ""), "")
	groupings := grouping.FindAllStringSubmatch(rest, -1)
	named := 0
	for _, w := range words.FindAllString(numbers.ReplaceAllString(grouping.ReplaceAllString(rest, ""), ""), -1) {
		switch f := all.find(w); {
		case f != nil:
			named++
			labels = append(labels, f.names()...)
		case !slices.Contains(spoken, w):
			wrong = append(wrong, "there is no "+w)
		}
	}
	if named == 0 && len(wrong) == 0 {
		wrong = append(wrong, "it names no metric")
	}
	for _, g := range groupings {
		for _, label := range words.FindAllString(g[2], -1) {
			if !slices.Contains(labels, label) {
				wrong = append(wrong, "none of its metrics has the label "+label)
			}
		}
	}
	return wrong
}

// find is the family that a series' name belongs to. A histogram has no series of its own name.
func (all families) find(series string) *family {
	if f := all[series]; f != nil && f.kind != "histogram" && f.kind != "summary" {
		return f
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok && all[name] != nil && all[name].kind == "histogram" {
			f := *all[name]
			f.buckets = suffix == "_bucket"
			return &f
		}
	}
	return nil
}

// names are the labels that its series have.
func (f *family) names() (names []string) {
	for name := range f.labels {
		names = append(names, name)
	}
	if f.buckets {
		names = append(names, "le")
	}
	return names
}

// wrongMatchers lists labels that a metric has not, and values that they never have.
func (all families) wrongMatchers(series, matchers string) (wrong []string) {
	f := all.find(series)
	if f == nil {
		return nil // said where words are looked at
	}
	for _, m := range matcher.FindAllStringSubmatch(matchers, -1) {
		if slices.Contains(added, m[1]) {
			continue
		}
		if !slices.Contains(f.names(), m[1]) {
			wrong = append(wrong, fmt.Sprintf("%s has no label %s", series, m[1]))
			continue
		}
		for value := range strings.SplitSeq(m[3], "|") {
			if !slices.Contains(f.labels[m[1]], value) {
				wrong = append(wrong, fmt.Sprintf("%s of %s is never %s", m[1], series, value))
			}
		}
	}
	return wrong
}

// query is one that a file has, and what its text for people names of its labels.
type query struct {
	where, expr string
	legend      []string
}

func (all families) check(t *testing.T, q query) {
	t.Helper()
	for _, wrong := range all.mistakes(q.expr) {
		t.Errorf("%s: %s\n%s", q.where, wrong, q.expr)
	}
	for _, label := range q.legend {
		by := grouping.FindAllString(q.expr, -1)
		kept := strings.Contains(strings.Join(by, " "), label) || len(by) == 0 && !regexp.MustCompile(`\b(sum|max|min|count)\b`).MatchString(q.expr)
		if !kept {
			t.Errorf("%s: the label %s is not left by\n%s", q.where, label, q.expr)
		}
	}
}

// alert is a rule of alerts.yml.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	read(t, "observability/alerts.yml", &file)
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// dashboard is what is looked at of the dashboard's JSON.
type dashboard struct {
	UID    string `json:"uid"`
	Panels []struct {
		Type, Title, Description string
		Targets                  []struct{ Expr, LegendFormat string }
		GridPos                  struct{ X, Y, W, H int }
		Datasource               struct{ UID string }
	}
}

func dashboardOf(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("observability/grafana/dashboards/presence.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

// TestQueriesNameWhatExists: metrics, labels and values of labels in alerts and on the dashboard are those of a bridge.
func TestQueriesNameWhatExists(t *testing.T) {
	all := metrics(t)
	for _, a := range alerts(t) {
		all.check(t, query{where: a.Alert, expr: a.Expr})
	}
	n := 0
	for _, p := range dashboardOf(t).Panels {
		for _, target := range p.Targets {
			n++
			q := query{where: p.Title, expr: target.Expr}
			for _, m := range legends.FindAllStringSubmatch(target.LegendFormat, -1) {
				q.legend = append(q.legend, m[1])
			}
			all.check(t, q)
		}
	}
	require.Greater(t, n, 30)
}

// TestMistakesInQueriesAreSeen, each by itself.
func TestMistakesInQueriesAreSeen(t *testing.T) {
	all := families{
		"a_total":   {kind: "counter", labels: map[string][]string{"result": {"ok", "failed"}}},
		"b_seconds": {kind: "histogram", labels: map[string][]string{}},
	}
	for expr, want := range map[string]string{
		`sum by (result) (rate(a_total{result="ok",job="hub"}[5m])) > 0.1 or 2 * a_total`:       "",
		`histogram_quantile(0.95, sum by (le, instance) (rate(b_seconds_bucket[$__interval])))`: "",
		`rate(a_totals[5m])`:                         "there is no a_totals",
		`rate(b_seconds[5m])`:                        "there is no b_seconds",
		`rate(a_total_bucket[5m])`:                   "there is no a_total_bucket",
		`rat(a_total[5m])`:                           "there is no rat",
		`a_total{results="ok"}`:                      "a_total has no label results",
		`a_total{le="5"}`:                            "a_total has no label le",
		`a_total{result=~"ok|lost"}`:                 "result of a_total is never lost",
		`sum by (reason) (a_total)`:                  "none of its metrics has the label reason",
		`sum by (le) (b_seconds_sum)`:                "none of its metrics has the label le",
		`sum(1)`:                                     "it names no metric",
		`a_total and on (job) (b_seconds_count)`:     "",
		`sum without (result, what) (a_total)`:       "none of its metrics has the label what",
		`absent(c_total{result="never"}) or a_total`: "there is no c_total",
	} {
		require.Equal(t, want, strings.Join(all.mistakes(expr), "; "), expr)
	}
}

// TestDashboard: every panel says what it shows, no two lie over each other, and the questions are those that people have.
func TestDashboard(t *testing.T) {
	d := dashboardOf(t)
	require.Equal(t, "presence-bridge", d.UID)
	var rows []string
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Empty(t, taken[[2]int{x, y}], "%s lies over it", p.Title)
				require.Less(t, x, 24, p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			rows = append(rows, p.Title)
			continue
		}
		require.Equal(t, "prometheus", p.Datasource.UID, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		require.Greater(t, len(p.Description), 10, p.Title)
	}
	require.Equal(t, []string{"How stale is what my users see?", "What is the budget doing?", "Who is slow?"}, rows)
}

// TestAlerts: each says what is the matter, how bad it is, and where to read on.
func TestAlerts(t *testing.T) {
	list := alerts(t)
	require.Len(t, list, 15)
	text, err := os.ReadFile("observability/alerts_test.yml")
	require.NoError(t, err)
	for _, a := range list {
		require.Regexp(t, `^Presence[A-Za-z]+$`, a.Alert)
		require.Contains(t, []string{"critical", "warning"}, a.Labels["severity"], a.Alert)
		require.NotEmpty(t, a.For, a.Alert)
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.NotEmpty(t, a.Annotations["description"], a.Alert)
		require.True(t, strings.HasSuffix(a.Annotations["runbook_url"], "/cmd/presence-bridge/deploy/"+runbook+"#"+strings.ToLower(a.Alert)), a.Alert)
		require.Contains(t, string(text), `alertname="`+a.Alert+`"`, "no case has it fire")
	}
}

// TestPromtool has Prometheus' own tool read the rules, and tries each alert, where it is there.
func TestPromtool(t *testing.T) {
	leftout.Program(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"check", "config", "--syntax-only", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "observability"
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
	}
	var rules strings.Builder // the dashboard's queries as rules, for their grammar
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, p := range dashboardOf(t).Panels {
		for j, target := range p.Targets {
			fmt.Fprintf(&rules, "  - record: panel_%d_%d\n    expr: %q\n", i, j, strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
		}
	}
	file := t.TempDir() + "/dashboard.yml"
	require.NoError(t, os.WriteFile(file, []byte(rules.String()), 0o600))
	out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", file).CombinedOutput()
	require.NoError(t, err, "%s", out)
}
