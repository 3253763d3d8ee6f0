package main

import (
	"net"
	"os"
	"strings"
	"testing"
)

// freePorts makes a demo take whatever is free.
var freePorts = []string{"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0",
	"--emulator-listen", "127.0.0.1:0"}

func demo(args ...string) []string { return append(append([]string{"demo"}, freePorts...), args...) }

const pageLine = `^  page +(http://localhost:\d+)$`

func TestDemo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	d := start(t, nil, demo("--users", "20", "--changes-per-s", "0", "--log-level", "info")...)
	page := d.stdout.wait(t, pageLine)
	admin := d.stdout.wait(t, `^  admin +(http://\S+)/metrics$`)
	natsURL := d.stdout.wait(t, `^  NATS +(nats://\S+) `)
	vendor := d.stdout.wait(t, `^  emulator +(http://\S+)/_emulator`)

	for url, want := range map[string]string{
		page + "/": "<!doctype html>", page + "/page.json": "user-0020", page + "/presence.js": "WebSocket",
		admin + "/healthz": "ok", admin + "/readyz": "ready", admin + "/metrics": "go_goroutines", admin + "/debug/pprof/": "goroutine",
		admin + "/debug/uid/user-0001": `"operator":"svc-1"`,
		vendor + "/_emulator/users":    "user-0020",
	} {
		if status, body := fetch(t, "GET", url, ""); status != 200 || !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("GET %s: %d, no %q", url, status, want)
		}
	}
	if status, _ := fetch(t, "GET", admin+"/debug/pprof/cmdline", ""); status == 200 {
		t.Error("the command line, which may hold secrets, can be read")
	}

	fromHub := start(t, nil, "watch", "user-0001", "--url", page)
	fromHub.stdout.wait(t, `user-0001  (online|offline)`)
	fromNATS := start(t, []string{"EASEMOB_ORG=demo", "EASEMOB_APP=presence"}, "watch", "user-0001", "--nats-url", natsURL, "--json")
	fromNATS.stdout.wait(t, `"uid":"user-0001"`)
	if status, body := fetch(t, "PUT", page+"/v1/presence/user-0001/web_1", `{"status":"1","ext":"through the hub"}`); status != 200 {
		t.Fatalf("PUT: %d %s", status, body)
	}
	fromHub.stdout.wait(t, `user-0001  online .*web_1=1.*"through the hub"$`)
	fromNATS.stdout.wait(t, `"ext":"through the hub".*"source":"bridge"`)

	code, stdout, stderr := once(t, nil, "set", "user-0001", "--resource", "web_1", "--status", "0", "--ext", "by hand", "--emulator-url", vendor)
	if code != exitOK || !strings.Contains(stdout, "by hand") {
		t.Errorf("set: exit status %d, %q, %s", code, stdout, stderr)
	}
	fromHub.stdout.wait(t, `user-0001 .*web_1=0.*"by hand"$`)

	fromHub.stop()
	fromNATS.stop()
	d.stop()
	left, err := os.ReadDir(temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if strings.Contains(d.stderr.String(), "left behind") {
		t.Errorf("a part did not stop:\n%s", &d.stderr)
	}
}

func TestAddressInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("TMPDIR", t.TempDir())
	for _, flag := range []string{"--listen", "--admin-listen", "--nats-listen", "--emulator-listen"} {
		code, stdout, stderr := once(t, nil, demo(flag, l.Addr().String())...)
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, flag) || !strings.Contains(stderr, "in use") {
			t.Errorf("%s: exit status %d, %q, %q", flag, code, stdout, stderr)
		}
	}
}

func TestEmulator(t *testing.T) {
	e := start(t, []string{"EMULATOR_LISTEN=127.0.0.1:0", "EMULATOR_OUTAGE=true", "EMULATOR_LIMIT_PER_S=7"}, "emulator", "--org", "acme", "--users", "3")
	url := e.stdout.wait(t, `acme#presence is played at (http://\S+)$`)
	if _, body := fetch(t, "GET", url+"/_emulator/users", ""); strings.Count(body, "user-000") != 3 {
		t.Errorf("users: %s", body)
	}
	if _, body := fetch(t, "GET", url+"/_emulator/faults", ""); !strings.Contains(body, `"outage":true`) {
		t.Errorf("faults: %s", body)
	}
	code, _, stderr := once(t, []string{"EMULATOR_URL=" + url}, "set", "user-0001", "--resource", "web_1")
	if code != exitFailed || strings.TrimSpace(stderr) == "" {
		t.Errorf("set during an outage: exit status %d, %q", code, stderr)
	}
	if code, _, _ := once(t, nil, "healthcheck", "--url", url+"/_emulator/stats"); code != exitOK {
		t.Errorf("healthcheck: exit status %d", code)
	}
	e.stop()
	if code, _, stderr := once(t, nil, "healthcheck", "--url", url+"/_emulator/stats"); code != exitFailed || stderr == "" {
		t.Errorf("healthcheck of what is gone: exit status %d, %q", code, stderr)
	}
}
