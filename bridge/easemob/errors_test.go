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

// TestErrorTable goes through what is known of the vendor's errors, row by row and in both body shapes.
func TestErrorTable(t *testing.T) {
	const illegal = "illegal_argument"
	for _, tt := range []struct {
		status int
		body   string
		class  class
		says   string // in the line
	}{
		// of presence
		{400, service("the app not open presence"), notActivated, "console"},
		{400, platform(illegal, "the app not open presence"), notActivated, "console"},
		{400, platform("service open exception", "the app not open presence"), notActivated, "console"},
		{400, platform("service open exception", ""), notActivated, "console"},
		{400, service("ext cannot be null"), final, "ext cannot be null"},
		{400, service("ext is too big"), final, "1024"},
		{400, platform(illegal, "ext is too big "), final, "1024"},
		{400, service("set presence failed"), final, "set presence failed"},
		{400, service("resource not exist"), final, "resource not exist"},
		{400, platform(illegal, "usernames is empty"), final, "usernames is empty"},
		{400, platform(illegal, "too many sub presence"), final, "too many sub"},
		{400, service("you can't sub yourself"), final, "operator"},
		{400, platform(illegal, "too many get presences"), final, "too many get"},
		{400, platform(illegal, "usernames cannot be null"), final, "cannot be null"},
		{400, platform(illegal, "too many unsub presences"), final, "too many unsub"},
		{400, service("too many queries"), throttled, "EASEMOB_RATE"},
		{400, platform("", "too many queries."), throttled, "EASEMOB_RATE"},
		// of the platform
		{400, platform("json_parse", "Unexpected character ('"), final, "json_parse"},
		{400, platform(illegal, "this is an invalid request."), final, illegal},
		{400, platform("invalid_grant", "client_id does not match"), unauthorized, "EASEMOB_CLIENT_ID"},
		{401, platform("unauthorized", "Unable to authenticate (OAuth)"), unauthorized, "Unable to authenticate"},
		{401, platform("unauthorized", "Unable to authenticate due to expired access token"), unauthorized, "expired"},
		{401, platform("auth_bad_access_token", "Unable to authenticate due to corrupt access token"), unauthorized, "corrupt"},
		{401, platform("expired_token", "Unable to authenticate due to expired access token"), unauthorized, "expired_token"},
		{401, "", unauthorized, "Unauthorized"},
		{403, platform("forbidden_op", "message recall service is unopened"), final, "forbidden_op"},
		{403, platform("FORBIDDEN", "no"), final, "FORBIDDEN"},
		{403, platform("forbidden_service_operation", "Service operation not allowed"), final, "banned"},
		{404, platform("organization_application_not_found", "Could not find application for X/X from URI: X/X/users"), final, "EASEMOB_ORG"},
		{404, platform("service_resource_not_found", "Service resource not found"), final, "does not exist"},
		{404, "404 page not found", final, "404 page not found"},
		{405, "", final, "Method Not Allowed"},
		{408, "", retryable, "Request Timeout"},
		{413, "Request Entity Too Large", final, "Too Large"},
		{415, platform("web_application", "Unsupported Media Type"), final, "web_application"},
		{429, platform("reach_limit", "This request has reached api limit"), throttled, "EASEMOB_RATE"},
		{429, platform("reach_limit", "This request has reached api limit."), throttled, "reach_limit"},
		{429, "", throttled, "Too Many Requests"},
		{429, platform("resource_limited", "You have exceeded the limit of the Free edition"), final, "plan"},
		{429, platform("", "You have exceeded the limit of the community edition"), final, "plan"},
		{500, platform("no_full_text_index", "x"), final, "no_full_text_index"},
		{500, platform("unsupported_service_operation", "x"), final, "x"},
		{500, platform("web_application", "x"), final, "EASEMOB_URL"},
		{500, platform("anything", "x"), retryable, "anything"},
		{502, "<html>\n<title>502 Bad Gateway</title>", retryable, "502: Bad Gateway"},
		{503, "", throttled, "Service Unavailable"},
		{504, "upstream\ntimed\x00out", retryable, "upstream timed out"},
		{302, "", final, "EASEMOB_URL"},
		{599, `{"error":["not","a","string"]}`, retryable, "599: no reason given"},
		{400, `{"error":"cut`, final, "400: Bad Request"},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.body), func(t *testing.T) {
			err := fmt.Errorf("polling: %w", refusal(KindGet, tt.status, []byte(tt.body)))
			assert.Equal(t, tt.class, classOf(err))
			assert.Equal(t, tt.class == throttled, IsThrottled(err))
			assert.Equal(t, tt.class == unauthorized, IsUnauthorized(err))
			assert.Equal(t, tt.class == notActivated, IsNotActivated(err))
			assert.Equal(t, tt.class == throttled || tt.class == retryable, IsRetryable(err))
			assert.Contains(t, err.Error(), "easemob get: ")
			assert.Contains(t, err.Error(), tt.says)
			assert.NotContains(t, err.Error(), "\n")
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
				assert.True(t, IsRetryable(err), err)
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
