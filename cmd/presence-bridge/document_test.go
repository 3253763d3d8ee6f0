package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestREADMESettings compares the README's table of settings, in both languages, with the settings that serve has: every
// one is there, with its default, and no other.
func TestREADMESettings(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		told := settingsIn(t, filepath.Join(root, name))
		for _, flag := range commandNode(t, "serve").Flags {
			variable := flag.Tag.Get(variableTag)
			if variable == "" {
				continue
			}
			value, ok := told[variable]
			if !ok {
				t.Errorf("%s: the table of settings lacks %s", name, variable)
			} else if value != flag.Default {
				t.Errorf("%s: the default of %s is %q there, and %q in truth", name, variable, value, flag.Default)
			}
			delete(told, variable)
		}
		for variable := range told {
			t.Errorf("%s: serve has no setting %s", name, variable)
		}
	}
}

// settingsIn is variable -> default of a document's rows that begin with names of variables. A row of several has either
// a default for each or none.
func settingsIn(t *testing.T, path string) map[string]string {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	span := regexp.MustCompile("`([^`]+)`")
	settings := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_]{4,}`[^|]*)\\|([^|]*)\\|").FindAllStringSubmatch(string(text), -1) {
		defaults := span.FindAllStringSubmatch(row[2], -1)
		for i, name := range span.FindAllStringSubmatch(row[1], -1) {
			settings[name[1]] = ""
			if i < len(defaults) {
				settings[name[1]] = strings.TrimSpace(defaults[i][1])
			}
		}
	}
	return settings
}
