package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// examinable is serve's settings against an emulator and a NATS server that are there, and addresses that are free.
func examinable(t *testing.T, more ...string) []string {
	t.Helper()
	nats, err := bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nats.Stop)
	return append([]string{"EMULATOR_URL=" + emulated(t), "NATS_URL=" + nats.URL(),
		"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0"}, more...)
}

func TestDoctor(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	code, out, stderr := once(t, examinable(t, "AUTH_HMAC_SECRET="+secret32), "doctor")
	if code != exitOK || stderr != "" {
		t.Errorf("exit status %d, %q\n%s", code, stderr, out)
	}
	for _, line := range []string{"✔ settings      complete\n", "✔ app           the vendor knows demo#presence\n",
		"✔ operators     the app knows svc-1\n", "✔ stream        PRESENCE is not there yet: serve makes it\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("it does not say %q:\n%s", line, out)
		}
	}
	if !strings.HasSuffix(out, " fine, 2 not checked\n") || strings.Contains(out, secret32) || strings.Contains(out, "\x1b") {
		t.Error(out)
	}
}

// TestDoctorGoesOn holds that wrong settings are findings among others, and that the status says so.
func TestDoctorGoesOn(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	code, out, stderr := once(t, examinable(t, "AUTH_HMAC_SECRET="+secret32, "MAX_CONNECTIONS=many", "EASEMOB_OPERATOR=svc-1", "AUTH=none"), "doctor")
	if code != exitFailed || !strings.HasPrefix(stderr, "presence-bridge doctor: 3 of ") {
		t.Errorf("exit status %d, %q", code, stderr)
	}
	if !strings.HasPrefix(out, `✘ settings      MAX_CONNECTIONS (--max-connections) is "many": want a whole number`+"\n") ||
		!strings.Contains(out, "✘ settings      AUTH=none and AUTH_HMAC_SECRET contradict each other: set one\n") ||
		!strings.Contains(out, "✘ settings      EASEMOB_OPERATOR is set, and there is no such setting: is it misspelt?\n") ||
		!strings.Contains(out, "✔ jetstream     on\n") {
		t.Error(out)
	}
	if code, _, stderr := once(t, nil, "doctor", "--no-such-flag"); code != exitSettings || !strings.Contains(stderr, "no-such-flag") {
		t.Errorf("a flag that there is not: exit status %d, %q", code, stderr)
	}
}

func TestDoctorWarnsWithoutFailing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	env := examinable(t, "AUTH=none")
	code, out, _ := once(t, env, "doctor")
	if code != exitOK || !strings.Contains(out, "! auth          AUTH=none: whoever comes is let in\n") || !strings.Contains(out, ", 1 to look at, ") {
		t.Errorf("exit status %d\n%s", code, out)
	}
}

func TestDoctorInJSON(t *testing.T) {
	code, out, _ := once(t, []string{"ROLE=king"}, "doctor", "--json")
	var got struct {
		OK     bool
		Checks []struct{ Check, Mark, Saw, Todo string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailed || got.OK {
		t.Fatalf("exit status %d, %v\n%s", code, err, out)
	}
	if first := got.Checks[0]; first.Check != "settings" || first.Mark != "failed" || !strings.Contains(first.Saw, `ROLE is "king"`) {
		t.Errorf("%+v", first)
	}
}

// TestDoctorHasServesSettings holds that whatever starts serve can be examined.
func TestDoctorHasServesSettings(t *testing.T) {
	flags := map[string]string{}
	for _, flag := range commandNode(t, "doctor").Flags {
		flags[flag.Name] = flag.Tag.Get(variableTag)
	}
	for _, flag := range commandNode(t, "serve").Flags {
		if variable, ok := flags[flag.Name]; !ok || variable != flag.Tag.Get(variableTag) {
			t.Errorf("doctor has no --%s", flag.Name)
		}
	}
}

// TestDoctorOfAnAppWithoutPresence holds that the two ways of asking lead to one another.
func TestDoctorOfAnAppWithoutPresence(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	poor := start(t, nil, "emulator", "--listen", "127.0.0.1:0", "--users", "5", "--not-activated")
	env := examinable(t, "AUTH_HMAC_SECRET="+secret32, "EMULATOR_URL="+poor.stdout.wait(t, `(http://\S+)$`))
	code, out, _ := once(t, env, "doctor")
	if code != exitFailed || !strings.Contains(out, "✘ presence      ") || !strings.Contains(out, "EASEMOB_STATUS=online") {
		t.Errorf("exit status %d\n%s", code, out)
	}
	code, out, _ = once(t, append(env, "EASEMOB_STATUS=online"), "doctor")
	if code != exitOK || !strings.Contains(out, "✔ presence      EASEMOB_STATUS=online: ") || !strings.Contains(out, "– operators     not needed: ") ||
		!strings.Contains(out, "– capacity      not needed: ") {
		t.Errorf("exit status %d\n%s", code, out)
	}
}

// TestDoctorNamesTheSettingThatWasMade: who has an emulator stand in for the vendor never wrote EASEMOB_URL.
func TestDoctorNamesTheSettingThatWasMade(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const nobody = "http://127.0.0.1:1"
	for variable, others := range map[string][]string{"EMULATOR_URL": nil, "EASEMOB_URL": {"EASEMOB_ORG=demo", "EASEMOB_APP=presence"}} {
		env := append(others, variable+"="+nobody, "NATS_URL=nats://127.0.0.1:1", "LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0")
		if _, out, _ := once(t, env, "doctor"); !strings.Contains(out, "check host and port of "+variable+"\n") {
			t.Errorf("it does not name %s:\n%s", variable, out)
		}
	}
}

// TestDoctorReckons: a calculator needs no setting, and asks nobody.
func TestDoctorReckons(t *testing.T) {
	code, out, stderr := once(t, []string{"EASEMOB_URL=http://127.0.0.1:1", "NATS_URL=nats://127.0.0.1:1"}, "doctor", "--watched", "50000", "--rate", "40")
	if code != exitOK || stderr != "" || !strings.HasPrefix(out, "By arithmetic alone: neither the vendor nor NATS was asked.\n\n✔ looks ") ||
		!strings.Contains(out, "\n✔ operators     17 operators for 50,000 subscriptions, 3,000 each\n") {
		t.Errorf("exit status %d, %q\n%s", code, stderr, out)
	}
	code, out, _ = once(t, []string{"PRESENCE_WATCHED=200000", "PRESENCE_CLIENTS=5", "PRESENCE_JSON=true"}, "doctor")
	var got struct{ OK bool }
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitFailed || got.OK {
		t.Errorf("exit status %d, %v\n%s", code, err, out)
	}
	for _, c := range []struct{ args, want string }{
		{"--watched many", `PRESENCE_WATCHED (--watched) is "many": want a whole number`},
		{"--watched -1", "PRESENCE_WATCHED (--watched) is -1: want 0 to 1000000000"},
		{"--clients 5", "PRESENCE_WATCHED (--watched) is not set: how many users would be watched?"},
		{"--watched 5 --rate 0", "EASEMOB_RATE is 0: that is no call at all"},
		{"--watched 50000 --rate 1e-9", "EASEMOB_RATE is 1e-09: it is calls a second of each kind, 0.01 or more"},
		{"--watched 5 --rate NaN", "EASEMOB_RATE is NaN: want 10000 calls a second at most"},
		{"--watched 5 --rate -2", "EASEMOB_RATE is -2: it is calls a second of each kind, 0.01 or more"},
		{"--watched 5 --max-staleness 0s", "MAX_STALENESS is 0s: nobody can be asked that often"},
		{"--watched 5 --max-connections 0", "MAX_CONNECTIONS is 0: want 1 or more"},
		{"--watched 5 --subscription-ttl 0s", "SUBSCRIPTION_TTL is 0s: want 1s to 720h0m0s"},
	} {
		code, out, stderr := once(t, nil, append([]string{"doctor"}, strings.Fields(c.args)...)...)
		want := "presence-bridge doctor: nothing was started:\n  " + c.want + "\npresence-bridge doctor --help explains every setting.\n"
		if code != exitSettings || out != "" || stderr != want {
			t.Errorf("%s: exit status %d, %q, %q", c.args, code, out, stderr)
		}
	}
}
