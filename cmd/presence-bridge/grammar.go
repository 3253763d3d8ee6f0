package main

import (
	"github.com/alecthomas/kong"
)

// grammar is the command line. Fields of the commands are flags; the tag "variable" names the environment
// variable that says the same.
type grammar struct {
	Demo        demoCommand        `cmd:"" set:"log_level=warn" help:"Show all of it on this machine: an emulated vendor with living people, NATS, the bridge, a live page."`
	Serve       serveCommand       `cmd:"" help:"Run the bridge: the poller, the hub, or both."`
	Doctor      doctorCommand      `cmd:"" set:"log_level=warn" help:"Check all that serve needs, a line each with what to do: settings, vendor, NATS, budget, addresses. Changes nothing."`
	Emulator    emulatorCommand    `cmd:"" help:"Play the vendor: its presence API as a server, with its limits, and faults on demand."`
	Watch       watchCommand       `cmd:"" set:"log_level=warn" help:"Print changes as they come, one a line, from a hub or from NATS."`
	Set         setCommand         `cmd:"" set:"log_level=warn" help:"Set a presence through the vendor's API."`
	Token       tokenCommand       `cmd:"" help:"Mint a browser's token from the HMAC secret."`
	Version     versionCommand     `cmd:"" help:"Print the version, the commit, Go, and the dependencies that matter."`
	Healthcheck healthcheckCommand `cmd:"" hidden:"" help:"Ask a running bridge whether it is ready: for images that have no curl."`
}

const description = "presence-bridge asks Easemob IM (or Agora Chat) who is online, once for everybody, and pushes the changes " +
	"to any number of browsers and backends."

// options are how the command line is read.
func options(p *process, wrong *problems) []kong.Option {
	return append(mappers(wrong),
		kong.Name("presence-bridge"),
		kong.Description(description),
		kong.Writers(p.stdout, p.stderr),
		kong.Vars{"log_level": "info"},
		kong.Resolvers(p.env),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.Help(printHelp),
		kong.ValueFormatter(helpWithVariable),
		kong.ExplicitGroups(groups),
	)
}
