package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// variableTag is the struct tag that names a flag's environment variable. It is not kong's own "env", which
// reads the environment of the process and of nobody else.
const variableTag = "variable"

// environment is variable -> value. An empty or blank variable is one that is not set: docker-compose passes those on.
type environment map[string]string

func newEnvironment(environ []string) environment {
	env := make(environment, len(environ))
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.TrimSpace(value) != "" {
			env[name] = value
		}
	}
	return env
}

// Resolve implements [kong.Resolver]: what a flag is when the command line does not say.
func (e environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if value, ok := e[flag.Tag.Get(variableTag)]; ok {
		return value, nil
	}
	return nil, nil
}

// Validate implements [kong.Resolver].
func (e environment) Validate(*kong.Application) error { return nil }

const vendorPrefix = "EASEMOB_"

// serviceLink matches what Kubernetes and docker put into every container next to a service of that name.
var serviceLink = regexp.MustCompile(`_(NAME|PORT|SERVICE_HOST|SERVICE_PORT|PORT_\d+_.*|SERVICE_PORT_.*|ENV_.*)$`)

// misspelt lists variables that start like the vendor's settings and are none: a setting that is silently
// not there is found out too late. Commands that do not read the vendor's settings do not care.
func (e environment) misspelt(ctx *kong.Context) (wrong []error) {
	known := variables(ctx.Model.Node)
	if !slices.Contains(variables(ctx.Selected()), vendorPrefix+"URL") {
		return nil
	}
	for name := range e {
		if strings.HasPrefix(name, vendorPrefix) && !slices.Contains(known, name) && !serviceLink.MatchString(name) {
			wrong = append(wrong, fmt.Errorf("%s is set, and there is no such setting: is it misspelt?", name))
		}
	}
	slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return wrong
}

// variables lists the variables of a command and of those beneath it.
func variables(node *kong.Node) (names []string) {
	for _, flag := range node.Flags {
		if name := flag.Tag.Get(variableTag); name != "" {
			names = append(names, name)
		}
	}
	for _, child := range node.Children {
		names = append(names, variables(child)...)
	}
	return names
}
