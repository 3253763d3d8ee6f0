package main

import (
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// complete is command -> settings with which it would start, and its arguments.
var complete = map[string]struct{ env, args []string }{
	"demo":     {},
	"serve":    {env: whole()[:5]},
	"emulator": {},
	"watch":    {args: []string{"alice"}},
	"set":      {env: append(whole()[:4:4], "PRESENCE_RESOURCE=web_1"), args: []string{"alice"}},
	"token":    {env: []string{"PRESENCE_SUB=alice", "AUTH_HMAC_SECRET=" + secret32}},
}

// beside is variable -> what it is read beside, where something is without a value; the others of a command are read
// whatever else is set.
var beside = map[string][]string{
	"EMULATOR_URL":   {"EASEMOB_URL=", "EASEMOB_ORG=", "EASEMOB_APP=", "EASEMOB_TOKEN="},
	"NATS_URL":       {"EASEMOB_ORG=x", "EASEMOB_APP=y"},
	"NATS_CREDS":     {"NATS_URL=nats://n", "EASEMOB_ORG=x", "EASEMOB_APP=y"},
	"EASEMOB_ORG":    {"NATS_URL=nats://n", "EASEMOB_APP=y"},
	"EASEMOB_APP":    {"NATS_URL=nats://n", "EASEMOB_ORG=x"},
	"EASEMOB_APP_ID": {"NATS_URL=nats://n", "EASEMOB_ORG=", "EASEMOB_APP="},
}

// texts are the settings that may be any text.
var texts = strings.Fields(`DATA_DIR AUTH_ISSUER AUTH_AUDIENCE CALLBACK_SECRET EASEMOB_TOKEN EASEMOB_CLIENT_ID EASEMOB_CLIENT_SECRET
	PRESENCE_TOKEN PRESENCE_RESOURCE PRESENCE_EXT EMULATOR_ORG EMULATOR_APP EMULATOR_APP_ID EMULATOR_CLIENT_ID EMULATOR_CLIENT_SECRET
	EMULATOR_TOKEN EMULATOR_AGORA_TOKEN EMULATOR_CALLBACK_SECRET`)

// TestBadInput gives each setting of each command what a person may mistype. It has to be refused by the setting's name,
// and once, whichever part found it. Numbers, durations and switches are tried all at once, texts one after the other.
func TestBadInput(t *testing.T) {
	tried := 0
	for name, with := range complete {
		args := append([]string{name}, with.args...)
		rounds := make([][]string, mostMistyped) // VARIABLE=what was mistyped
		for _, flag := range commandNode(t, name).Flags {
			variable := flag.Tag.Get(variableTag)
			if variable == "" || slices.Contains(texts, variable) {
				continue
			}
			for i, bad := range mistyped(flag) {
				tried++
				if flag.Target.Kind() != reflect.String && flag.Target.Kind() != reflect.Slice {
					rounds[i] = append(rounds[i], variable+"="+bad)
					continue
				}
				checkRefused(t, append(settingsBeside(name, variable), beside[variable]...), args, variable+"="+bad)
			}
		}
		for _, round := range rounds {
			if len(round) > 0 {
				checkRefused(t, settingsBeside(name, ""), args, round...)
			}
		}
	}
	if tried < 220 {
		t.Errorf("only %d settings and values were tried", tried)
	}
}

// settingsBeside is what a command needs beside a variable: a secret, but for those that are about who may come in.
func settingsBeside(name, variable string) []string {
	env := slices.Clone(complete[name].env)
	if variable != "AUTH" && !strings.HasPrefix(variable, "AUTH_") {
		env = append(env, "AUTH_HMAC_SECRET="+secret32)
	}
	return env
}

func checkRefused(t *testing.T, env, args []string, bad ...string) {
	t.Helper()
	p := &process{env: lastOf(append(env, bad...)), stdout: io.Discard, stderr: io.Discard}
	_, _, err := p.parse(args)
	if err == nil {
		t.Errorf("%s takes %q", args[0], bad)
		return
	}
	complaints := strings.Split(err.Error(), "\n")
	for _, kv := range bad {
		variable, _, _ := strings.Cut(kv, "=")
		named := regexp.MustCompile(`\b` + variable + `\b`)
		if !slices.ContainsFunc(complaints, named.MatchString) {
			t.Errorf("%s does not say that %q is wrong: %v", args[0], kv, err)
		}
	}
	if len(complaints) != len(bad) {
		t.Errorf("%s has %d complaints of %q: %v", args[0], len(complaints), bad, err)
	}
}

// lastOf lets what is set later count, also where it has no value.
func lastOf(environ []string) environment {
	env := environment{}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		delete(env, name)
		maps.Copy(env, newEnvironment([]string{kv}))
	}
	return env
}

// mostMistyped is how many ways mistyped knows at most.
const mostMistyped = 4

// mistyped is what nobody can mean, by the type of a setting.
func mistyped(flag *kong.Flag) []string {
	switch flag.Target.Interface().(type) {
	case time.Duration:
		return []string{"nonsense", "30", "-1s", "99999999h"}
	case bool:
		return []string{"nonsense", "2"}
	}
	switch flag.Target.Kind() {
	case reflect.Int, reflect.Int64, reflect.Float64:
		return []string{"nonsense", "-1", "1e999", "99999999999999999999999"}
	case reflect.Uint64:
		return []string{"nonsense", "-1", "99999999999999999999999"}
	}
	return []string{"nonsense!", "a b"}
}
