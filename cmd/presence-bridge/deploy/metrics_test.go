package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// row is a line of a table of METRICS.md.
type row struct {
	kind, meaning, look string
	labels              map[string][]string // label -> its values; one that begins with * stands for any
}

// tableOf reads the rows of METRICS.md. What a label can be is written as `label`: one, two; *words* stand for what no
// table can list.
func tableOf(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile("METRICS.md")
	require.NoError(t, err)
	rows := map[string]row{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		name := strings.Trim(strings.TrimSpace(cells[0]), "`")
		if len(cells) != 5 || name == "metric" {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		require.NotContains(t, rows, name, "it is there twice")
		rows[name] = row{kind: cells[1], labels: labelsOf(cells[2]), meaning: cells[3], look: cells[4]}
	}
	return rows
}

func labelsOf(cell string) map[string][]string {
	labels := map[string][]string{}
	for _, m := range regexp.MustCompile("`([a-z_]+)`: ([^;]+)").FindAllStringSubmatch(cell, -1) {
		labels[m[1]] = strings.Split(m[2], ", ")
	}
	return labels
}

// TestMetricsTable holds METRICS.md against /metrics of a whole bridge, both ways.
func TestMetricsTable(t *testing.T) {
	rows, real := tableOf(t), metrics(t).ours()
	for name, f := range real {
		r, ok := rows[name]
		if !ok {
			t.Errorf("METRICS.md lacks\n| `%s` | %s | %v | %s | |", name, f.kind, f.labels, f.help)
			continue
		}
		if r.kind != f.kind || r.meaning != f.help {
			t.Errorf("%s is a %s: %s\nMETRICS.md says %s: %s", name, f.kind, f.help, r.kind, r.meaning)
		}
		if len(r.look) < 10 {
			t.Errorf("METRICS.md does not say what to look for in %s", name)
		}
		compareLabels(t, name, r.labels, f.labels)
	}
	for name := range rows {
		if real[name] == nil {
			t.Errorf("METRICS.md has %s, and /metrics has not", name)
		}
	}
}

func compareLabels(t *testing.T, name string, table, real map[string][]string) {
	t.Helper()
	for label, values := range table {
		if real[label] == nil {
			t.Errorf("METRICS.md has the label %s of %s, and /metrics has not", label, name)
		} else if seen := distinct(real[label]); !strings.HasPrefix(values[0], "*") && !slices.Equal(distinct(values), seen) {
			t.Errorf("%s of %s is one of %q; METRICS.md says %q", label, name, seen, values)
		}
	}
	for label, values := range real {
		if table[label] == nil {
			t.Errorf("METRICS.md lacks the label %s of %s: %s", label, name, strings.Join(distinct(values), ", "))
		}
	}
}

func distinct(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// unitsOf are the base units and the things that can be counted, one of which a metric's name ends in.
var unitsOf = map[string]*regexp.Regexp{
	"counter":   regexp.MustCompile(`_total$`),
	"histogram": regexp.MustCompile(`_(seconds|users)$`),
	"gauge":     regexp.MustCompile(`_(seconds|users|calls_per_second|subscriptions|sessions|sessions_limit|sockets|leader|connected|feed_state)$`),
}

// TestMetricsAreNamedWell: base units, _total on what only rises and on nothing else, no names of Prometheus' own.
func TestMetricsAreNamedWell(t *testing.T) {
	for name, f := range metrics(t).ours() {
		require.Regexp(t, `^presence_bridge_[a-z_]+$`, name)
		require.NotNil(t, unitsOf[f.kind], "%s is a %s", name, f.kind)
		require.Regexp(t, unitsOf[f.kind], name, "a %s", f.kind)
		require.NotRegexp(t, `_(milliseconds|ms|count|sum|bucket|info|minutes|kilobytes)$`, name)
		if f.kind != "counter" {
			require.NotContains(t, name, "_total")
		}
		require.Regexp(t, `^[A-Z0-9].*\.$`, f.help, name)
		for label := range f.labels {
			require.NotContains(t, []string{"le", "quantile", "job", "instance", "uid", "user", "subject", "token", "session"}, label, name)
		}
	}
}

// TestNoUserIsALabel: a label for each user would be as many series as there are users.
func TestNoUserIsALabel(t *testing.T) {
	for name, f := range metrics(t).ours() {
		for label, values := range f.labels {
			require.LessOrEqual(t, len(distinct(values)), 60, "%s of %s", label, name)
			for _, value := range values {
				require.NotContains(t, value, "user-0", "%s of %s", label, name)
			}
		}
	}
}

// TestMetricsInProse: what pages tell people to look at is there to be looked at.
func TestMetricsInProse(t *testing.T) {
	all, named := metrics(t), regexp.MustCompile(`presence_bridge_[a-z_]*[a-z]\b[^*]`)
	var pages []string
	for _, pattern := range []string{root + "/README*.md", root + "/CONTRIBUTING.md", "*.md", "*/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	require.GreaterOrEqual(t, len(pages), 3)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, name := range named.FindAllString(string(text), -1) {
			name = name[:len(name)-1]
			if all[name] == nil && all.find(name) == nil {
				t.Errorf("%s names %s, and there is no such metric", page, name)
			}
		}
	}
}
