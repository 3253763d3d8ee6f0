package easemob

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statuses is what a body says of users, read as a batch status is.
func statuses(t *testing.T, body string, asked ...string) Answer {
	t.Helper()
	raw, err := opened(inData, body)
	require.NoError(t, err)
	entries, err := decodeStatuses(raw)
	require.NoError(t, err)
	return match(asked, entries)
}

func TestStatusOddities(t *testing.T) {
	for name, tt := range map[string]struct {
		data    string
		want    map[string]bool // uid -> online
		missing []string
	}{
		"as documented":           {`[{"a":"online"},{"b":"offline"}]`, map[string]bool{"a": true, "b": false}, nil},
		"by uid, not position":    {`[{"b":"offline"},{"a":"online"}]`, map[string]bool{"a": true, "b": false}, nil},
		"one object":              {`{"a":"online","b":"offline"}`, map[string]bool{"a": true, "b": false}, nil},
		"two in an object":        {`[{"a":"online","b":"offline"}]`, map[string]bool{"a": true, "b": false}, nil},
		"upper case":              {`[{"A":"online"},{"B":"offline"}]`, map[string]bool{"a": true, "b": false}, nil},
		"nobody":                  {`[]`, map[string]bool{}, []string{"a", "b"}},
		"one lost":                {`[{"a":"online"}]`, map[string]bool{"a": true}, []string{"b"}},
		"never asked for":         {`[{"a":"online"},{"b":"offline"},{"c":"online"}]`, map[string]bool{"a": true, "b": false}, nil},
		"another word":            {`[{"a":"away"},{"b":"offline"}]`, map[string]bool{"b": false}, []string{"a"}},
		"no word":                 {`[{"a":""},{"b":null}]`, map[string]bool{}, []string{"a", "b"}},
		"a number":                {`[{"a":1},{"b":"offline"}]`, map[string]bool{"b": false}, []string{"a"}},
		"twice alike":             {`[{"a":"online"},{"a":"online"},{"b":"offline"}]`, map[string]bool{"a": true, "b": false}, nil},
		"twice, in conflict":      {`[{"a":"online"},{"A":"offline"},{"b":"offline"}]`, map[string]bool{"b": false}, []string{"a"}},
		"twice in one object":     {`[{"a":"offline","a":"online"},{"b":"offline"}]`, map[string]bool{"b": false}, []string{"a"}},
		"without a name":          {`[{"":"offline"},{"b":"offline"}]`, map[string]bool{"b": false}, []string{"a"}},
		"an element that is none": {`[7,{"b":"offline"}]`, map[string]bool{"b": false}, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := statuses(t, `{"data":`+tt.data+`}`, "a", "b")
			online := map[string]bool{}
			for uid, p := range got.Presences {
				assert.Equal(t, Presence{UID: uid, Online: p.Online}, p, "nothing else is told")
				online[uid] = p.Online
			}
			assert.Equal(t, tt.want, online)
			assert.Equal(t, tt.missing, got.Missing)
		})
	}
	for _, data := range []string{`"online"`, `7`, `true`} {
		_, err := decodeStatuses([]byte(data))
		assert.Error(t, err, data)
	}
}

func TestOnlineAsksBatchStatus(t *testing.T) {
	var got []string
	c := newClient(t, Config{Rate: 1e6}, func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+string(body))
		return reply(200, sample(t, "batch_status_200.json")), nil
	})
	a, err := c.Online().GetNow(t.Context(), "", []string{"User1", "user2", "user3", "user1"})
	require.NoError(t, err)
	assert.Equal(t, []string{`POST /org/app/users/batch/status {"usernames":["user1","user2","user3"]}`}, got)
	assert.Len(t, a.Presences, 2)
	assert.Equal(t, []string{"user3"}, a.Missing, "unknown, not offline")

	many := make([]string, MaxUIDs+1)
	for i := range many {
		many[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	_, err = c.Online().GetNow(t.Context(), "", many)
	assert.ErrorIs(t, err, ErrInvalid)
	for _, kind := range []Kind{KindSet, KindSubscribe, KindUnsubscribe, KindList, KindBatchStatus} {
		assert.ErrorIs(t, c.Online().Wait(t.Context(), kind), ErrOnlineOnly)
	}
	assert.ErrorIs(t, c.Online().SetPresence(t.Context(), "a", "web", "1", ""), ErrOnlineOnly)
	assert.ErrorContains(t, ErrOnlineOnly, "EASEMOB_STATUS=online", "it names its setting")
	assert.Len(t, got, 1, "nothing else was sent")
}

func TestOnlineErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		is     func(error) bool
	}{
		"too many":   {400, platform("illegal_argument", "request body exceeds maximum limit, maximum limit is 100"), IsRefused},
		"reach":      {429, platform("reach_limit", "This request has reached api limit"), IsThrottled},
		"cut":        {200, `{"data":[`, IsRetryable},
		"no data":    {200, `{"action":"get batch user status"}`, IsRetryable},
		"a text":     {200, `{"data":"no"}`, IsRetryable},
		"no status":  {200, platform("illegal_argument", "no"), IsRefused},
		"of a proxy": {502, "<html>", IsRetryable},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, Config{}, always(tt.status, tt.body)).Online().GetNow(t.Context(), "", []string{"a"})
			assert.True(t, tt.is(err), err)
			assert.ErrorContains(t, err, "easemob batch_status: ")
		})
	}
}

// TestOnlineHasSlotsOfItsOwn: a throttled batch status holds back no call of presence, nor the other way round.
func TestOnlineHasSlotsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Rate: 1}, always(503, ""))
		start := time.Now()
		require.NoError(t, c.Wait(t.Context(), KindGet))
		require.NoError(t, c.Online().Wait(t.Context(), KindGet))
		assert.Zero(t, time.Since(start))
		c.lanes[KindBatchStatus].slots.jitter = func(time.Duration) time.Duration { return time.Minute }
		_, err := c.Online().GetNow(t.Context(), "", []string{"a"})
		require.True(t, IsThrottled(err))
		require.NoError(t, c.Wait(t.Context(), KindGet))
		assert.Less(t, time.Since(start), 2*time.Second)
		require.NoError(t, c.Online().Wait(t.Context(), KindGet))
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}
