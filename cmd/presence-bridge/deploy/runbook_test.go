package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/doctor"
)

const runbook = "RUNBOOK.md"

// TestRunbook holds that there is a section of each alert and of each line that the doctor prints, of nothing else, and that
// an alert's says what it means, what to do, and how it looks when it is over.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile(runbook)
	require.NoError(t, err)
	var names, anchors []string
	for _, a := range alerts(t) {
		names, anchors = append(names, a.Alert), append(anchors, strings.ToLower(a.Alert))
	}
	sections := sectionsOf(string(text))
	for _, name := range names {
		for _, part := range []string{"**Means.**", "**Do.**", "**Over.**", "\n```\n"} {
			require.Contains(t, sections[name], part, name)
		}
	}
	lines := slices.Concat(doctor.Checks, doctor.Forecasts)
	for _, name := range lines {
		require.NotEmpty(t, strings.TrimSpace(sections[name]), "no section %s", name)
	}
	for name := range sections {
		require.Contains(t, slices.Concat(names, lines), name, "a section of what there is not")
	}
	for _, link := range regexp.MustCompile(`\]\(#([a-z]+)\)`).FindAllStringSubmatch(string(text), -1) {
		require.Contains(t, anchors, link[1], "a link that leads nowhere")
	}
}

// sectionsOf is heading -> what is beneath, for headings of the second and third level.
func sectionsOf(text string) map[string]string {
	sections := map[string]string{}
	heading := regexp.MustCompile(`(?m)^###? (.+)$|^# .+$`)
	found := heading.FindAllStringSubmatchIndex(text, -1)
	for i, at := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		if at[2] >= 0 {
			sections[text[at[2]:at[3]]] = text[at[1]:end]
		}
	}
	return sections
}
