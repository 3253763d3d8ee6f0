package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// The exit statuses.
const (
	exitOK       = 0
	exitFailed   = 1
	exitSettings = 2 // nothing was started
)

// process is what a command has of the process it runs in.
type process struct {
	env            environment
	stdout, stderr io.Writer
}

// command is what is behind a name on the command line.
type command interface {
	problems() []error // everything that is wrong with the settings; nothing has been started yet
	run(ctx context.Context, p *process) error
}

// bearer is a command that can run although its settings are wrong, and tell of them itself.
type bearer interface{ bear(wrong []error) bool }

// run is the whole program. It returns when the command is done, or when ctx is and the command has stopped.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &process{env: newEnvironment(environ), stdout: stdout, stderr: stderr}
	name, cmd, err := p.parse(args)
	switch {
	case err != nil:
		p.explain(name, cmd, err)
		return exitSettings
	case cmd == nil: // help was asked for and is printed
		return exitOK
	}
	// Stopping is what was asked for, wherever it met the command.
	if err := cmd.run(ctx, p); err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
		fmt.Fprintf(stderr, "presence-bridge %s: %v\n", name, err)
		return exitFailed
	}
	return exitOK
}

// parse reads the command line and the environment. The error holds everything that is wrong with either; the
// command is nil without one when only help was wanted.
func (p *process) parse(args []string) (name string, cmd command, err error) {
	var wrong problems
	helped := false
	k, err := kong.New(&grammar{}, append(options(p, &wrong), kong.Exit(func(int) { helped = true }))...)
	if err != nil {
		panic(err) // the grammar is wrong, whatever was typed
	}
	if len(args) == 0 {
		args = []string{"help"}
	}
	if args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := k.Parse(args)
	if helped {
		return "", nil, nil
	}
	if err != nil {
		return nameOf(err), nil, explainUnknown(k.Model, err)
	}
	node := parsed.Selected()
	cmd = node.Target.Addr().Interface().(command)
	wrong.add(cmd.problems()...)
	wrong.add(p.env.misspelt(parsed)...)
	if b, ok := cmd.(bearer); ok && b.bear(wrong.list) {
		return node.Name, cmd, nil
	}
	return node.Name, cmd, wrong.err()
}

// explainUnknown lists the commands to who typed none of them.
func explainUnknown(model *kong.Application, err error) error {
	rest, unexpected := strings.CutPrefix(err.Error(), "unexpected argument ")
	if !unexpected || nameOf(err) != "" {
		return err
	}
	var names []string
	for _, node := range model.Children {
		if !node.Hidden {
			names = append(names, node.Name)
		}
	}
	return fmt.Errorf("unknown command %s\nthe commands are %s", rest, strings.Join(names, ", "))
}

// nameOf is the command that somebody meant to run, as far as the parser came.
func nameOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		return parse.Context.Selected().Name
	}
	return ""
}
