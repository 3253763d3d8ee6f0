package easemob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func platform(code, description string) string {
	return fmt.Sprintf(`{"error":%q,"exception":"E","timestamp":1,"duration":0,"error_description":%q}`, code, description)
}

func service(message string) string { return fmt.Sprintf(`{"result":%q}`, message) }

// TestErrorTable goes through what is known of the vendor's errors (API errors of presence, limits, the platform),
// row by row and in both body shapes: what each is taken for, and for how long calls of its kind are held back. None
// is tried again by the client itself. Jitter is as long as it can be; of a long hold, it is taken off.
func TestErrorTable(t *testing.T) {
	const (
		illegal = "illegal_argument"
		none    = time.Duration(0)
		first   = backOffBase
		long    = longHold / 2
	)
	for _, tt := range []struct {
		status int
		body   string
		class  class
		hold   time.Duration
		says   string // in the line
	}{
		// Of presence, all calls.
		{400, service("the app not open presence"), notActivated, long, "EASEMOB_STATUS=online"},
		{400, platform(illegal, "the app not open presence"), notActivated, long, "console"},
		{400, platform("service open exception", "the app not open presence"), notActivated, long, "console"},
		{400, platform("service open exception", ""), notActivated, long, "console"},
		{200, service("the app not open presence"), notActivated, long, "console"},
		{400, service("too many queries"), throttled, first, "EASEMOB_RATE"},
		{400, platform("", "too many queries."), throttled, first, "EASEMOB_RATE"},
		{200, service("too many queries"), throttled, first, "EASEMOB_RATE"},
		// Of set.
		{400, service("ext cannot be null"), refused, none, "ext cannot be null"},
		{400, platform(illegal, "ext cannot be null"), refused, none, illegal},
		{400, service("ext is too big"), refused, none, "1024"},
		{400, platform(illegal, "ext is too big "), refused, none, "1024"},
		{400, service("set presence failed"), refused, none, "set presence failed"},
		{200, service("set presence failed"), refused, none, "set presence failed"},
		{400, service("resource not exist"), refused, none, "resource not exist"},
		// Of subscribe.
		{400, service("usernames is empty"), refused, none, "usernames is empty"},
		{400, platform(illegal, "usernames is empty"), refused, none, "usernames is empty"},
		{400, platform(illegal, "too many sub presence"), refused, none, "too many sub"},
		{400, service("you can't sub yourself"), refused, none, "operator"},
		{400, platform(illegal, "you can't sub yourself"), refused, none, "operator"},
		// Of get, unsubscribe and the group count.
		{400, platform(illegal, "too many get presences"), refused, none, "too many get"},
		{400, platform(illegal, "usernames cannot be null"), refused, none, "cannot be null"},
		{400, platform(illegal, "too many unsub presences"), refused, none, "too many unsub"},
		{400, platform(illegal, "Id cannot be null."), refused, none, "Id cannot"},
		{400, platform(illegal, "Type cannot be null."), refused, none, "Type cannot"},
		{400, platform(illegal, "Type must be 0 or 1."), refused, none, "Type must"},
		{400, service("this appkey not open rest group online service"), refused, none, "group online"},
		// Of batch status, and of user ids.
		{400, platform(illegal, "request body exceeds maximum limit, maximum limit is 100"), refused, none, "limit is 100"},
		{400, platform(illegal, "username [a b] is not legal"), refused, none, "not legal"},
		{400, platform(illegal, "USERNAME_TOO_LONG"), refused, none, "TOO_LONG"},
		// Of the platform.
		{400, platform("json_parse", "Unexpected character ('"), refused, none, "json_parse"},
		{400, platform(illegal, "this is an invalid request."), refused, none, illegal},
		{400, `{"error":"cut`, refused, none, "400: Bad Request"},
		{400, "", refused, none, "400: Bad Request"},
		{401, platform("unauthorized", "Unable to authenticate (OAuth)"), unauthorized, none, "Unable to authenticate"},
		{401, platform("unauthorized", "Unable to authenticate due to expired access token"), unauthorized, none, "expired"},
		{401, platform("auth_bad_access_token", "Unable to authenticate due to corrupt access token"), unauthorized, none, "corrupt"},
		{401, platform("auth_bad_access_token", "Unable to authenticate"), unauthorized, none, "EASEMOB_TOKEN"},
		{401, platform("expired_token", "Unable to authenticate due to expired access token"), unauthorized, none, "expired_token"},
		{401, "", unauthorized, none, "Unauthorized"},
		{403, platform("forbidden_op", "message recall service is unopened"), final, none, "forbidden_op"},
		{403, platform("FORBIDDEN", "no"), final, none, "FORBIDDEN"},
		{403, platform("forbidden_service_operation", "Service operation not allowed"), final, none, "banned"},
		{404, platform("organization_application_not_found", "Could not find application for X/X from URI: X/X/users"), final, none, "EASEMOB_ORG"},
		{404, platform("service_resource_not_found", "Service resource not found"), final, none, "does not exist"},
		{404, "404 page not found", final, none, "404 page not found"},
		{405, "", final, none, "Method Not Allowed"},
		{407, "Basic bWU6czNjcmV0 is not welcome", final, none, "Proxy Authentication Required (HTTP_PROXY"},
		{408, "", retryable, none, "Request Timeout"},
		{413, "Request Entity Too Large", refused, none, "Too Large"},
		{415, platform("web_application", "Unsupported Media Type"), final, none, "web_application"},
		{429, platform("reach_limit", "This request has reached api limit"), throttled, first, "EASEMOB_RATE"},
		{429, platform("reach_limit", "This request has reached api limit."), throttled, first, "reach_limit"},
		{429, service("This request has reached api limit"), throttled, first, "api limit"},
		{429, "", throttled, first, "Too Many Requests"},
		{429, platform("resource_limited", "You have exceeded the limit of the Free edition"), overPlan, long, "ALARM"},
		{429, platform("", "You have exceeded the limit of the community edition"), overPlan, long, "ALARM"},
		{500, platform("no_full_text_index", "x"), final, none, "no_full_text_index"},
		{500, platform("unsupported_service_operation", "x"), final, none, "x"},
		{500, platform("web_application", "x"), final, none, "EASEMOB_URL"},
		{500, platform("anything", "x"), retryable, none, "anything"},
		{502, "<html>\n<title>502 Bad Gateway</title>", retryable, none, "502: Bad Gateway"},
		{503, "", throttled, first, "Service Unavailable"},
		{503, platform("service_unavailable", "busy"), throttled, first, "busy"},
		{504, "upstream\ntimed\x00out", retryable, none, "upstream timed out"},
		{599, `{"error":["not","a","string"]}`, retryable, none, "599: no reason given"},
		{302, "", final, none, "EASEMOB_URL"},
		{200, platform(illegal, "this is an invalid request."), refused, none, illegal},
		{200, "<html>", retryable, none, "not complete JSON"},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				c := newClient(t, Config{Rate: 1e6}, func(*http.Request) (*http.Response, error) { sent++; return reply(tt.status, tt.body), nil })
				c.lanes[KindGet].slots.jitter = func(d time.Duration) time.Duration { return d }
				_, err := c.Get(t.Context(), "svc", []string{"a"})
				assert.Equal(t, 1, sent, "calls")
				start := time.Now()
				require.NoError(t, c.Wait(t.Context(), KindSubscribe))
				assert.Less(t, time.Since(start), time.Millisecond, "another kind is held back")
				require.NoError(t, c.Wait(t.Context(), KindGet))
				assert.Equal(t, tt.hold, time.Since(start).Truncate(time.Millisecond))
				requireClass(t, tt.class, fmt.Errorf("polling: %w", err))
				assert.Contains(t, err.Error(), "easemob get: ")
				assert.Contains(t, err.Error(), tt.says)
				assert.NotContains(t, err.Error(), "\n")
			})
		})
	}
}

// requireClass asks every question that there is about an error.
func requireClass(t *testing.T, want class, err error) {
	t.Helper()
	require.Error(t, err)
	assert.Equal(t, want, classOf(err), err)
	assert.Equal(t, want == throttled, IsThrottled(err))
	assert.Equal(t, want == unauthorized, IsUnauthorized(err))
	assert.Equal(t, want == notActivated, IsNotActivated(err))
	assert.Equal(t, want == overPlan, IsOverPlan(err))
	assert.Equal(t, want == refused, IsRefused(err))
	assert.Equal(t, want == throttled || want == retryable, IsRetryable(err))
}

// TestTokenErrorTable is the same for the call for a token: what its errors are taken for, and for how long no other
// is made, the first time and the third in a row.
func TestTokenErrorTable(t *testing.T) {
	const illegal, rest = "illegal_argument", tokenRest
	for _, tt := range []struct {
		status int
		body   string
		class  class
		third  time.Duration
		says   string
	}{
		{400, platform(illegal, "client_id must be provided."), unauthorized, 4 * rest, "EASEMOB_CLIENT_ID"},
		{400, platform(illegal, "client_secret must be provided"), unauthorized, 4 * rest, "EASEMOB_CLIENT_SECRET"},
		{400, platform("invalid_grant", "client_id does not match"), unauthorized, 4 * rest, "EASEMOB_CLIENT_ID"},
		{400, platform("invalid_grant", "client_secret does not match"), unauthorized, 4 * rest, "invalid_grant"},
		{401, platform("unauthorized", "Unable to authenticate (OAuth)"), unauthorized, 4 * rest, "credentials"},
		{403, platform("forbidden_op", "x"), final, 4 * rest, "banned"},
		{404, platform("organization_application_not_found", "Could not find application for X/X from URI: X/X/token"), final, 4 * rest, "EASEMOB_ORG"},
		{429, platform("reach_limit", "This request has reached api limit"), throttled, 4 * rest, "reach_limit"},
		{500, platform("anything", "x"), retryable, rest, "anything"},
		{502, "<html>", retryable, rest, "Bad Gateway"},
		{503, "", throttled, 4 * rest, "Service Unavailable"},
		{200, `{"access_token":`, retryable, rest, "not complete JSON"},
		{200, `{}`, retryable, rest, "access_token is not one"},
		{200, `{"access_token":"t","expires_in":"soon"}`, retryable, rest, "expires_in"},
		{200, platform("invalid_grant", "client_id does not match"), retryable, rest, "access_token is not one"},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				c := newClient(t, minted, func(*http.Request) (*http.Response, error) { sent++; return reply(tt.status, tt.body), nil })
				second := min(tt.third, 2*rest)
				for i, rests := range []time.Duration{rest, second, tt.third} {
					err := set(t, c)
					requireClass(t, tt.class, err)
					assert.Contains(t, err.Error(), "easemob token: ")
					assert.Contains(t, err.Error(), tt.says)
					time.Sleep(rests - time.Millisecond)
					assert.EqualError(t, set(t, c), err.Error(), "from memory")
					assert.Equal(t, i+1, sent, "calls for a token")
					time.Sleep(time.Millisecond)
				}
			})
		})
	}
}

func TestErrorLine(t *testing.T) {
	e := refusal(KindGet, 429, []byte(platform("reach_limit", "This request has reached api limit")))
	assert.EqualError(t, e, "easemob get: 429 reach_limit: This request has reached api limit (calls are held back; lower EASEMOB_RATE if it goes on)")
	long := refusal(KindSet, 400, []byte(strings.Repeat("你", 1000)))
	assert.Less(t, len(long.Error()), maxMessage+40)
	assert.NotContains(t, long.Error(), "\uFFFD")
	assert.False(t, IsRetryable(nil))
	assert.False(t, IsThrottled(errors.New("another")))
}

// TestRefusalsWithoutAStatus: a 2xx whose result is a message is no success.
func TestRefusalsWithoutAStatus(t *testing.T) {
	ctx := t.Context()
	for message, is := range map[string]func(error) bool{
		"set presence failed":       func(err error) bool { return !IsRetryable(err) },
		"the app not open presence": IsNotActivated,
		"too many queries":          IsThrottled,
	} {
		c := newClient(t, Config{Rate: 1e6}, always(200, service(message)))
		_, getErr := c.Get(ctx, "svc", []string{"a"})
		_, listErr := c.Subscriptions(ctx, "svc", 1, 100)
		for _, err := range []error{getErr, listErr, c.SetPresence(ctx, "a", "web", "1", ""), c.Unsubscribe(ctx, "svc", []string{"a"})} {
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, message, e.Message)
			assert.True(t, is(err), message)
		}
	}
}

func TestAnswersOfNoUseMayBeAskedAgain(t *testing.T) {
	ctx := t.Context()
	huge := `{"result":[` + strings.Repeat(" ", maxBatchBody) + `]}`
	for name, body := range map[string]string{"cut": `{"result":[`, "empty": "", "page": "<html>", "huge": huge, "ok for a list": `{"result":"ok"}`, "wrong": `{"result":7}`} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, Config{Rate: 1e6}, always(200, body))
			_, getErr := c.Get(ctx, "svc", []string{"a"})
			_, subErr := c.Subscribe(ctx, "svc", []string{"a"}, time.Hour)
			_, listErr := c.Subscriptions(ctx, "svc", 1, 100)
			errs := []error{getErr, subErr, listErr}
			if name != "ok for a list" {
				errs = append(errs, c.SetPresence(ctx, "a", "web", "1", ""), c.Unsubscribe(ctx, "svc", []string{"a"}))
			}
			for _, err := range errs {
				assert.Equal(t, name != "huge", IsRetryable(err), err) // it would be as large again
				assert.Equal(t, name == "huge", IsRefused(err), err)
			}
		})
	}
}

func TestNetworkErrorsMayBeTriedAgainAndKeepTheirCause(t *testing.T) {
	boom := errors.New("connection reset by peer")
	c := newClient(t, Config{}, func(*http.Request) (*http.Response, error) { return nil, boom })
	_, err := c.Get(t.Context(), "svc", []string{"a"})
	assert.True(t, IsRetryable(err))
	assert.ErrorIs(t, err, boom)
	assert.EqualError(t, err, "easemob get: connection reset by peer (is EASEMOB_URL right and reachable from here?)")
}

func TestTimeoutsAreTheVendorsAndCancellationsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Config{Timeout: 3 * time.Second}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := c.Get(t.Context(), "svc", []string{"a"})
		assert.True(t, IsRetryable(err))
		assert.ErrorContains(t, err, "no answer within 3s")
		assert.Equal(t, 3*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.Get(ctx, "svc", []string{"a"})
		assert.False(t, IsRetryable(err), "the caller has gone")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
