package easemob

import (
	"context"
	"errors"
	"net/http"
)

// SetPresence sets one device of a user (status, decimal digits: "0" offline, "1" online, others as the app
// means them) and the ext that all devices of the user share.
func (c *Client) SetPresence(ctx context.Context, uid, resource, status, ext string) error {
	if err := checkSet(uid, resource, status, ext); err != nil {
		return err
	}
	return c.confirmed(ctx, request{
		kind: KindSet, method: http.MethodPost, path: presencePath(uid) + "/" + resource + "/" + status,
		body: encode(map[string]string{"ext": ext}), field: inResult, limit: maxSmallBody,
	})
}

// confirmed makes a call whose only answer is {"result":"ok"}.
func (c *Client) confirmed(ctx context.Context, r request) error {
	if err := c.Wait(ctx, r.kind); err != nil {
		return err
	}
	got, err := c.result(ctx, r)
	if err != nil {
		return err
	}
	if s, err := text(got.raw); err != nil || s != "ok" {
		return garbled(r.kind, http.StatusOK, errors.New(`the result is not "ok"`))
	}
	return nil
}
