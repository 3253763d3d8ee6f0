package doctor

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mark is how a check ended.
type Mark string

// The marks. Only [Failed] makes a report a bad one.
const (
	Fine      Mark = "fine"
	Unchecked Mark = "unchecked" // something else has to be right first, or it is not needed
	Warning   Mark = "warning"   // serve would work, though not as somebody may think
	Failed    Mark = "failed"
)

// Finding is the end of one check. No secret is in it.
type Finding struct {
	Check string `json:"check"`
	Mark  Mark   `json:"mark"`
	Saw   string `json:"saw"`
	Todo  string `json:"todo,omitempty"` // empty where Saw says it, or nothing is to be done
}

// findings are those of one chapter, in the order in which they were made.
type findings struct{ list []Finding }

func (f *findings) add(check string, mark Mark, todo, saw string) {
	f.list = append(f.list, Finding{check, mark, oneLine(saw), oneLine(todo)})
}

func (f *findings) fine(check, format string, args ...any) {
	f.add(check, Fine, "", fmt.Sprintf(format, args...))
}

func (f *findings) skip(check, format string, args ...any) {
	f.add(check, Unchecked, "", fmt.Sprintf(format, args...))
}

func (f *findings) warn(check, todo, format string, args ...any) {
	f.add(check, Warning, todo, fmt.Sprintf(format, args...))
}

func (f *findings) fail(check, todo, format string, args ...any) {
	f.add(check, Failed, todo, fmt.Sprintf(format, args...))
}

// skipAll says of several checks that something has to be right before them.
func (f *findings) skipAll(why string, checks ...string) {
	for _, check := range checks {
		f.skip(check, "not checked: %s", why)
	}
}

const maxLine = 400 // bytes; some of the words are somebody else's

// oneLine makes what others said fit to be printed in a line of a terminal.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "?")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }), " ")
	if len(s) <= maxLine {
		return s
	}
	cut := maxLine
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
