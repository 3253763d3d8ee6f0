package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestRunbooksCommandsParse holds that the commands of ours in the runbook are ones that there are.
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
