package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// groups are the chapters of a command's flags, in the order in which they are read.
var groups = []kong.Group{
	{Key: "vendor", Title: "The vendor:"},
	{Key: "poller", Title: "Asking:"},
	{Key: "nats", Title: "NATS:"},
	{Key: "hub", Title: "Browsers:"},
	{Key: "auth", Title: "Who may watch:", Description: "Exactly one of AUTH_HMAC_SECRET, AUTH_JWKS_URL and AUTH=none has to be given for a hub."},
	{Key: "limits", Title: "Limits of a hub:"},
	{Key: "people", Title: "People:"},
	{Key: "rules", Title: "The vendor's rules:"},
	{Key: "worlds", Title: "Other readings:", Description: "Where the vendor's documents, clients and tests contradict each other, or leave a gap."},
	{Key: "faults", Title: "Faults:", Description: "Rates are probabilities, 0 to 1. PUT /_emulator/faults changes them while it runs."},
	{Key: "callback", Title: "Callbacks:"},
	{Key: "from", Title: "From where:"},
	{Key: "load", Title: "A load to reckon with:", Description: "With it, what to expect is told by arithmetic alone. Nobody is asked; of the other settings, rate, staleness, lifetime, operators, replicas and connections count."},
	{Key: "process", Title: "This process:"},
}

// firstSteps is the end of the help that no command was named for.
const firstSteps = `
Start with:
  presence-bridge demo

Then, with the vendor's settings in the environment ("presence-bridge serve --help" has them):
  presence-bridge doctor
  presence-bridge serve
`

// teacher is a command whose help ends in examples.
type teacher interface{ examples() string }

// printHelp is kong's help with examples at its end, where a reader who scrolled through the flags finds them.
func printHelp(o kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(o, ctx); err != nil {
		return err
	}
	node := ctx.Selected()
	if node == nil {
		_, err := fmt.Fprint(ctx.Stdout, firstSteps)
		return err
	}
	t, ok := node.Target.Addr().Interface().(teacher)
	if !ok {
		return nil
	}
	lines := strings.ReplaceAll(strings.TrimSpace(t.examples()), "\n", "\n  ")
	lines = strings.ReplaceAll(lines, "  \n", "\n")
	_, err := fmt.Fprintf(ctx.Stdout, "\nExamples:\n  %s\n", lines)
	return err
}

func helpWithVariable(v *kong.Value) string {
	variable := v.Tag.Get(variableTag)
	if variable == "" {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " ($" + variable + ")."
}
