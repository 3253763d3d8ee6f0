package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
)

// TestAllIsWell is the whole report where nothing is wrong, before serve has ever run and while it runs.
func TestAllIsWell(t *testing.T) {
	_, vendor := played(t, emulator.Options{})
	url, _ := opened(t)
	r := examined(t, sound(vendor.URL, url))
	require.Equal(t, golden(t, "well.txt"), r.text)
	r.says()

	first := sound(vendor.URL, "")
	first.NATS = NATS{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	r = examined(t, first)
	r.text = strings.ReplaceAll(r.text, first.NATS.Dir, "DIR")
	require.Equal(t, golden(t, "first.txt"), r.text)
	r.says()
}

// TestNothingIsChanged holds that looking leaves no trace: not at the vendor, not at NATS, not on the disk.
func TestNothingIsChanged(t *testing.T) {
	s, vendor := played(t, emulator.Options{})
	url, b := opened(t)
	js := jetStreamAt(t, url)
	before := map[string]uint64{}
	for info := range js.ListStreams(t.Context()).Info() {
		before[info.Config.Name] = info.State.LastSeq
	}
	require.Len(t, before, 6)
	heard := make(chan struct{}, 8)
	feed, err := b.SubscribeFeed(func(bridge.Feed) { heard <- struct{}{} })
	require.NoError(t, err)

	examined(t, sound(vendor.URL, url)).says()

	for info := range js.ListStreams(t.Context()).Info() {
		require.Equal(t, before[info.Config.Name], info.State.LastSeq, info.Config.Name)
		require.Zero(t, info.State.Consumers, info.Config.Name)
		delete(before, info.Config.Name)
	}
	require.Empty(t, before)
	require.NoError(t, feed.Drain())
	require.Empty(t, heard, "the empty message that proves a permission is passed over")
	require.Empty(t, s.Subscriptions("user-0001"))
	stats := s.Stats()
	require.Equal(t, 1, stats.Calls["get"])
	require.Equal(t, 1, stats.Calls["token"])
	require.Zero(t, stats.Calls["subscribe"]+stats.Calls["set"]+stats.Calls["unsubscribe"])
}

// TestSettingsThatAreMissing holds that everything goes on as far as it can where settings are missing.
func TestSettingsThatAreMissing(t *testing.T) {
	url, _ := opened(t)
	p := sound("", url)
	p.Problems = []error{errors.New("EASEMOB_URL is not set: name it"), errors.New("two is wrong as well")}
	p.Operators, p.Vendor.URL = nil, ""
	examined(t, p).says(
		"✘ settings      EASEMOB_URL is not set: name it",
		"✘ settings      two is wrong as well",
		"– vendor        not checked: EASEMOB_URL has to be set first",
		"– token         not checked: the vendor has to be reached first",
		"✔ jetstream     on",
		"✔ auth          tokens are checked with a secret of 42 bytes",
	)
}

// TestDoors is who may come in.
func TestDoors(t *testing.T) {
	p := sound("", "")
	chapterOf(t, p.doors).says(
		"✔ auth          tokens are checked with a secret of 42 bytes",
		"✔ callbacks     CALLBACK_SECRET is set: the URL for the vendor's console is https://YOUR-PUBLIC-HOST/v1/callbacks/easemob",
	)
	p.Auth, p.Callbacks = &hub.Auth{None: true}, false
	chapterOf(t, p.doors).says(
		"! auth          AUTH=none: whoever comes is let in\n"+
			"                → set AUTH_HMAC_SECRET instead, unless all who reach the public listener may watch and set everybody",
		"– callbacks     not needed: CALLBACK_SECRET is not set, polling finds every change",
	)
	p.Auth = &hub.Auth{HMACSecret: []byte("hush-short")}
	chapterOf(t, p.doors).says("– auth          not checked: the settings have to be right first")
	p.Auth = nil
	chapterOf(t, p.doors).says("– auth          not needed: no hub runs here")
}

// TestKeysOfTheDoors is whether the keys are there that tokens are checked with.
func TestKeysOfTheDoors(t *testing.T) {
	says := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(says)) }))
	t.Cleanup(issuer.Close)
	p := sound("", "")
	p.Auth = &hub.Auth{JWKSURL: issuer.URL + "/hush"}
	chapterOf(t, p.doors).says("✔ auth          tokens are checked with the keys of AUTH_JWKS_URL: 1")
	says = "<html>"
	chapterOf(t, p.doors).says("✘ auth          AUTH_JWKS_URL gives no keys: its answer is no JSON Web Key Set\n" +
		"                → set AUTH_JWKS_URL to where the issuer of the tokens publishes its keys; it has to be reached from here")
}

// TestEverythingHangs holds the bound: nothing waits longer than it takes to say so.
func TestEverythingHangs(t *testing.T) {
	p := sound("https://"+hanging(t), strings.Repeat(",nats://"+hanging(t), 10)[1:])
	p.Patience = 500 * time.Millisecond
	began := time.Now()
	examined(t, p).says(
		"✘ vendor        HOST takes the connection and does not answer to TLS within 500 ms\n"+
			"                → check the port of EASEMOB_URL, and what is between here and there",
		"✘ nats          HOST takes the connection and does not answer within 500 ms\n"+
			"                → check NATS_URL, and whether the server is well",
	)
	require.Less(t, time.Since(began), questions*p.Patience)
	require.LessOrEqual(t, questions*usualPatience, 20*time.Second)
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	list := []Finding{{"vendor", Fine, "a <b> answers", ""}, {"token", Failed, "refused", "mend it"}}
	require.NoError(t, PrintJSON(&out, list))
	var got struct {
		OK     *bool
		Checks []Finding
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, list, got.Checks)
	require.False(t, *got.OK)
	require.Contains(t, out.String(), "<b>")

	out.Reset()
	require.NoError(t, PrintJSON(&out, list[:1]))
	require.Contains(t, out.String(), `"ok": true`)
}

func TestTheSum(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, PrintSum(&out, []Finding{{Mark: Fine}, {Mark: Fine}, {Mark: Unchecked}, {Mark: Warning}, {Mark: Failed}}))
	require.Equal(t, "\n2 fine, 1 to look at, 1 wrong, 1 not checked\n", out.String())
	require.Equal(t, 1, Bad([]Finding{{Mark: Warning}, {Mark: Failed}}))
}

// TestWhatOthersSayIsOneLine holds that no answer can draw on the terminal.
func TestWhatOthersSayIsOneLine(t *testing.T) {
	var f findings
	f.fail("x", "mend\nit", "a\x1b[31mred\r\nb\x00\xff%s", strings.Repeat("é", 1000))
	require.Equal(t, "mend it", f.list[0].Todo)
	require.True(t, strings.HasPrefix(f.list[0].Saw, "a [31mred b ?éé"), f.list[0].Saw)
	require.LessOrEqual(t, len(f.list[0].Saw), maxLine+3)
}

// TestAnEdgeHubHasNoVendor holds that one who has no vendor is not asked for one.
func TestAnEdgeHubHasNoVendor(t *testing.T) {
	url, _ := opened(t)
	p := sound("", url)
	p.Vendor, p.Polls, p.Keeps, p.Operators = nil, false, false, nil
	r := examined(t, p)
	r.says("– vendor        not needed: this is a read-only edge hub", "✔ permissions   all that serve does is permitted")
	require.NotContains(t, r.text, "budget")
	require.NotContains(t, r.text, "capacity")
}
