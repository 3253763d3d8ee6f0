package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/cmd/presence-bridge/leftout"
)

// handingOver starts the program as systemd does: with a socket as its file descriptor 3, and words about it.
func handingOver(t *testing.T, socket *os.File, args ...string) *child {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, binary(t)}, args...)...)
	cmd.ExtraFiles = []*os.File{socket}
	return begin(t, cmd)
}

// TestASocketOutlivesTheProcess: whoever comes between two processes waits, and is answered.
func TestASocketOutlivesTheProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	args := append(demo(), "--listen", "systemd")

	first := handingOver(t, socket, args...)
	if page := first.stdout.wait(t, pageLine); !strings.HasSuffix(page, l.Addr().String()[strings.LastIndex(l.Addr().String(), ":"):]) {
		t.Errorf("it listens at %s, not at %s", page, l.Addr())
	}
	if status, _ := fetch(t, "GET", "http://"+l.Addr().String()+"/readyz", ""); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	_ = first.Process.Signal(syscall.SIGTERM)
	if err := first.end(t, 10*time.Second); err != nil {
		t.Fatalf("%v\n%s", err, &first.stderr)
	}

	status := make(chan int)
	go func() {
		defer close(status)
		answer, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Error(err)
			return
		}
		_ = answer.Body.Close()
		status <- answer.StatusCode
	}()
	second := handingOver(t, socket, args...)
	if got := <-status; got != http.StatusOK {
		t.Errorf("who came in between is answered %d", got)
	}
	_ = second.Process.Signal(syscall.SIGTERM)
	if err := second.end(t, 10*time.Second); err != nil {
		t.Errorf("%v\n%s", err, &second.stderr)
	}
}

// TestNoSocketHandedOver: the words of whoever forgot the .socket unit, or has two sockets in it.
func TestNoSocketHandedOver(t *testing.T) {
	self := "LISTEN_PID=" + strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		env  []string
		want string
	}{
		{nil, `--listen (LISTEN) systemd: no socket was handed over to this process (LISTEN_PID is ""): a .socket unit hands it over`},
		{[]string{"LISTEN_PID=1", "LISTEN_FDS=1"}, `no socket was handed over to this process (LISTEN_PID is "1")`},
		{[]string{self}, `LISTEN_FDS is "": want one socket, which is the public listener`},
		{[]string{self, "LISTEN_FDS=2"}, `LISTEN_FDS is "2": want one socket`},
	} {
		if code, _, stderr := once(t, c.env, append(demo(), "--listen", "systemd")...); code != exitFailed || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit status %d, %s", c.env, code, stderr)
		}
	}
}

const unitDir = "deploy/systemd"

func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(unitDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// directive is the one value of a directive.
func directive(t *testing.T, text, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^`+name+`=(.*)$`).FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("%s stands there %d times", name, len(found))
	}
	return found[0][1]
}

// TestUnitsNameSettings holds every variable in the unit and in its settings against those that serve has.
func TestUnitsNameSettings(t *testing.T) {
	known := append(variables(commandNode(t, "serve")), "LISTEN_FDS", "LISTEN_PID")
	named := regexp.MustCompile(`(?m)^#?(?:Environment=)?"?([A-Z][A-Z_]+)=`)
	for _, name := range []string{"presence-bridge.service", "presence-bridge.env"} {
		found := named.FindAllStringSubmatch(unit(t, name), -1)
		if len(found) < 4 {
			t.Errorf("%s names %d settings", name, len(found))
		}
		for _, f := range found {
			if !slices.Contains(known, f[1]) {
				t.Errorf("%s: %s is no setting", name, f[1])
			}
		}
	}
}

// TestUnitHasRoom: for every socket of a hub, and for the time that its goodbye takes.
func TestUnitHasRoom(t *testing.T) {
	service := unit(t, "presence-bridge.service")
	most, _ := strconv.Atoi(contract["MAX_CONNECTIONS"])
	if n, err := strconv.Atoi(directive(t, service, "LimitNOFILE")); err != nil || n < most+2000 {
		t.Errorf("LimitNOFILE=%d, %v", n, err)
	}
	drain, _ := time.ParseDuration(contract["DRAIN_TIMEOUT"])
	need := drain + 5*time.Second + time.Duration(most/10_000)*time.Second
	if stop, err := time.ParseDuration(directive(t, service, "TimeoutStopSec")); err != nil || stop < need {
		t.Errorf("TimeoutStopSec=%v, %v: want %v", stop, err, need)
	}
}

// TestUnitGoesOnTrying: systemd's own limit of five tries in ten seconds would end the unit and its socket for good, when
// NATS is away for as long.
func TestUnitGoesOnTrying(t *testing.T) {
	service := unit(t, "presence-bridge.service")
	for name, want := range map[string]string{"StartLimitIntervalSec": "0", "Restart": "always"} {
		if got := directive(t, service, name); got != want {
			t.Errorf("%s=%s", name, got)
		}
	}
}

// TestTheDoctorsUnit: the page runs the doctor as the user of the unit, with its settings and its data.
func TestTheDoctorsUnit(t *testing.T) {
	page, err := os.ReadFile("deploy/RUNNING.md")
	if err != nil {
		t.Fatal(err)
	}
	service := unit(t, "presence-bridge.service")
	state := directive(t, service, "StateDirectory")
	for _, want := range []string{"-p DynamicUser=yes -p User=presence-bridge ", "-p StateDirectory=" + state + " ",
		"-E DATA_DIR=/var/lib/" + state + " ", "-p EnvironmentFile=" + directive(t, service, "EnvironmentFile") + " "} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in RUNNING.md", want)
		}
	}
}

// TestUnitsAreUnits has systemd read them, where it is installed.
func TestUnitsAreUnits(t *testing.T) {
	analyze := leftout.Program(t, "systemd-analyze")
	dir := t.TempDir()
	service := strings.Replace(unit(t, "presence-bridge.service"), "/usr/local/bin/presence-bridge", binary(t), 1)
	for name, text := range map[string]string{"presence-bridge.service": service, "presence-bridge.socket": unit(t, "presence-bridge.socket")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := exec.Command(analyze, "verify", "--man=no", filepath.Join(dir, "presence-bridge.socket"), filepath.Join(dir, "presence-bridge.service"))
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	security := exec.Command(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", filepath.Join(dir, "presence-bridge.service"))
	if out, err := security.CombinedOutput(); err != nil {
		t.Errorf("more is exposed than need be: %v\n%s", err, out)
	}
}
