package easemob

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// seed gives a fuzz test every sample, and a few bodies that are no sample.
func seed(f *testing.F) {
	files, err := os.ReadDir("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !file.IsDir() {
			f.Add([]byte(sample(f, file.Name())))
		}
	}
	for _, body := range []string{`{"result":[{"uid":"a","status":[],"last_time":0}]}`, `{"result":"too many queries"}`, `<html>`, `{"result":{"totalnum":1,"sublist":[{"uid":"A","expiry":1e12}]}}`} {
		f.Add([]byte(body))
	}
}

// FuzzPresences: whatever comes, everybody asked for is either there, whole, or missing.
func FuzzPresences(f *testing.F) {
	seed(f)
	asked := []string{"a", "c2", "c3"}
	f.Fuzz(func(t *testing.T, body []byte) {
		raw, err := opened(inResult, string(body))
		if err != nil {
			return
		}
		entries, err := decodePresences(raw)
		if err != nil {
			return
		}
		answer := match(asked, entries)
		if len(answer.Presences)+len(answer.Missing) != len(asked) {
			t.Fatalf("%d there and %d missing of %d", len(answer.Presences), len(answer.Missing), len(asked))
		}
		for uid, p := range answer.Presences {
			if p.UID != uid || p.Status == nil || p.Online != anyOnline(p.Status) || !utf8.ValidString(p.Ext) || p.LastTime.After(time.UnixMilli(lastMilli)) {
				t.Fatalf("%q: %+v", uid, p)
			}
			for device, s := range p.Status {
				if !digits(s) || len(s) > 1 && s[0] == '0' {
					t.Fatalf("device %q has status %q", device, s)
				}
			}
		}
	})
}

// FuzzStatuses: whoever is not called online or offline, by one word only, is missing.
func FuzzStatuses(f *testing.F) {
	seed(f)
	for _, body := range []string{`{"data":[{"a":"online","A":"offline"}]}`, `{"data":{"a":"online"}}`, `{"data":[{"a":"away"},7,{"":"online"}]}`, `{"data":[{"a":"online"},{"a":"online"}]}`} {
		f.Add([]byte(body))
	}
	asked := []string{"a", "user1", "user2"}
	f.Fuzz(func(t *testing.T, body []byte) {
		raw, err := opened(inData, string(body))
		if err != nil {
			return
		}
		entries, err := decodeStatuses(raw)
		if err != nil {
			return
		}
		answer := match(asked, entries)
		if len(answer.Presences)+len(answer.Missing) != len(asked) {
			t.Fatalf("%d there and %d missing of %d", len(answer.Presences), len(answer.Missing), len(asked))
		}
		for uid, p := range answer.Presences {
			word := map[bool]string{true: "online", false: "offline"}[p.Online]
			if p.UID != uid || p.Status != nil || p.Ext != "" || !p.LastTime.IsZero() || !strings.Contains(unescaped(raw), word) {
				t.Fatalf("%q: %+v", uid, p)
			}
		}
	})
}

// unescaped is a JSON value with every string in it plain.
func unescaped(raw []byte) string {
	var v any
	_ = json.Unmarshal(raw, &v)
	return fmt.Sprint(v)
}

// FuzzStatus: a device that any of its values calls online is online.
func FuzzStatus(f *testing.F) {
	for _, s := range []string{`{"android":"0","android":"1"}`, `{"android":1,"android":0}`, `[]`, `null`, `{"a":"00"}`, `{"a":01}`, `[0]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) || strings.TrimSpace(string(raw)) != string(raw) {
			return // neither gets so far
		}
		status, err := decodeStatus(raw)
		if err != nil {
			return
		}
		devices, err := members(raw)
		if err != nil {
			return // an empty array, or null
		}
		for _, d := range devices {
			if s, _ := decodeStatusValue(d.raw); s != "0" && status[d.key] == "0" {
				t.Fatalf("%s: %q is offline by accident", raw, d.key)
			}
		}
	})
}

func FuzzSubscriptions(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		raw, err := opened(inResult, string(body))
		if err != nil {
			return
		}
		page, err := decodeSubscriptions(raw)
		if err != nil {
			return
		}
		if page.Total < 0 || len(page.Subscriptions) > page.size {
			t.Fatalf("%+v", page)
		}
		for _, s := range page.Subscriptions {
			if s.UID == "" || s.UID != fold(s.UID) {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	seed(f)
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, body []byte) {
		g, err := decodeToken(body, now)
		if err != nil {
			return
		}
		if g.token.reveal() == "" || !headerSafe(g.token.reveal()) || !g.usable(now) {
			t.Fatal("a token that is none")
		}
		if !g.expires.IsZero() && (g.refresh.Before(now) || g.expires.Before(g.refresh)) {
			t.Fatalf("refreshed at %v, over at %v", g.refresh, g.expires)
		}
	})
}

// FuzzRetryAfter: nobody on the road makes us wait for long, or for less than nothing.
func FuzzRetryAfter(f *testing.F) {
	for _, header := range []string{"", "0", "7", "-1", "1e9", "99999999999999999999", "Fri, 31 Dec 2100 00:00:00 GMT", "Friday, 31-Dec-99 23:59:59 GMT"} {
		f.Add(header)
	}
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, header string) {
		if d := retryAfter(header, now); d < 0 || d > maxRetryAfter {
			t.Fatalf("%q: %v", header, d)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, status := range []int{200, 400, 401, 429, 500, 503} {
			line := refusal(KindGet, status, body, newSecret("s3cret")).Error()
			if strings.ContainsAny(line, "\n\r\x00") || !utf8.ValidString(line) || len(line) > 700 {
				t.Fatalf("%q", line)
			}
			if strings.Contains(line, "s3cret") {
				t.Fatalf("the secret shows in %q", line)
			}
		}
	})
}
