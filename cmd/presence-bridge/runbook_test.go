package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/doctor"
)

// alerts are those that monitoring can raise; the runbook's anchors are these in lower case.
var alerts = strings.Fields(`PresenceFeedDown PresenceFeedDegraded PresenceStale PresenceBudgetExhausted PresenceVendorErrors
	PresenceVendorRefuses PresenceRateLimited PresenceNoActivePoller PresenceNoActiveKeeper PresenceSubscriptionsFull
	PresenceSubscriptionsLapsing PresenceSlowClients PresenceConnectionsNearLimit PresenceNATSAway PresenceJournalFailing`)

// TestRunbook holds that there is a section of each alert and of each line that the doctor prints, of nothing else, and that
// an alert's says what it means, what to do, and how it looks when it is over.
func TestRunbook(t *testing.T) {
	text, err := os.ReadFile("deploy/RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := sectionsOf(string(text))
	lines := append(slices.Clone(doctor.Checks), doctor.Forecasts...)
	for _, name := range append(slices.Clone(alerts), lines...) {
		if strings.TrimSpace(sections[name]) == "" {
			t.Errorf("no section %s", name)
		}
	}
	for name := range sections {
		if !slices.Contains(alerts, name) && !slices.Contains(lines, name) {
			t.Errorf("a section %s of what there is not", name)
		}
	}
	for _, name := range alerts {
		for _, part := range []string{"**Means.**", "**Do.**", "**Over.**", "\n```\n"} {
			if !strings.Contains(sections[name], part) {
				t.Errorf("%s has no %q", name, part)
			}
		}
	}
	for _, link := range regexp.MustCompile(`\]\(#([a-z]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if !slices.ContainsFunc(alerts, func(name string) bool { return strings.ToLower(name) == link[1] }) {
			t.Errorf("a link to #%s, which there is not", link[1])
		}
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

// TestRunbooksCommandsParse holds that the commands of ours in it are ones that there are.
func TestRunbooksCommandsParse(t *testing.T) {
	text, err := os.ReadFile("deploy/RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^presence-bridge (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(found) < 5 {
		t.Fatalf("%d commands", len(found))
	}
	for _, c := range found {
		p := &process{env: environment{}, stdout: &output{}, stderr: &output{}}
		args := words(c[1])
		if name, _, err := p.parse(args); err != nil && (name != args[0] || strings.Contains(err.Error(), "unknown")) {
			t.Errorf("presence-bridge %s: %v", c[1], err)
		}
	}
}
