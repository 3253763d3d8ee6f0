package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// contract is every variable that the contract names, with its default.
var contract = map[string]string{
	"LISTEN": ":8080", "ADMIN_LISTEN": "127.0.0.1:8081",
	"EASEMOB_URL": "", "EASEMOB_ORG": "", "EASEMOB_APP": "", "EASEMOB_APP_ID": "",
	"EASEMOB_TOKEN": "", "EASEMOB_CLIENT_ID": "", "EASEMOB_CLIENT_SECRET": "",
	"EASEMOB_OPERATORS": "", "EASEMOB_RATE": "40", "EASEMOB_STATUS": "presence", "SUBSCRIPTION_TTL": "24h",
	"CALLBACK_SECRET": "", "NATS_URL": "", "NATS_CREDS": "", "NATS_REPLICAS": "1", "NATS_LISTEN": "127.0.0.1:4222",
	"DATA_DIR": "./data", "MAX_STALENESS": "30s", "OFFLINE_GRACE": "0s", "DRAIN_TIMEOUT": "10s",
	"AUTH_HMAC_SECRET": "", "AUTH_JWKS_URL": "", "AUTH_ISSUER": "", "AUTH_AUDIENCE": "", "AUTH": "", "ALLOWED_ORIGINS": "",
	"MAX_CONNECTIONS": "100000", "MAX_CONNECTIONS_PER_SUBJECT": "50", "MAX_UIDS_PER_CONNECTION": "1000",
	"MAX_UIDS_PER_SUBJECT": "5000", "MAX_MESSAGES_PER_SECOND": "20", "MAX_MESSAGE_BYTES": "65536",
}

func model(t *testing.T) *kong.Application {
	t.Helper()
	p := &process{stdout: io.Discard, stderr: io.Discard}
	k, err := kong.New(&grammar{}, options(p, &problems{})...)
	if err != nil {
		t.Fatal(err)
	}
	return k.Model
}

func commandNode(t *testing.T, name string) *kong.Node {
	t.Helper()
	for _, node := range model(t).Children {
		if node.Name == name {
			return node
		}
	}
	t.Fatalf("no command %s", name)
	return nil
}

// TestServeSettings holds the contract's table of settings: names, flags alike, defaults, and the help.
func TestServeSettings(t *testing.T) {
	_, help, _ := once(t, nil, "serve", "--help")
	flags := map[string]*kong.Flag{}
	for _, flag := range commandNode(t, "serve").Flags {
		flags[flag.Tag.Get(variableTag)] = flag
	}
	for variable, value := range contract {
		flag := flags[variable]
		if flag == nil {
			t.Errorf("serve has no %s", variable)
			continue
		}
		if want := strings.ToLower(strings.ReplaceAll(variable, "_", "-")); flag.Name != want {
			t.Errorf("the flag of %s is --%s, want --%s", variable, flag.Name, want)
		}
		if flag.Default != value {
			t.Errorf("%s is %q by default, want %q", variable, flag.Default, value)
		}
		if !strings.Contains(help, "$"+variable+")") || !strings.Contains(help, "--"+flag.Name) {
			t.Errorf("serve --help does not tell of %s", variable)
		}
	}
}

// TestHelpTellsOfTheOpenDoor holds that nobody gets AUTH=none from an emulator unawares.
func TestHelpTellsOfTheOpenDoor(t *testing.T) {
	_, help, _ := once(t, nil, "serve", "--help")
	_, about, _ := strings.Cut(strings.Join(strings.Fields(help), " "), "--emulator-url=URL")
	if about, _, _ = strings.Cut(about, "($EMULATOR_URL)"); !strings.Contains(about, "it means AUTH=none as well") {
		t.Errorf("--emulator-url: %s", about)
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, node := range model(t).Children {
		code, help, stderr := once(t, nil, node.Name, "--help")
		if code != exitOK || stderr != "" || !strings.Contains(help, node.Help[:20]) {
			t.Errorf("%s --help: exit status %d, %q, %q", node.Name, code, help, stderr)
		}
		_, last, ok := strings.Cut(help, "\nExamples:\n")
		if _, teaches := node.Target.Addr().Interface().(teacher); teaches && (!ok || !strings.Contains(last, "presence-bridge "+node.Name)) {
			t.Errorf("%s --help does not end in examples", node.Name)
		}
		for _, flag := range node.Flags {
			if flag.Name != "help" && flag.Tag.Get(variableTag) == "" && !node.Hidden {
				t.Errorf("%s --%s has no variable", node.Name, flag.Name)
			}
		}
	}
}

// TestExamplesParse holds that the examples in the help are commands that there are, with flags that there are.
func TestExamplesParse(t *testing.T) {
	_, top, _ := once(t, nil, "--help")
	for _, node := range model(t).Children {
		teaching, ok := node.Target.Addr().Interface().(teacher)
		if !ok {
			continue
		}
		if !strings.Contains(top, "  "+node.Name) {
			t.Errorf("presence-bridge --help does not list %s", node.Name)
		}
		for line := range strings.Lines(teaching.examples()) {
			_, args, found := strings.Cut(line, "presence-bridge ")
			if !found || strings.HasPrefix(line, "#") {
				continue
			}
			args, _, _ = strings.Cut(args, ")")
			p := &process{env: environment{}}
			var parse *kong.ParseError
			if name, _, err := p.parse(words(args)); errors.As(err, &parse) || name != strings.Fields(args)[0] {
				t.Errorf("%s: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

// words splits a command line that has quotes as a shell would, well enough for examples.
func words(line string) (list []string) {
	for i, part := range strings.FieldsFunc(line, func(r rune) bool { return r == '"' || r == '\'' }) {
		if i%2 == 1 {
			list = append(list, part)
			continue
		}
		list = append(list, strings.Fields(part)...)
	}
	return list
}

// TestUnknownCommand: who mistypes a command is told which there are.
func TestUnknownCommand(t *testing.T) {
	code, stdout, stderr := once(t, nil, "nix")
	want := "presence-bridge: nothing was started:\n  unknown command nix\n" +
		"  the commands are demo, serve, doctor, emulator, watch, set, token, version\n" +
		"presence-bridge --help explains every setting.\n"
	if code != exitSettings || stdout != "" || stderr != want {
		t.Errorf("exit status %d, %q, %q", code, stdout, stderr)
	}
	if _, _, stderr := once(t, nil, "serv"); !strings.Contains(stderr, `did you mean one of "serve"`) {
		t.Error(stderr)
	}
	if _, _, stderr := once(t, nil, "serve", "nix"); !strings.Contains(stderr, "unexpected argument nix") {
		t.Error(stderr)
	}
}
