package easemob

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type devices = map[string]string

func unix(s int64) time.Time { return time.Unix(s, 0) }

const webDevice = "android_6b5610ac-4e11-4661-82b3-dee17bc7b2cc"

// opened takes a field out of an answer, as a call for it does.
func opened(field, body string) (json.RawMessage, error) {
	return new(Client).open(request{kind: KindGet, field: field}, []byte(body), nil)
}

// TestEverySample reads each of the vendor's verbatim samples; one that nobody reads fails it.
func TestEverySample(t *testing.T) {
	batch := func(asked ...string) func(*testing.T, string) Answer {
		return func(t *testing.T, body string) Answer {
			raw, err := opened(inResult, body)
			require.NoError(t, err)
			entries, err := decodePresences(raw)
			require.NoError(t, err)
			return match(asked, entries)
		}
	}
	read := map[string]func(*testing.T, string){
		"get_200.json": func(t *testing.T, body string) {
			assert.Equal(t, Answer{Presences: map[string]Presence{
				"c2": {UID: "c2", Status: devices{"android": "0"}, LastTime: unix(1644466063)},
				"c3": {UID: "c3", Status: devices{"android": "0"}, LastTime: unix(1644475330)}, // given twice
			}}, batch("c2", "c3")(t, body))
		},
		"subscribe_200.json": func(t *testing.T, body string) {
			assert.Equal(t, Answer{Presences: map[string]Presence{
				"c2": {UID: "c2", Online: true, Status: devices{"android": "1", webDevice: "0"}, Ext: "123", // uid is empty
					LastTime: unix(1644466063), Expiry: unix(1645500371)},
				"c3": {UID: "c3", Status: devices{"android": "0", webDevice: "0"},
					LastTime: unix(1645183991), Expiry: unix(1645500371)},
			}}, batch("c2", "c3")(t, body))
		},
		"sublist_200.json": func(t *testing.T, body string) {
			raw, err := opened(inResult, body)
			require.NoError(t, err)
			page, err := decodeSubscriptions(raw)
			require.NoError(t, err)
			assert.Equal(t, SubscriptionPage{Total: 2, size: 2, Subscriptions: []Subscription{
				{"lxml2", unix(1645822322)}, {"lxml1", unix(1645822322)},
			}}, page)
		},
		"ok_200.json": func(t *testing.T, body string) {
			raw, err := opened(inResult, body)
			require.NoError(t, err)
			assert.Equal(t, `"ok"`, string(raw))
		},
		"token_200.json": func(t *testing.T, body string) {
			g, err := decodeToken([]byte(body), unix(1000))
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(g.token.reveal(), "YWMte3bGuOukEeiTkNP4grL7iwAAA"))
			assert.Equal(t, unix(1000+512000), g.refresh)
			assert.Equal(t, unix(1000+1024000), g.expires)
		},
		"batch_status_200.json": func(t *testing.T, body string) {
			assert.Equal(t, Answer{Presences: map[string]Presence{"user1": {UID: "user1"}, "user2": {UID: "user2"}}}, statuses(t, body, "user1", "user2"))
		},
		"status_200.json": func(t *testing.T, body string) {
			assert.Equal(t, Answer{Presences: map[string]Presence{"user1": {UID: "user1"}}}, statuses(t, body, "user1"))
		},
		"bad_token_401.json": func(t *testing.T, body string) {
			e := refusal(KindGet, 401, []byte(body))
			assert.Equal(t, "auth_bad_access_token", e.Code)
			assert.True(t, IsUnauthorized(e))
		},
		"unauthorized_401.json": func(t *testing.T, body string) {
			e := refusal(KindGet, 401, []byte(body))
			assert.Equal(t, "Unable to authenticate (OAuth)", e.Message)
			assert.True(t, IsUnauthorized(e))
		},
		"not_found_404.json": func(t *testing.T, body string) {
			e := refusal(KindGet, 404, []byte(body))
			assert.Equal(t, "service_resource_not_found", e.Code)
			assert.False(t, IsRetryable(e))
		},
	}
	for _, callback := range []string{"login", "logout", "replaced"} { // not for this package, and not taken for an answer
		read["callback_"+callback+".json"] = func(t *testing.T, body string) {
			_, err := opened(inResult, body)
			assert.Error(t, err)
		}
	}
	files, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, f := range files {
		if f.IsDir() { // what fuzzing kept
			continue
		}
		t.Run(f.Name(), func(t *testing.T) {
			require.Contains(t, read, f.Name(), "nobody reads this sample")
			read[f.Name()](t, sample(t, f.Name()))
		})
		delete(read, f.Name())
	}
	assert.Empty(t, read, "samples that are gone")
}

func TestEntryOddities(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want Presence
		bad  bool
	}{
		"numbers":                   {raw: `{"uid":"a","last_time":1644466063,"expiry":1645500371,"ext":"x","status":{"web":1,"ios":100}}`, want: Presence{UID: "a", Online: true, Ext: "x", Status: devices{"web": "1", "ios": "100"}, LastTime: unix(1644466063), Expiry: unix(1645500371)}},
		"milliseconds":              {raw: `{"uid":"a","last_time":1644466063000,"status":{}}`, want: Presence{UID: "a", Status: devices{}, LastTime: unix(1644466063)}},
		"the last second below":     {raw: `{"uid":"a","last_time":"999999999999","status":{}}`, want: Presence{UID: "a", Status: devices{}, LastTime: unix(999999999999)}},
		"the first millisecond":     {raw: `{"uid":"a","last_time":"1000000000000","status":{}}`, want: Presence{UID: "a", Status: devices{}, LastTime: unix(1000000000)}},
		"exponent":                  {raw: `{"uid":"a","last_time":1.644466063e9,"status":{}}`, want: Presence{UID: "a", Status: devices{}, LastTime: unix(1644466063)}},
		"never there":               {raw: `{"uid":"u10000","last_time":0,"ext":"","status":[]}`, want: Presence{UID: "u10000", Status: devices{}}},
		"null status":               {raw: `{"uid":"a","status":null,"ext":null,"last_time":null}`, want: Presence{UID: "a", Status: devices{}}},
		"blank array":               {raw: `{"uid":"a","status":[ ]}`, want: Presence{UID: "a", Status: devices{}}},
		"empty last_time":           {raw: `{"uid":"a","status":{},"last_time":""}`, want: Presence{UID: "a", Status: devices{}}},
		"negative last_time":        {raw: `{"uid":"a","status":{},"last_time":-1}`, want: Presence{UID: "a", Status: devices{}}},
		"online then offline":       {raw: `{"uid":"a","status":{"android":"1","android":"0"}}`, want: Presence{UID: "a", Online: true, Status: devices{"android": "1"}}},
		"offline then online":       {raw: `{"uid":"a","status":{"android":"0","android":"1"}}`, want: Presence{UID: "a", Online: true, Status: devices{"android": "1"}}},
		"two numbers, one of zero":  {raw: `{"uid":"a","status":{"android":5,"android":0}}`, want: Presence{UID: "a", Online: true, Status: devices{"android": "5"}}},
		"leading zeros":             {raw: `{"uid":"a","status":{"x":"00","y":"01"}}`, want: Presence{UID: "a", Online: true, Status: devices{"x": "0", "y": "1"}}},
		"upper case":                {raw: `{"uid":"Ab","status":{}}`, want: Presence{UID: "ab", Status: devices{}}},
		"the same field twice":      {raw: `{"uid":"a","ext":"x","ext":"x","status":{}}`, want: Presence{UID: "a", Ext: "x", Status: devices{}}},
		"unknown fields":            {raw: `{"uid":"a","status":{},"new":[{}]}`, want: Presence{UID: "a", Status: devices{}}},
		"escapes":                   {raw: `{"uid":"\u0061","status":{"\u0061":"1"},"ext":"\"\u4f60"}`, want: Presence{UID: "a", Online: true, Ext: `"你`, Status: devices{"a": "1"}}},
		"field case matters":        {raw: `{"uid":"a","Status":{"web":"1"}}`, bad: true},
		"no status":                 {raw: `{"uid":"a"}`, bad: true},
		"status a number":           {raw: `{"uid":"a","status":1}`, bad: true},
		"status a string":           {raw: `{"uid":"a","status":"1"}`, bad: true},
		"status a full array":       {raw: `{"uid":"a","status":["1"]}`, bad: true},
		"status of words":           {raw: `{"uid":"a","status":{"web":"online"}}`, bad: true},
		"status of nothing":         {raw: `{"uid":"a","status":{"web":""}}`, bad: true},
		"status of null":            {raw: `{"uid":"a","status":{"web":null}}`, bad: true},
		"status of truth":           {raw: `{"uid":"a","status":{"web":true}}`, bad: true},
		"status negative":           {raw: `{"uid":"a","status":{"web":-1}}`, bad: true},
		"status half":               {raw: `{"uid":"a","status":{"web":0.5}}`, bad: true},
		"ext a number":              {raw: `{"uid":"a","status":{},"ext":1}`, bad: true},
		"last_time a word":          {raw: `{"uid":"a","status":{},"last_time":"now"}`, bad: true},
		"last_time half":            {raw: `{"uid":"a","status":{},"last_time":1.5}`, bad: true},
		"last_time after all times": {raw: `{"uid":"a","status":{},"last_time":9223372036854775807}`, bad: true},
		"last_time an object":       {raw: `{"uid":"a","status":{},"last_time":{}}`, bad: true},
		"expiry an array":           {raw: `{"uid":"a","status":{},"expiry":[]}`, bad: true},
		"two statuses":              {raw: `{"uid":"a","status":{"web":"1"},"status":{"web":"0"}}`, bad: true},
		"uid a number":              {raw: `{"uid":1,"status":{}}`, bad: true},
		"not an object":             {raw: `["a"]`, bad: true},
		"null":                      {raw: `null`, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			e := decodeEntry([]byte(tt.raw))
			if tt.bad {
				assert.Error(t, e.err)
				return
			}
			require.NoError(t, e.err)
			assert.True(t, e.read)
			assert.Equal(t, tt.want, e.Presence)
		})
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":        "",
		"cut short":      `{"result":[{"uid":"a","status":{}}`,
		"more after it":  `{"result":[]}{}`,
		"no object":      `[]`,
		"no result":      `{"results":[]}`,
		"null":           `{"result":null}`,
		"two results":    `{"result":[],"result":[{}]}`,
		"a web page":     `<html></html>`,
		"wrong brackets": `{"result":[}]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := opened(inResult, body)
			assert.Error(t, err)
		})
	}
	for _, result := range []string{`{}`, `1`, `"ok"`} {
		_, err := decodePresences([]byte(result))
		assert.Error(t, err, result)
	}
}

func TestSubscriptionOddities(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want SubscriptionPage
		bad  bool
	}{
		"numbers":       {raw: `{"totalnum":1,"sublist":[{"uid":"A","expiry":1645822322000}]}`, want: SubscriptionPage{Total: 1, size: 1, Subscriptions: []Subscription{{"a", unix(1645822322)}}}},
		"nobody":        {raw: `{"totalnum":"0","sublist":[]}`},
		"null list":     {raw: `{"totalnum":"0","sublist":null}`},
		"no fields":     {raw: `{}`},
		"empty array":   {raw: `[]`},
		"spoilt ones":   {raw: `{"totalnum":4,"sublist":[{"uid":""},{"uid":1},7,{"uid":"a","expiry":"x"},{"uid":"b"}]}`, want: SubscriptionPage{Total: 4, size: 5, Subscriptions: []Subscription{{UID: "b"}}}},
		"full array":    {raw: `[{"uid":"a"}]`, bad: true},
		"total a word":  {raw: `{"totalnum":"two","sublist":[]}`, bad: true},
		"total below 0": {raw: `{"totalnum":-1,"sublist":[]}`, bad: true},
		"list a map":    {raw: `{"totalnum":1,"sublist":{}}`, bad: true},
		"a message":     {raw: `"no"`, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := decodeSubscriptions([]byte(tt.raw))
			if tt.bad {
				assert.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, page)
		})
	}
}

func TestTokenOddities(t *testing.T) {
	for body, life := range map[string]time.Duration{ // 0: for ever
		`{"access_token":"t","expires_in":60}`:                  time.Minute,
		`{"access_token":"t","expires_in":"60"}`:                time.Minute,
		`{"access_token":"t","expires_in":0}`:                   0,
		`{"access_token":"t","expires_in":-1}`:                  0,
		`{"access_token":"t"}`:                                  0,
		`{"access_token":"t","expires_in":9223372036854775807}`: 0,
	} {
		g, err := decodeToken([]byte(body), unix(0))
		require.NoError(t, err, body)
		if life == 0 {
			assert.Zero(t, g.expires, body)
			assert.Zero(t, g.refresh, body)
			assert.True(t, g.fresh(unix(1<<40)), body)
			continue
		}
		assert.Equal(t, unix(0).Add(life), g.expires, body)
	}
	for _, body := range []string{``, `{}`, `{"access_token":""}`, `{"access_token":"a b"}`, `{"access_token":"t","expires_in":"soon"}`, `{"access_token":1}`, `{"access_token":"t"`, `[]`} {
		_, err := decodeToken([]byte(body), unix(0))
		assert.Error(t, err, body)
	}
}
