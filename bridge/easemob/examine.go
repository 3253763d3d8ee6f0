package easemob

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// TokenExpiry gives the time until which the app token lives that calls are made with, minting one where there is
// none. It is zero for a token without an end, and for a fixed one, of which only the vendor knows.
func (c *Client) TokenExpiry(ctx context.Context) (time.Time, error) {
	if _, err := c.tokens.get(ctx); err != nil {
		return time.Time{}, err
	}
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	return c.tokens.current.expires, nil
}

// Exists says whether a user is one of the app's: the vendor answers 404 to GET /users/{u}/status for one who is
// not (ED+). It takes a slot of the gets.
func (c *Client) Exists(ctx context.Context, uid string) (bool, error) {
	if err := checkUID("user id", uid); err != nil {
		return false, err
	}
	if err := c.Wait(ctx, KindGet); err != nil {
		return false, err
	}
	got, err := c.result(ctx, request{
		kind: KindGet, method: http.MethodGet, path: "/users/" + url.PathEscape(fold(uid)) + "/status", field: inData, limit: maxSmallBody,
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound && e.Code == "service_resource_not_found" {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if f, err := fields(got.raw); err != nil || f[fold(uid)] == nil { // somebody on the road answered
		return false, garbled(KindGet, http.StatusOK, errors.New("the answer is not about this user"))
	}
	return true, nil
}
