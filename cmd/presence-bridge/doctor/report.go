package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// width is room for the longest name of a check.
const width = len("vendor clock")

var signs = map[Mark]string{Fine: "✔", Warning: "!", Failed: "✘", Unchecked: "–"}

// Print writes a finding for people: a line, and where something is to be done one more.
func Print(w io.Writer, f Finding) error {
	line := fmt.Sprintf("%s %-*s  %s\n", signs[f.Mark], width, f.Check, f.Saw)
	if f.Todo != "" {
		line += fmt.Sprintf("  %*s  → %s\n", width, "", f.Todo)
	}
	_, err := io.WriteString(w, line)
	return err
}

// PrintSum writes the last line.
func PrintSum(w io.Writer, list []Finding) error {
	count := map[Mark]int{}
	for _, f := range list {
		count[f.Mark]++
	}
	parts := []string{fmt.Sprintf("%d fine", count[Fine])}
	for _, part := range []struct {
		mark  Mark
		words string
	}{{Warning, "to look at"}, {Failed, "wrong"}, {Unchecked, "not checked"}} {
		if n := count[part.mark]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, part.words))
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", strings.Join(parts, ", "))
	return err
}

// PrintJSON writes the findings for machines.
func PrintJSON(w io.Writer, list []Finding) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		OK     bool      `json:"ok"`
		Checks []Finding `json:"checks"`
	}{Bad(list) == 0, list})
}

// Bad counts what fails.
func Bad(list []Finding) (n int) {
	for _, f := range list {
		if f.Mark == Failed {
			n++
		}
	}
	return n
}
