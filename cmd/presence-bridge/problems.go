package main

import (
	"errors"
	"fmt"
	"strings"
)

// problems gathers what is wrong with the settings, so that nobody has to find it out one start at a time.
type problems struct{ list []error }

// add takes errors apart that hold several.
func (p *problems) add(errs ...error) {
	for _, err := range errs {
		var joined interface{ Unwrap() []error }
		switch {
		case err == nil:
		case errors.As(err, &joined):
			p.add(joined.Unwrap()...)
		default:
			p.list = append(p.list, err)
		}
	}
}

// check adds a problem unless ok.
func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		p.add(fmt.Errorf(format, args...))
	}
}

func (p *problems) err() error { return errors.Join(p.list...) }

// adviser is a command that has a way out for who is stuck with its settings; "" where it has none.
type adviser interface{ advice() string }

// explain tells what is wrong, one problem a line, and where to read more.
func (p *process) explain(name string, cmd command, err error) {
	var all problems
	all.add(err)
	called := strings.TrimSpace("presence-bridge " + name)
	fmt.Fprintf(p.stderr, "%s: nothing was started:\n", called)
	for _, problem := range all.list {
		fmt.Fprintf(p.stderr, "  %s\n", strings.ReplaceAll(problem.Error(), "\n", "\n  "))
	}
	fmt.Fprintf(p.stderr, "%s --help explains every setting.\n", called)
	if a, ok := cmd.(adviser); ok && a.advice() != "" {
		fmt.Fprintln(p.stderr, a.advice())
	}
}
