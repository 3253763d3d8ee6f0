package road

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// TestWebSDK holds the emulator against the vendor's own client: the web SDK, as its registry has it, makes every
// presence call and meets every refusal, in the world of strings and in that of numbers. What it is to return is
// written down from the vendor's samples, from the SDK's types and from its table of errors, never recorded. Run
// with -v, it prints what was asked and what the SDK made of it.
func TestWebSDK(t *testing.T) {
	sdk := startWebSDK(t)
	for _, world := range []string{"strings", "numbers"} {
		t.Run(world, func(t *testing.T) {
			v := newSDKVendor(t, emulator.Options{Numbers: world == "numbers"})
			for _, step := range sdkCalls(v) {
				sdk.require(t, v, step)
			}
		})
	}
	t.Run("refusals", func(t *testing.T) {
		for _, step := range sdkRefusals {
			sdk.require(t, newSDKVendor(t, step.options), step)
		}
	})
	t.Run("other worlds", func(t *testing.T) {
		for _, step := range sdkWorlds {
			sdk.require(t, newSDKVendor(t, step.options), step)
		}
	})
	t.Run("before asking", func(t *testing.T) {
		v := newSDKVendor(t, emulator.Options{})
		for _, step := range sdkOwnRefusals {
			sdk.require(t, v, step)
		}
	})
}

// An sdkStep is one call of the SDK, and what has to come of it.
type sdkStep struct {
	name    string             // what is special about it
	options emulator.Options   // of a vendor of its own
	before  func(v *sdkVendor) // makes the vendor so
	as      func(as *sdkLogin) // another login than everybody's
	call    string
	args    fields
	patient time.Duration                              // of the SDK; its own, when zero
	seen    string                                     // what the vendor has to be asked: method, path, body; nothing when empty
	until   func(seenCall, fields) bool                // which outcome to wait for, where dice decide; the first when nil
	want    fields                                     // returned, returnsNothing, thrown or unsettled
	after   func(t testing.TB, truth *emulator.Server) // what has to be true at the vendor then
}

// sdkLogin is what a login leaves in the SDK.
type sdkLogin struct {
	Token    string `json:"accessToken"`
	Org      string `json:"orgName"`
	App      string `json:"appName"`
	User     string `json:"userId"`
	Resource string `json:"clientResource"`
	byAppID  bool
}

// webSDK is a Node process that has the SDK loaded.
type webSDK struct {
	in  io.Writer
	out *bufio.Scanner
}

func startWebSDK(t *testing.T) *webSDK {
	t.Helper()
	node := program(t, "node")
	c := exec.Command(node, filepath.Join(installWebSDK(t), "driver.mjs"))
	c.Stderr = testWriter{t}
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, c.Wait())
	})
	sdk := &webSDK{in, bufio.NewScanner(out)}
	sdk.out.Buffer(nil, 1<<20)
	return sdk
}

var registryIsAway = regexp.MustCompile(`ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|E50[234]|ENOTCACHED`)

// installWebSDK installs the SDK of the lock file beside the driver, outside of the repository, and never runs a
// script of it.
func installWebSDK(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "websdk"))))
	npmInstall(t, dir)
	return dir
}

// npmInstall installs what a folder's lock file says, and runs no script of it.
func npmInstall(t *testing.T, dir string) {
	t.Helper()
	npm := program(t, "npm")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil && (ctx.Err() != nil || registryIsAway.Match(out)) {
		leaveOut(t, "the npm registry cannot be reached: "+shortened(strings.Join(strings.Fields(string(out)), " "), 200))
	}
	require.NoError(t, err, string(out))
}

// run makes one call, and tells what became of it.
func (s *webSDK) run(t testing.TB, v *sdkVendor, step sdkStep) fields {
	t.Helper()
	login := v.login
	if step.as != nil {
		step.as(&login)
	}
	require.NoError(t, json.NewEncoder(s.in).Encode(fields{"url": v.url, "context": login, "app_id": login.byAppID,
		"call": step.call, "args": step.args, "patience_ms": step.patient.Milliseconds()}))
	require.True(t, s.out.Scan(), "the SDK's process has ended")
	var got fields
	require.NoError(t, json.Unmarshal(s.out.Bytes(), &got))
	return got
}

// require makes one call, and holds against what is expected both what the vendor was asked and what the SDK makes
// of the answer.
func (s *webSDK) require(t *testing.T, v *sdkVendor, step sdkStep) {
	t.Helper()
	if step.before != nil {
		step.before(v)
	}
	got := s.run(t, v, step)
	for tries := 0; step.until != nil && !step.until(v.last(), got) && tries < 100; tries++ {
		got = s.run(t, v, step)
	}
	seen := v.take()
	wrong := v.differences("", map[string]any(step.want), map[string]any(got))
	if seen.request != step.seen {
		wrong = append(wrong, fmt.Sprintf("the vendor was asked %q, not %q", seen.request, step.seen))
	}
	if step.until != nil && !step.until(seen, got) {
		wrong = append(wrong, "the dice never fell so in 100 calls")
	}
	if seen.request != "" && seen.headers != "Bearer application/json" && step.as == nil {
		wrong = append(wrong, "headers: "+seen.headers)
	}
	reportStep(t, step, seen, got, wrong)
	if step.after != nil {
		step.after(t, v.truth)
	}
}

// reportStep prints one line: what was called, what the vendor was asked and said, and what the SDK made of it.
func reportStep(t *testing.T, step sdkStep, seen seenCall, got fields, wrong []string) {
	t.Helper()
	mark := "✔"
	if len(wrong) > 0 {
		mark = "✘"
	}
	asked := "nobody was asked"
	if seen.request != "" {
		asked = fmt.Sprintf("%s → %s", shortened(seen.request, 110), strings.TrimSuffix(seen.answer, " application/json"))
	}
	t.Logf("%s %s, %s: %s; the SDK %s", mark, step.call, step.name, asked, shortened(inWords(got), 250))
	for _, w := range wrong {
		t.Errorf("%s, %s: %s", step.call, step.name, w)
	}
}

// inWords is what became of a call. The SDK returns every result twice; once will do.
func inWords(got fields) string {
	switch {
	case got["nothing"] != nil:
		return "returns nothing"
	case got["returned"] != nil:
		object, _ := got["returned"].(map[string]any)
		return fmt.Sprintf("returns type %v, data %s", object["type"], jsonOf(object["data"]))
	case got["thrown"] != nil:
		object, _ := got["thrown"].(map[string]any)
		code, _ := object["type"].(float64)
		words := fmt.Sprintf("throws %s %q", sdkCodes[int(code)], object["message"])
		if object["message"] == nil { // the SDK has found none
			words = fmt.Sprintf("throws %s", sdkCodes[int(code)])
		}
		if data, ok := object["data"]; ok && data != object["message"] {
			words += fmt.Sprintf(", data %s", data)
		}
		return words
	}
	return fmt.Sprintf("never settles: %q", got["unsettled"])
}

func jsonOf(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
