package doctor

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// asked examines the vendor's chapter of a plan that is sound but for what change does to it.
func asked(t *testing.T, url string, change func(*Plan)) report {
	t.Helper()
	p := sound(url, "")
	if change != nil {
		change(&p)
	}
	return chapterOf(t, p.vendor)
}

const noneOfIt = "– presence      not checked: the vendor has to be reached first"

// TestWhatTheVendorRefuses is an emulator that refuses one thing after the other.
func TestWhatTheVendorRefuses(t *testing.T) {
	fixed := func(p *Plan) { p.Vendor.ClientID, p.Vendor.ClientSecret, p.Vendor.Token = "", "", hushToken }
	for name, test := range map[string]struct {
		options emulator.Options
		change  func(*Plan)
		says    []string
	}{
		"a fixed token": {change: fixed, says: []string{
			"✔ token         EASEMOB_TOKEN is accepted; how long it lives, the vendor does not tell"}},
		"another app": {change: func(p *Plan) { p.Vendor.App, p.App.Name = "other", "other" }, says: []string{
			"✔ vendor        HOST answers in DURATION",
			"✘ app           the vendor knows no demo#other at this address\n" +
				"                → take EASEMOB_ORG and EASEMOB_APP from the vendor's console, and EASEMOB_URL from there as well: another cluster does not know the app",
			"– token         not checked: the app has to be found first"}},
		"another app id": {change: func(p *Plan) { p.Vendor.Org, p.Vendor.App, p.Vendor.AppID = "", "", "x1" }, says: []string{
			"✘ app           the vendor knows no app id x1 at this address\n" +
				"                → take EASEMOB_APP_ID from the vendor's console, and EASEMOB_URL from there as well: another cluster does not know the app"}},
		"another app, and no token": {change: func(p *Plan) { p.Vendor.App, p.App.Name, p.Vendor.ClientID = "other", "other", "" }, says: []string{
			"✘ app           the vendor knows no demo#other at this address\n" +
				"                → take EASEMOB_ORG and EASEMOB_APP from the vendor's console, and EASEMOB_URL from there as well: another cluster does not know the app",
			"– token         not checked: the vendor's settings have to be complete first"}},
		"no app": {change: func(p *Plan) { p.Vendor.App = "" }, says: []string{
			"✔ vendor        HOST answers in DURATION",
			"– app           not checked: the vendor's settings have to be complete first",
			"✔ vendor clock  ours and the vendor's agree within 2 s"}},
		"client id": {change: func(p *Plan) { p.Vendor.ClientID = "other" }, says: []string{
			"✔ app           the vendor knows demo#presence",
			"✘ token         the vendor refuses EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET: 400 invalid_grant: client_id does not match\n" +
				"                → take EASEMOB_CLIENT_ID from the vendor's console: it is not this app's",
			"– presence      not checked: the token has to be accepted first"}},
		"client secret": {change: func(p *Plan) { p.Vendor.ClientSecret = "hush-other" }, says: []string{
			"✘ token         the vendor refuses EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET: 400 invalid_grant: client_secret does not match\n" +
				"                → take EASEMOB_CLIENT_SECRET from the vendor's console: the client id is right, the secret is not"}},
		"a fixed token that is none": {change: func(p *Plan) { fixed(p); p.Vendor.Token = "hush-expired" }, says: []string{
			"✘ token         the vendor refuses EASEMOB_TOKEN: 401 auth_bad_access_token: Unable to authenticate due to corrupt access token\n" +
				"                → it has expired, or is of another app or cluster: mint another, or set EASEMOB_CLIENT_ID and EASEMOB_CLIENT_SECRET, with which tokens are renewed"}},
		"a short life": {options: emulator.Options{TokenTTL: 5*time.Minute + 30*time.Second}, says: []string{
			"! token         minted with EASEMOB_CLIENT_ID; it lives for 5 min only\n" +
				"                → raise the token's lifetime in the vendor's console: an account that asks for tokens too often is banned"}},
		"presence was never bought": {options: emulator.Options{NotActivated: true}, says: []string{
			"✔ token         minted with EASEMOB_CLIENT_ID; it lives for 60 days and is renewed at half of that",
			"✘ presence      the app has not got it: 400: the app not open presence\n" +
				"                → buy it and switch it on in the vendor's console, or set EASEMOB_STATUS=online to know online and offline alone",
			"– operators     not checked: presence has to be answered first"}},
		"only for subscribers": {options: emulator.Options{NeedSubscription: true}, says: []string{
			"✔ presence      switched on: a look took DURATION"}},
		"operators that do not exist": {change: func(p *Plan) { p.Operators = []string{"user-0001", "nobody", "svc-9"} }, says: []string{
			"✘ operators     the app has no user nobody, svc-9\n" +
				"                → register them as users of the app, or take them out of EASEMOB_OPERATORS"}},
		"presence was never bought, and is not asked for": {options: emulator.Options{NotActivated: true},
			change: func(p *Plan) { p.Online, p.Operators = true, nil }, says: []string{
				"✔ presence      EASEMOB_STATUS=online: the vendor tells who is online, and no more; a look took DURATION",
				"– operators     not needed: EASEMOB_STATUS=online asks in nobody's name"}},
		"a fixed token, and presence was never bought": {options: emulator.Options{NotActivated: true}, change: fixed, says: []string{
			"✔ app           the vendor knows demo#presence",
			"✔ token         EASEMOB_TOKEN is accepted; how long it lives, the vendor does not tell",
			"✘ presence      the app has not got it: 400: the app not open presence\n" +
				"                → buy it and switch it on in the vendor's console, or set EASEMOB_STATUS=online to know online and offline alone"}},
		"no operators": {change: func(p *Plan) { p.Operators = nil }, says: []string{
			"✔ presence      switched on: a look took DURATION",
			"– operators     not checked: EASEMOB_OPERATORS has to be set first"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, vendor := played(t, test.options)
			asked(t, vendor.URL, test.change).says(test.says...)
		})
	}
}

// TestFaultsOfTheVendor are errors that come after the vendor was reached. Each has to fire.
func TestFaultsOfTheVendor(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		says   string
	}{
		"broken": {500, "✘ presence      a look fails: 500 internal_error: Internal Server Error\n" +
			"                → try again; if it stays so, ask whoever runs what is at EASEMOB_URL"},
		"busy": {429, "! presence      the vendor is busy, or finds the app too fast: 429 reach_limit: This request has reached api limit\n" +
			"                → lower EASEMOB_RATE if it goes on, or buy more calls"},
		"forbidden": {403, "✘ presence      a look fails: 403 forbidden_service_operation: Service operation not allowed\n" +
			"                → the vendor forbids this app the call: is the app or the user banned?"},
		"nobody": {404, "✘ operators     the app has no user user-0001\n" +
			"                → register them as users of the app, or take them out of EASEMOB_OPERATORS"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := played(t, emulator.Options{})
			var fired atomic.Int32
			vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(r.URL.Path, "/users/") {
					s.ServeHTTP(w, r)
					return
				}
				fired.Add(1)
				if err := s.SetFaults(emulator.Faults{ErrorRate: 1, ErrorStatus: test.status}); err != nil {
					t.Error(err)
				}
				s.ServeHTTP(w, r)
			}))
			asked(t, vendor.URL, nil).says(test.says)
			require.NotZero(t, fired.Load())
		})
	}
}

// TestNoise is a vendor whose every answer is of no use.
func TestNoise(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		says   []string
	}{
		"a web page": {200, http.Header{"Content-Type": {"text/html"}}, "<html><body>Welcome</body></html>", []string{
			"– app           not told: no call got an answer that says it",
			"✘ token         no token can be had: the answer is not complete JSON\n" +
				"                → try again; if it stays so, ask whoever runs what is at EASEMOB_URL"}},
		"binary garbage": {200, nil, "\x00\x01\x02\xff\xfe\x1b[31m", []string{
			"✘ token         no token can be had: the answer is not complete JSON\n" +
				"                → try again; if it stays so, ask whoever runs what is at EASEMOB_URL"}},
		"a huge body": {200, nil, strings.Repeat("x", 8<<20), []string{
			"✘ token         no token can be had: the answer is larger than 65536 bytes\n" +
				"                → try again; if it stays so, ask whoever runs what is at EASEMOB_URL"}},
		"a page that is not found": {404, nil, "<html>404</html>", []string{
			"– app           not told: no call got an answer that says it",
			"✘ token         no token can be had: 404: Not Found\n" +
				"                → check EASEMOB_URL and EASEMOB_ORG, EASEMOB_APP or EASEMOB_APP_ID"}},
		"broken": {502, nil, "<html>bad gateway</html>", []string{
			"✘ vendor        HOST answers 502 Bad Gateway\n" +
				"                → try again later; if it stays so, check EASEMOB_URL, or ask the vendor", noneOfIt}},
		"moved": {301, http.Header{"Location": {"https://me:hush-moved@elsewhere.example/x?token=hush"}}, "", []string{
			"✘ vendor        HOST answers 301 and leads to https://elsewhere.example\n" +
				"                → set EASEMOB_URL to where it leads: redirects are not followed", noneOfIt}},
		"moved to nowhere": {302, nil, "", []string{
			"✘ vendor        HOST answers 302 and leads to nowhere\n" +
				"                → set EASEMOB_URL to where it leads: redirects are not followed"}},
		"a proxy that wants a password": {407, nil, "", []string{
			"✘ vendor        the proxy on the way to HOST does not let us through\n" +
				"                → put the proxy's user and password into HTTPS_PROXY"}},
	} {
		t.Run(name, func(t *testing.T) {
			asked(t, answering(t, test.status, test.header, test.body).URL, nil).says(test.says...)
		})
	}
}

// TestALookThatIsNoise is a vendor that mints a token and then talks nonsense.
func TestALookThatIsNoise(t *testing.T) {
	s, _ := played(t, emulator.Options{})
	vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/users/") {
			_, _ = w.Write([]byte("<html>" + r.Header.Get("Authorization") + hushToken))
			return
		}
		s.ServeHTTP(w, r)
	}))
	asked(t, vendor.URL, func(p *Plan) { p.Vendor.ClientID, p.Vendor.ClientSecret, p.Vendor.Token = "", "", hushToken }).says(
		"– token         not told: no call was answered",
		"✘ presence      a look fails: the answer is not complete JSON\n"+
			"                → try again; if it stays so, ask whoever runs what is at EASEMOB_URL")
}

// TestAFreshTokenThatIsRefused is a cluster that mints for another.
func TestAFreshTokenThatIsRefused(t *testing.T) {
	s, _ := played(t, emulator.Options{})
	vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer other")
		s.ServeHTTP(w, r)
	}))
	asked(t, vendor.URL, nil).says(
		"✘ token         the vendor refuses the token that it has just minted: 401 auth_bad_access_token: Unable to authenticate due to corrupt access token\n" +
			"                → set EASEMOB_URL to the host that the vendor's console shows for this app: another cluster takes no token of this one")
}

// TestATokenThatNeverEnds is an app whose tokens do not, as with a ttl of 0.
func TestATokenThatNeverEnds(t *testing.T) {
	s, _ := played(t, emulator.Options{})
	vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			body := `{"grant_type":"client_credentials","client_id":"id","client_secret":"` + hushSecret + `","ttl":0}`
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		}
		s.ServeHTTP(w, r)
	}))
	asked(t, vendor.URL, nil).says("✔ token         minted with EASEMOB_CLIENT_ID; it never ends")
}

// TestOperatorsThatCannotBeLookedUp is a vendor that does not know the call.
func TestOperatorsThatCannotBeLookedUp(t *testing.T) {
	s, _ := played(t, emulator.Options{})
	vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/status") {
			http.Error(w, "<html>", http.StatusNotFound)
			return
		}
		s.ServeHTTP(w, r)
	}))
	asked(t, vendor.URL, nil).says(
		"! operators     whether the app has user user-0001 was not to be found out: 404: Not Found\n" +
			"                → look whether they are users of the app: in the name of one who is not, nobody is seen")
}

// TestManyOperatorsOfASlowVendor holds that the bound is of everything together.
func TestManyOperatorsOfASlowVendor(t *testing.T) {
	s, _ := played(t, emulator.Options{})
	vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/status") {
			<-r.Context().Done()
			return
		}
		s.ServeHTTP(w, r)
	}))
	p := sound(vendor.URL, "")
	p.NATS.Dir, p.NATS.Listen, p.Patience = t.TempDir(), "127.0.0.1:0", 600*time.Millisecond
	p.Operators = strings.Fields(strings.Repeat("user-0001 ", 60))
	began := time.Now()
	r := examined(t, p)
	require.Contains(t, r.text, "! operators     whether the app has user user-0001, user-0001, user-0001, user-0001, user-0001 and 55 more was not to be found out: ")
	require.Less(t, time.Since(began), (questions+3)*p.Patience)
}

// TestWhatADateSays holds the arithmetic: a Date of 12:00:10 was any moment of that second, between asking and answering.
func TestWhatADateSays(t *testing.T) {
	at := func(s float64) time.Time {
		return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
	}
	var d dates
	require.False(t, d.offset().known)
	d.note(at(10), at(10.2), http.Header{"Date": {"yesterday"}})
	require.False(t, d.offset().known)
	d.note(at(10), at(10.2), http.Header{"Date": {at(10).Format(http.TimeFormat)}})
	require.Equal(t, offset{-200 * time.Millisecond, time.Second, true}, d.offset())
	d.note(at(10.9), at(10.95), http.Header{"Date": {at(11).Format(http.TimeFormat)}})
	require.Equal(t, offset{50 * time.Millisecond, time.Second, true}, d.offset(), "each answer narrows it")
	d.note(at(20), at(20.1), http.Header{"Date": {at(90).Format(http.TimeFormat)}})
	require.Equal(t, offset{50 * time.Millisecond, time.Second, true}, d.offset(), "what contradicts the rest comes out of some cache")

	for _, test := range []struct {
		least, most time.Duration
		want        string
	}{
		{-2 * time.Second, 2 * time.Second, "✔ x clock       ours and theirs agree within 2 s"},
		{2100 * time.Millisecond, 3 * time.Second, "✘ x clock       ours is 2.1 s to 3.0 s behind theirs\n                → keep this machine's clock right, with chrony or systemd-timesyncd"},
		{-5 * time.Second, -2100 * time.Millisecond, "✘ x clock       ours is 2.1 s to 5.0 s ahead of theirs\n                → keep this machine's clock right, with chrony or systemd-timesyncd"},
		{-3 * time.Second, time.Second, "! x clock       answers take too long to compare ours with theirs: it is between -3.0 s and 1.0 s off\n                → try again on a faster road"},
	} {
		var f findings
		f.tellClock("x clock", "theirs", offset{test.least, test.most, true})
		reported(t, f.list).says(test.want)
	}
}

// TestAClockThatIsOff is an emulator whose Date is: the client hears of it with every answer.
func TestAClockThatIsOff(t *testing.T) {
	for name, test := range map[string]struct {
		by   time.Duration
		says string
	}{
		"ahead":       {time.Hour + 30*time.Second, "✘ vendor clock  ours is 60 min behind the vendor's\n                → keep this machine's clock right, with chrony or systemd-timesyncd"},
		"behind":      {-30*24*time.Hour - 30*time.Second, "✘ vendor clock  ours is 30 days ahead of the vendor's\n                → keep this machine's clock right, with chrony or systemd-timesyncd"},
		"not by much": {900 * time.Millisecond, "✔ vendor clock  ours and the vendor's agree within 2 s"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := played(t, emulator.Options{})
			vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(test.by).UTC().Format(http.TimeFormat))
				s.ServeHTTP(w, r)
			}))
			asked(t, vendor.URL, nil).says(test.says)
		})
	}
	t.Run("silent", func(t *testing.T) {
		s, _ := played(t, emulator.Options{})
		vendor := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil
			s.ServeHTTP(w, r)
		}))
		asked(t, vendor.URL, nil).says("– vendor clock  not checked: no answer said what time it is")
	})
}
