package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/presence-bridge/presence-bridge/hub"
)

const secret32 = "0123456789abcdef0123456789abcdef"

// whole is a set of settings with which serve would start.
func whole(more ...string) []string {
	return append([]string{
		"EASEMOB_URL=https://a1.easemob.com", "EASEMOB_ORG=acme", "EASEMOB_APP=chat", "EASEMOB_TOKEN=hush-token",
		"EASEMOB_OPERATORS=svc-1, svc-2", "AUTH_HMAC_SECRET=" + secret32,
	}, more...)
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		name string
		args string
		env  []string
		want []string // what the complaints have to hold, a line each and no line more
	}{
		{"nothing is set", "serve", nil,
			[]string{"EASEMOB_URL", "EASEMOB_APP_ID", "EASEMOB_TOKEN", "EASEMOB_OPERATORS", "AUTH_HMAC_SECRET"}},
		{"a poller needs no authentication", "serve --role poller", []string{"NATS_URL=nats://n"},
			[]string{"EASEMOB_URL", "EASEMOB_APP_ID", "EASEMOB_TOKEN", "EASEMOB_OPERATORS"}},
		{"an edge hub needs to know whose stream it shows", "serve --role hub", []string{"NATS_URL=nats://n", "AUTH=none"},
			[]string{"EASEMOB_APP_ID"}},
		{"an edge hub needs a NATS server", "serve --role hub", []string{"EASEMOB_APP_ID=x", "AUTH=none"}, []string{"NATS_URL"}},
		{"a poller needs a NATS server", "serve --role poller", whole(), []string{"NATS_URL"}},
		{"an emulator that is nowhere", "serve --emulator-url localhost:9090", nil, []string{"EMULATOR_URL needs scheme and host, like http://127.0.0.1:9090"}},
		{"blank variables are not set", "serve", []string{"EASEMOB_URL= ", "AUTH=none", "NATS_URL=\t", "EASEMOB_ORG=a", "EASEMOB_APP=b"},
			[]string{"EASEMOB_URL", "EASEMOB_TOKEN", "EASEMOB_OPERATORS"}},
		{"more calls than anybody has", "serve", whole("EASEMOB_RATE=1e300"), []string{"EASEMOB_RATE is 1e+300: want 10000 calls a second at most"}},
		{"fewer calls than help anybody", "serve", whole("EASEMOB_RATE=1e-9"), []string{"EASEMOB_RATE is 1e-09: it is calls a second of each kind, 0.01 or more"}},
		{"a NATS URL of another kind", "serve", whole("NATS_URL=nats://n,http://hush:hush@n"), []string{"NATS_URL cannot be read"}},
		{"no such role", "serve --role king", whole(), []string{"ROLE"}},
		{"empty variables are not set", "serve", whole("NATS_URL=", "AUTH=", "EASEMOB_RATE=", "OFFLINE_GRACE=", "ROLE=poller"),
			[]string{"NATS_URL"}},
		{"what cannot be read", "serve --max-connections many", whole("MAX_STALENESS=soon", "EASEMOB_RATE=fast"),
			[]string{"MAX_CONNECTIONS", "MAX_STALENESS", "EASEMOB_RATE"}},
		{"out of range", "serve", whole("SUBSCRIPTION_TTL=721h", "MAX_STALENESS=0s", "EASEMOB_RATE=0", "MAX_MESSAGE_BYTES=0", "NATS_REPLICAS=3"),
			[]string{"SUBSCRIPTION_TTL", "MAX_STALENESS", "EASEMOB_RATE", "MAX_MESSAGE_BYTES", "NATS_REPLICAS"}},
		{"zero", "serve", whole("SUBSCRIPTION_TTL=0s", "MAX_CONNECTIONS=0"), []string{"SUBSCRIPTION_TTL", "MAX_CONNECTIONS"}},
		{"a grace that would lie", "serve --offline-grace 301s", whole(), []string{"OFFLINE_GRACE is 5m1s: want 0s to 5m0s"}},
		{"a grace before the end", "serve", whole("OFFLINE_GRACE=-1s"), []string{"OFFLINE_GRACE is -1s: want 0s to 5m0s"}},
		{"a status that there is not", "serve", whole("EASEMOB_STATUS=batch"), []string{`EASEMOB_STATUS is "batch": want presence or online`}},
		{"online needs no operators, and all else", "serve", []string{"EASEMOB_STATUS=online"},
			[]string{"EASEMOB_URL", "EASEMOB_APP_ID", "EASEMOB_TOKEN", "AUTH_HMAC_SECRET"}},
		{"online sets nobody", "set alice --resource web", append(whole()[:4], "EASEMOB_STATUS=online"), []string{"EASEMOB_STATUS is online"}},
		{"set by a status that there is not", "set alice --resource web --easemob-status x", whole()[:4], []string{"EASEMOB_STATUS is"}},
		{"a secret copied with a blank", "serve", whole("CALLBACK_SECRET=hush-callback "), []string{"CALLBACK_SECRET begins or ends with a blank"}},
		{"both ways in", "serve", whole("AUTH=none"), []string{"AUTH=none and AUTH_HMAC_SECRET"}},
		{"both ways in, one of them short", "serve --auth none", whole("AUTH_HMAC_SECRET=hush-short"),
			[]string{"AUTH=none and AUTH_HMAC_SECRET", "AUTH_HMAC_SECRET has 10 bytes"}},
		{"no way in", "serve", whole()[:5], []string{"export AUTH_HMAC_SECRET=$(openssl rand -hex 32), or AUTH_JWKS_URL, or AUTH=none"}},
		{"keys and a secret", "serve", whole("AUTH_JWKS_URL=https://x"), []string{"AUTH_HMAC_SECRET and AUTH_JWKS_URL contradict"}},
		{"all ways in", "serve", whole("AUTH_JWKS_URL=https://x", "AUTH=none"), []string{"AUTH=none and AUTH_HMAC_SECRET and AUTH_JWKS_URL"}},
		{"keys that are nowhere", "serve", append(whole()[:5], "AUTH_JWKS_URL=hush.example/keys"), []string{"AUTH_JWKS_URL is no URL"}},
		{"keys from a file", "serve --auth-jwks-url file:///hush/keys", whole()[:5], []string{"AUTH_JWKS_URL is no URL"}},
		{"an audience of nothing", "serve", append(whole()[:5], "AUTH=none", "AUTH_AUDIENCE=presence"), []string{"leave AUTH_ISSUER and AUTH_AUDIENCE out"}},
		{"origins", "serve", whole("ALLOWED_ORIGINS=localhost:3000/, https://fine.example,x y"), []string{`"localhost:3000/" has a path`, `"x y" has a blank`}},
		{"origins of a demo", "demo --allowed-origins https://a/b", nil, []string{`"https://a/b" has a path`}},
		{"a way in that there is not", "serve", whole("AUTH=some"), []string{"AUTH is"}},
		{"a short secret", "serve", whole("AUTH_HMAC_SECRET=hush-short"), []string{"AUTH_HMAC_SECRET has 10 bytes"}},
		{"addresses", "serve", whole("LISTEN=8080", "ADMIN_LISTEN=x:y:z", "NATS_LISTEN=nowhere"), []string{"LISTEN", "ADMIN_LISTEN", "NATS_LISTEN"}},
		{"credentials of no NATS", "serve", whole("NATS_CREDS=main_test.go"), []string{"NATS_CREDS is set, and NATS_URL is not"}},
		{"credentials that are not there", "serve", whole("NATS_URL=nats://n", "NATS_CREDS=/nowhere/at/all"), []string{"NATS_CREDS"}},
		{"an operator that is none", "serve", whole("EASEMOB_OPERATORS=svc 1"), []string{"EASEMOB_OPERATORS"}},
		{"a page of nobody", "serve", whole("PAGE_UIDS=a9..a1"), []string{"PAGE_UIDS: a9..a1 runs backwards"}},
		{"below zero", "demo --users -3 --changes-per-s -0.5", nil, []string{"EMULATOR_USERS is -3: want 1 or more", "-0.5"}},
		{"below zero, where that cannot be", "emulator --seed -1 --token-ttl -1h", nil, []string{`EMULATOR_SEED (--seed) is "-1": want a whole number, 0 or more`, "-1h"}},
		{"misspelt", "serve", whole("EASEMOB_OPERATOR=svc-1", "EASEMOB_PROXY_SERVICE_HOST=10.0.0.1"), []string{"EASEMOB_OPERATOR is set"}},
		{"half a vendor is not filled up by an emulator", "serve --emulator-url http://127.0.0.1:9090", []string{"EASEMOB_ORG=acme", "EASEMOB_APP=chat"},
			[]string{"EASEMOB_URL", "EASEMOB_TOKEN", "EASEMOB_OPERATORS", "AUTH_HMAC_SECRET"}},
		{"logs", "serve", whole("LOG_FORMAT=xml", "LOG_LEVEL=loud"), []string{"LOG_FORMAT", "LOG_LEVEL"}},
		{"demo", "demo --users 0 --changes-per-s=-1 --listen x", nil, []string{"EMULATOR_USERS", "-1", "LISTEN"}},
		{"emulator", "emulator --token-ttl 0s --error-rate 2 --max-page-size 0 --listen x", nil,
			[]string{"EMULATOR_TOKEN_TTL", "EMULATOR_MAX_PAGE_SIZE", "EMULATOR_ERROR_RATE is 2: want 0 to 1", "EMULATOR_LISTEN"}},
		{"worlds that there are not", "emulator --max-subscribers 0 --max-ext 0 --page-size-over wrap --expiry-over= --async-above -1 --token-ban -1 --error-shape round", nil,
			[]string{"EMULATOR_MAX_SUBSCRIBERS", "EMULATOR_MAX_EXT", `"wrap"`, "EMULATOR_EXPIRY_OVER", "EMULATOR_ASYNC_ABOVE is -1", "EMULATOR_TOKEN_BAN is -1", `"round"`}},
		{"watch nobody", "watch", nil, []string{"no user is named"}},
		{"watch in no app", "watch a b! --nats-url nats://n", nil, []string{"not a user id", "EASEMOB_APP_ID"}},
		{"set nothing", "set --status busy", nil, []string{"PRESENCE_STATUS", "no user is named", "PRESENCE_RESOURCE", "EASEMOB_URL", "EASEMOB_APP_ID", "EASEMOB_TOKEN"}},
		{"token of nobody", "token --watch a,b* --watch x*y --ttl=-1h", nil, []string{"PRESENCE_SUB", "PRESENCE_WATCH", "PRESENCE_TTL", "AUTH_HMAC_SECRET is not set"}},
		{"token of no secret", "token --sub a", []string{"AUTH_HMAC_SECRET=hush-short"}, []string{"AUTH_HMAC_SECRET has 10 bytes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := once(t, test.env, strings.Fields(test.args)...)
			told, _, _ := strings.Cut(stderr, "No vendor yet?")
			lines := strings.Split(strings.TrimSpace(told), "\n")
			if code != exitSettings || stdout != "" || len(lines) < 3 {
				t.Fatalf("exit status %d, stdout %q, stderr:\n%s", code, stdout, stderr)
			}
			complaints := lines[1 : len(lines)-1]
			if len(complaints) != len(test.want) {
				t.Errorf("%d complaints, want %d:\n%s", len(complaints), len(test.want), stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(strings.Join(complaints, "\n"), want) {
					t.Errorf("nothing says %q:\n%s", want, stderr)
				}
			}
			if strings.Contains(stderr, "hush") || strings.Contains(stderr, secret32) {
				t.Errorf("a secret is told:\n%s", stderr)
			}
		})
	}
}

// TestAuthSettings holds that what is asked of tokens reaches the hub.
func TestAuthSettings(t *testing.T) {
	p := &process{env: newEnvironment(append(whole()[:5], "AUTH_JWKS_URL=https://login.example/keys", "AUTH_ISSUER=https://login.example"))}
	_, cmd, err := p.parse([]string{"serve", "--auth-audience", "presence"})
	if err != nil {
		t.Fatal(err)
	}
	want := hub.Auth{JWKSURL: "https://login.example/keys", Issuer: "https://login.example", Audience: "presence", HMACSecret: []byte{}}
	if got := cmd.(*serveCommand).hubPlan().Auth; !reflect.DeepEqual(got, want) {
		t.Errorf("the hub is told %+v", got)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"dance"}, {"serve", "--no-such-flag"}, {"serve", "--listen"}, {"version", "x"}} {
		if code, _, stderr := once(t, nil, args...); code != exitSettings || !strings.Contains(stderr, "--help explains") {
			t.Errorf("%s: exit status %d, stderr %q", args, code, stderr)
		}
	}
	if code, stdout, _ := once(t, nil); code != exitOK || !strings.Contains(stdout, "presence-bridge demo") {
		t.Errorf("without arguments: exit status %d, %q", code, stdout)
	}
}

// TestAdvice holds who is told of the emulator: who has said nothing of a vendor.
func TestAdvice(t *testing.T) {
	const advice = "No vendor yet? presence-bridge emulator, then presence-bridge serve --emulator-url http://127.0.0.1:9090\n"
	if _, _, stderr := once(t, nil, "serve"); !strings.HasSuffix(stderr, "\n"+advice) {
		t.Errorf("no advice:\n%s", stderr)
	}
	for _, env := range [][]string{whole("LISTEN=x"), {"EMULATOR_URL=http://127.0.0.1:9090", "LISTEN=x"}, {"EASEMOB_ORG=acme"}} {
		if _, _, stderr := once(t, env, "serve"); strings.Contains(stderr, "No vendor") {
			t.Errorf("%s: advice for others:\n%s", env, stderr)
		}
	}
}

func TestHelpCommand(t *testing.T) {
	for _, args := range [][]string{{}, {"serve"}} {
		_, want, _ := once(t, nil, append(slices.Clone(args), "--help")...)
		if code, got, stderr := once(t, nil, append([]string{"help"}, args...)...); code != exitOK || got != want || got == "" || stderr != "" {
			t.Errorf("help %s: exit status %d, %q, %q", args, code, got, stderr)
		}
	}
	if code, _, stderr := once(t, nil, "help", "dance"); code != exitSettings || !strings.Contains(stderr, "dance") {
		t.Errorf("help dance: exit status %d, %q", code, stderr)
	}
}

// TestSettingsStartNothing holds that a wrong setting leaves no trace: not even the data directory.
func TestSettingsStartNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if code, _, _ := once(t, whole("DATA_DIR="+dir, "MAX_CONNECTIONS=no"), "serve"); code != exitSettings {
		t.Fatalf("exit status %d", code)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the data directory was made")
	}
}

func TestFlagsWinOverVariables(t *testing.T) {
	p := &process{env: newEnvironment(whole("LISTEN=:1", "EASEMOB_RATE=7"))}
	_, cmd, err := p.parse([]string{"serve", "--listen", ":2"})
	if err != nil {
		t.Fatal(err)
	}
	serve := cmd.(*serveCommand)
	if serve.Listen != ":2" || serve.EasemobRate != 7 || serve.NATSListen != "127.0.0.1:4222" || serve.MaxUIDsPerSubject != 5000 {
		t.Errorf("listen %s, rate %v, nats %s, limit %d", serve.Listen, serve.EasemobRate, serve.NATSListen, serve.MaxUIDsPerSubject)
	}
}
