package road

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// trial is the README's way to try serve with tokens and without a vendor, on ports that were free.
type trial struct {
	binary   string
	secret   string // AUTH_HMAC_SECRET, as the README exports it
	emulator string // URL
	page     string // URL
}

func (r *trial) export(t *testing.T, command string) {
	said := shell(t, "true && "+command+`; printf '%s\n%s' "$AUTH_HMAC_SECRET" "$PATH"`)
	secret, path, _ := strings.Cut(said, "\n")
	require.Contains(t, path, strings.TrimSpace(shell(t, "go env GOPATH"))+"/bin")
	require.Len(t, secret, 64, "openssl makes one")
	r.secret = secret
}

func (r *trial) emulate(t *testing.T, command string) {
	out := r.start(t, background(t, command)+" --listen 127.0.0.1:0", false)
	r.emulator = waitFor(t, out, `(http://127\.0\.0\.1:\d+)`)
}

func (r *trial) serve(t *testing.T, command string) {
	command = strings.Replace(background(t, command), "http://127.0.0.1:9090", r.emulator, 1)
	out := r.start(t, fmt.Sprintf("TMPDIR=%s LISTEN=127.0.0.1:0 ADMIN_LISTEN=127.0.0.1:0 NATS_LISTEN=127.0.0.1:0 %s", t.TempDir(), command), true)
	r.page = waitFor(t, out, `page=(http://\S+)`)
}

func (r *trial) watch(t *testing.T, command string) {
	script := strings.ReplaceAll(command, "presence-bridge ", r.binary+" ") + " --url " + r.page
	// The shell assigns before it runs, so the token is minted with the same secret that serve has.
	requireFirstLineOf(t, "export AUTH_HMAC_SECRET="+r.secret+"; "+script, "user-0001")
}

// doctor has the settings that serve has in the README, but for the vendor, whom the trial's emulator plays.
func (r *trial) doctor(t *testing.T) {
	settings := fmt.Sprintf("EASEMOB_URL=%s EASEMOB_ORG=demo EASEMOB_APP=presence EASEMOB_CLIENT_ID=id EASEMOB_CLIENT_SECRET=secret EASEMOB_OPERATORS=svc-1", r.emulator)
	places := fmt.Sprintf("LISTEN=127.0.0.1:0 ADMIN_LISTEN=127.0.0.1:0 NATS_LISTEN=127.0.0.1:0 DATA_DIR=%s AUTH_HMAC_SECRET=%s", t.TempDir(), r.secret)
	said := shell(t, strings.Join([]string{"env", settings, places, r.binary, "doctor"}, " "))
	require.Contains(t, said, "✔")
	require.NotContains(t, said, "✘")
}

// background is a command of the README that goes on in the background there.
func background(t *testing.T, command string) string {
	t.Helper()
	require.True(t, strings.HasSuffix(command, " &"), "%s: it would hold up the shell", command)
	return strings.TrimSuffix(command, " &")
}

// start runs a server until the test ends, and returns what it says.
func (r *trial) start(t *testing.T, command string, onStderr bool) *bufio.Scanner {
	t.Helper()
	command = strings.Replace(command, "presence-bridge ", "exec "+r.binary+" ", 1)
	c := exec.Command("sh", "-c", command)
	c.Env = append(os.Environ(), "AUTH_HMAC_SECRET="+r.secret)
	pipe := c.StdoutPipe
	if onStderr {
		pipe = c.StderrPipe
	}
	out, err := pipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		require.NoError(t, c.Process.Signal(syscall.SIGTERM))
		require.NoError(t, c.Wait(), "a graceful stop is exit status 0")
	})
	return bufio.NewScanner(out)
}

func waitFor(t *testing.T, out *bufio.Scanner, pattern string) string {
	t.Helper()
	for out.Scan() {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(out.Text()); found != nil {
			return found[1]
		}
	}
	t.Fatalf("it never said %s", pattern)
	return ""
}

// block is the first block of the README in a language.
func block(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	found := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```").FindStringSubmatch(string(text))
	require.NotNil(t, found)
	return found[1]
}

// TestBrowserExample serves the README's page from an origin of its own.
func TestBrowserExample(t *testing.T) {
	path := program(t, "chromium", "chromium-browser", "google-chrome")
	var page string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(elsewhere.Close)
	demo := startDemo(t, buildBinary(t), "--allowed-origins", elsewhere.URL)
	host := strings.TrimPrefix(demo.page, "http://")
	page = `<!doctype html><script>window.said = []; console.log = (...words) => window.said.push(words.join(" "))</script>` +
		strings.ReplaceAll(block(t, "html"), "localhost:8080", host)
	browser := openBrowser(t, path)
	require.NoError(t, chromedp.Do(browser.ctx, chromedp.Navigate(elsewhere.URL)))
	browser.until(t, "both people are told", `["user-0001", "user-0002"].every((uid) => said.some((s) => s.startsWith(uid + " o")))`)
	browser.until(t, "it is live", `said.includes("live")`)
}
