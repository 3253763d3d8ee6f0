package main

import (
	"net"
	"net/http"
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
		vendor + "/_emulator/users": "user-0020",
	} {
		if status, body := fetch(t, "GET", url, ""); status != 200 || !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("GET %s: %d, no %q", url, status, want)
		}
	}
	eventually(t, "explanation by the poller that leads", func() bool {
		status, body := fetch(t, "GET", admin+"/debug/uid/user-0001", "")
		return status == 200 && strings.Contains(body, `"operator":"svc-1"`)
	})
	if status, _ := fetch(t, "GET", admin+"/debug/pprof/cmdline", ""); status == 200 {
		t.Error("the command line, which may hold secrets, can be read")
	}

	fromHub := start(t, nil, "watch", "user-0001", "--url", page)
	fromHub.stdout.wait(t, `user-0001  (online|offline)`)
	fromNATS := start(t, []string{"EASEMOB_ORG=demo", "EASEMOB_APP=presence"}, "watch", "user-0001", "--nats-url", natsURL, "--json")
	fromNATS.stdout.wait(t, `"uid":"user-0001"`)
	unwatched := start(t, []string{"EASEMOB_ORG=demo", "EASEMOB_APP=other"}, "watch", "user-0001", "user-0002", "--nats-url", natsURL)
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

	unwatched.stderr.wait(t, `^nothing on presence\.v1\.demo\.other\.user-0001 and for 1 more yet: reading NATS makes nobody be watched`)
	if fromNATS.stderr.String() != "" {
		t.Errorf("nothing was wrong: %s", &fromNATS.stderr)
	}
	fromHub.stop()
	fromNATS.stop()
	unwatched.stop()
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
	taken := l.Addr().String()
	line := func(flag, variable string) string {
		return "  " + flag + " (" + variable + ") " + taken + ": address already in use\n"
	}
	const advice = "Something else listens there; other ports: presence-bridge "
	public, admin, nats, vendor := line("--listen", "LISTEN"), line("--admin-listen", "ADMIN_LISTEN"),
		line("--nats-listen", "NATS_LISTEN"), line("--emulator-listen", "EMULATOR_LISTEN")
	t.Chdir(t.TempDir()) // where serve would store
	for _, test := range []struct {
		args []string
		want string
	}{
		{demo("--log-level", "info", "--nats-listen", taken),
			nats + advice + "demo --listen :0 --admin-listen 127.0.0.1:0 --nats-listen 127.0.0.1:0 --emulator-listen 127.0.0.1:0\n"},
		{demo("--log-level", "info", "--listen", taken, "--admin-listen", taken, "--nats-listen", taken, "--emulator-listen", taken),
			public + admin + nats + vendor + advice + "demo --listen :0 --admin-listen 127.0.0.1:0 --nats-listen 127.0.0.1:0 --emulator-listen 127.0.0.1:0\n"},
		{[]string{"serve", "--emulator-url", "http://127.0.0.1:1", "--listen", taken, "--admin-listen", taken, "--nats-listen", taken},
			public + admin + nats + advice + "serve --listen :0 --admin-listen 127.0.0.1:0 --nats-listen 127.0.0.1:0\n"},
		{[]string{"serve", "--emulator-url", "http://127.0.0.1:1", "--nats-url", "nats://127.0.0.1:1", "--role", "poller", "--admin-listen", taken},
			admin + advice + "serve --role poller --admin-listen 127.0.0.1:0\n"},
		{[]string{"emulator", "--listen", taken}, line("--listen", "EMULATOR_LISTEN") + advice + "emulator --listen 127.0.0.1:0\n"},
	} {
		code, stdout, stderr := once(t, nil, test.args...)
		if want := "presence-bridge " + test.args[0] + ": it cannot listen:\n" + test.want; code != exitFailed || stdout != "" || stderr != want {
			t.Errorf("%s: exit status %d, %q\n%swant\n%s", test.args, code, stdout, stderr, want)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCannotListen(t *testing.T) {
	code, _, stderr := once(t, nil, demo("--listen", "192.0.2.1:0")...)
	if code != exitFailed || strings.Count(stderr, "\n") != 2 || strings.Contains(stderr, "Something else") {
		t.Errorf("an address of another machine: exit status %d, %q", code, stderr)
	}
}

// TestDemoOrigins holds that a demo lets in the pages that it is told of, and no others.
func TestDemoOrigins(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := start(t, []string{"ALLOWED_ORIGINS=localhost:3000"}, demo("--users", "1")...)
	page := d.stdout.wait(t, pageLine)
	for origin, want := range map[string]int{"http://localhost:3000": 204, "http://localhost:3001": 403} {
		request, err := http.NewRequestWithContext(t.Context(), "OPTIONS", page+"/v1/presence", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %s, want %d", origin, answer.Status, want)
		}
	}
	d.stop()
}

func TestExposure(t *testing.T) {
	const open = "Whoever reaches port 8080 can watch and set everybody; --listen 127.0.0.1:8080 keeps it to this machine.\n"
	for ip, want := range map[string]string{"::": open, "0.0.0.0": open, "192.0.2.1": open, "127.0.0.1": "", "::1": ""} {
		if got := exposure(&net.TCPAddr{IP: net.ParseIP(ip), Port: 8080}); got != want {
			t.Errorf("%s: %q", ip, got)
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
