package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const upPattern = `msg="the bridge is up".* page=(http://\S+)`

func emulated(t *testing.T) string {
	t.Helper()
	e := start(t, nil, "emulator", "--listen", "127.0.0.1:0", "--users", "5", "--changes-per-s", "0")
	return e.stdout.wait(t, `(http://\S+)$`)
}

// TestServeAll is one process that asks for a token, stores on disk and is taken up again where it was left.
func TestServeAll(t *testing.T) {
	dir := t.TempDir()
	env := []string{"EMULATOR_URL=" + emulated(t), "AUTH_HMAC_SECRET=" + secret32, "DATA_DIR=" + dir,
		"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "NATS_LISTEN=127.0.0.1:0"}
	_, minted, _ := once(t, env[1:2], "token", "--sub", "user-0002", "--watch", "user-*", "--set")
	token := "PRESENCE_TOKEN=" + strings.TrimSpace(minted)
	var previous string
	for range 2 {
		s := start(t, env, "serve")
		page := s.stderr.wait(t, upPattern)
		admin := s.stderr.wait(t, ` admin=(\S+)`)
		eventually(t, "readiness", func() bool {
			code, _, _ := once(t, nil, "healthcheck", "--url", "http://"+admin+"/readyz")
			return code == exitOK
		})
		if code, _, stderr := once(t, nil, "watch", "user-0001", "--token", "forged", "--url", page); code != exitFailed || !strings.Contains(stderr, " closes: the token is not accepted: it") {
			t.Errorf("with a token that is none: exit status %d, %q", code, stderr)
		}
		began := time.Now()
		want := "presence-bridge watch: the hub at " + page + " wants a token: set PRESENCE_TOKEN (presence-bridge token --sub me --watch user-0001 mints one)\n"
		if code, _, stderr := once(t, nil, "watch", "user-0001", "--url", page); code != exitFailed || stderr != want {
			t.Errorf("without a token: exit status %d, %q", code, stderr)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("that took %v: the hub waited for a token", took)
		}
		want = "the token does not let us watch stranger, other\npresence-bridge watch: there is nobody left to watch\n"
		if code, _, stderr := once(t, []string{token}, "watch", "stranger", "other", "--url", page); code != exitFailed || !strings.HasSuffix(stderr, want) {
			t.Errorf("of strangers only: exit status %d, %q", code, stderr)
		}
		w := start(t, []string{token}, "watch", "user-0001", "stranger", "--url", page)
		w.stderr.wait(t, `does not let us watch stranger`)
		previous = w.stdout.wait(t, `user-0001  (online|offline)`)
		w.stop()
		if status, _ := fetch(t, "PUT", page+"/v1/presence/user-0002/web_1", `{"status":"1"}`); status != 401 {
			t.Errorf("a set without a token: %d", status)
		}
		s.stop()
		if strings.Contains(s.stderr.String(), secret32) || strings.Contains(s.stderr.String(), strings.TrimSpace(minted)) {
			t.Error("a secret is logged")
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) == 0 || previous == "" {
		t.Errorf("nothing is stored: %v, %v", files, err)
	}
}

// TestServeRoles is a poller, a hub and a read-only edge hub around one NATS server.
func TestServeRoles(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("GOMAXPROCS", "")
	nats, err := bridge.StartServer(bridge.ServerOptions{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nats.Stop)
	common := []string{"NATS_URL=" + nats.URL(), "LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0"}
	vendor := append(common, "EMULATOR_URL="+emulated(t))
	poller := start(t, append(slices.Clone(vendor), "EASEMOB_RATE=51"), "serve", "--role", "poller")
	hub := start(t, append(slices.Clone(vendor), "CALLBACK_SECRET=hush-callback"), "serve", "--role", "hub")
	edge := start(t, append(common, "EASEMOB_ORG=demo", "EASEMOB_APP=presence", "AUTH=none"), "serve", "--role", "hub")
	poller.stderr.wait(t, `the bridge is up.* admin=`)
	edge.stderr.wait(t, `this hub has no EASEMOB_URL`)
	edge.stderr.wait(t, `AUTH=none`)
	const above = "level=WARN msg=\"EASEMOB_RATE is more than the 50 calls a second"
	if n := strings.Count(poller.stderr.String(), above); n != 1 {
		t.Errorf("a rate above the vendor's is warned of %d times", n)
	}
	if strings.Contains(poller.stderr.String(), "page=") {
		t.Error("a poller listens for browsers")
	}
	page, edgePage := hub.stderr.wait(t, upPattern), edge.stderr.wait(t, upPattern)
	if strings.Contains(hub.stderr.String(), "EASEMOB_RATE") {
		t.Error("the usual rate is warned of")
	}

	for at, want := range map[string]int{page: 401, edgePage: 404} { // nothing is signed, and an edge hub has no secret
		if status, body := fetch(t, "POST", at+"/v1/callbacks/easemob", "{}"); status != want {
			t.Errorf("a callback to %s: %d %s, want %d", at, status, body, want)
		}
	}
	admin := edge.stderr.wait(t, `the bridge is up.* admin=(\S+)`)
	inTime(t, "hubs at rest run on one processor", func() bool {
		_, metrics := fetch(t, "GET", "http://"+admin+"/metrics", "")
		return strings.Contains(metrics, "\ngo_sched_gomaxprocs_threads 1\n") || runtime.GOOS != "linux"
	})
	hub.stderr.wait(t, `callbacks are taken`)
	if strings.Contains(hub.stderr.String(), "hush") {
		t.Error("the secret is told")
	}
	w := start(t, nil, "watch", "user-0001", "--url", edgePage)
	w.stdout.wait(t, `user-0001  (online|offline)`)
	if status, body := fetch(t, "PUT", edgePage+"/v1/presence/user-0001/web_1", `{"status":"1"}`); status != 501 || !strings.Contains(body, `"read_only"`) {
		t.Errorf("an edge hub sets: %d %s", status, body)
	}
	if status, body := fetch(t, "PUT", page+"/v1/presence/user-0001/web_1", `{"status":"1","ext":"across"}`); status != 200 {
		t.Errorf("PUT: %d %s", status, body)
	}
	w.stdout.wait(t, `user-0001  online .*"across"$`)
	for _, r := range []*running{w, edge, hub, poller} {
		r.stop()
	}
}

// TestServeOnline is one process for an app that has not bought presence: no operators, no set, no call of presence.
func TestServeOnline(t *testing.T) {
	e := start(t, nil, "emulator", "--listen", "127.0.0.1:0", "--users", "5", "--changes-per-s", "0", "--not-activated")
	vendor := e.stdout.wait(t, `(http://\S+)$`)
	env := []string{"EASEMOB_STATUS=online", "EASEMOB_URL=" + vendor, "EASEMOB_ORG=demo", "EASEMOB_APP=presence",
		"EASEMOB_CLIENT_ID=id", "EASEMOB_CLIENT_SECRET=secret", "AUTH=none", "DATA_DIR=" + t.TempDir(),
		"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "NATS_LISTEN=127.0.0.1:0"}
	s := start(t, env, "serve")
	page := s.stderr.wait(t, upPattern)
	s.stderr.wait(t, `EASEMOB_STATUS=online: the vendor is asked who is online`)
	w := start(t, nil, "watch", "user-0001", "nobody", "--url", page)
	for _, state := range []string{`{"status":{"web":"1"},"ext":"busy"}`, `{"status":{"web":"0"}}`} {
		if status, body := fetch(t, "PUT", vendor+"/_emulator/users/user-0001", state); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		w.stdout.wait(t, `user-0001  `+map[bool]string{true: "online", false: "offline"}[strings.Contains(state, "1")]+`$`)
	}
	w.stdout.wait(t, `nobody     offline$`)
	status, body := fetch(t, "PUT", page+"/v1/presence/user-0001/web_1", `{"status":"1"}`)
	if status != 501 || !strings.Contains(body, `"online_only"`) || !strings.Contains(body, "EASEMOB_STATUS=online") {
		t.Errorf("a set: %d %s", status, body)
	}
	if code, _, stderr := once(t, env[:6], "set", "user-0001", "--resource", "web_1"); code != exitSettings || !strings.Contains(stderr, "EASEMOB_STATUS is online") {
		t.Errorf("set: exit status %d, %q", code, stderr)
	}
	var stats struct{ Calls map[string]int }
	if _, body := fetch(t, "GET", vendor+"/_emulator/stats", ""); json.Unmarshal([]byte(body), &stats) != nil || stats.Calls["batch_status"] == 0 {
		t.Fatal(body)
	}
	delete(stats.Calls, "batch_status")
	delete(stats.Calls, "token")
	for kind, calls := range stats.Calls {
		if calls != 0 {
			t.Errorf("%d calls of %s", calls, kind)
		}
	}
	w.stop()
	s.stop()
}

// TestServeOfAnAppWithoutPresence says what helps, where it is looked for: in the log.
func TestServeOfAnAppWithoutPresence(t *testing.T) {
	e := start(t, nil, "emulator", "--listen", "127.0.0.1:0", "--users", "5", "--changes-per-s", "0", "--not-activated")
	s := start(t, []string{"EMULATOR_URL=" + e.stdout.wait(t, `(http://\S+)$`), "DATA_DIR=" + t.TempDir(), "WATCH_UIDS=user-0001",
		"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "NATS_LISTEN=127.0.0.1:0"}, "serve")
	s.stderr.wait(t, `level=ERROR msg="asking the vendor" .*presence is bought in the vendor's console; without it, EASEMOB_STATUS=online`)
	s.stop()
}

func TestServeWithoutNATS(t *testing.T) {
	code, _, stderr := once(t, whole("NATS_URL=nats://me:hush@127.0.0.1:1", "LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0"), "serve")
	if code != exitFailed || !strings.Contains(stderr, "NATS_URL") || strings.Contains(stderr, "hush") {
		t.Errorf("exit status %d, %q", code, stderr)
	}
}

func TestServeWhereNothingCanBeStored(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	code, _, stderr := once(t, whole("DATA_DIR="+file, "LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "NATS_LISTEN=127.0.0.1:0"), "serve")
	if code != exitFailed || !strings.Contains(stderr, "DATA_DIR") || time.Since(began) > 5*time.Second {
		t.Errorf("exit status %d after %v, %q", code, time.Since(began), stderr)
	}
}
