package easemob

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Get asks for the presence of up to [MaxUIDs] users in the name of operator, when its turn comes.
func (c *Client) Get(ctx context.Context, operator string, uids []string) (Answer, error) {
	return c.batch(ctx, operator, uids, KindGet, "", true)
}

// GetNow is [Client.Get] for a caller who has waited with Wait(ctx, KindGet) already.
func (c *Client) GetNow(ctx context.Context, operator string, uids []string) (Answer, error) {
	return c.batch(ctx, operator, uids, KindGet, "", false)
}

// Subscribe subscribes operator to up to [MaxUIDs] users for ttl (whole seconds, at most [MaxTTL]); who is
// subscribed already gets the new ttl. The answer holds their presence now, and until when each is subscribed.
// Past 3,000 subscriptions of an operator the vendor silently drops those with the least time left.
func (c *Client) Subscribe(ctx context.Context, operator string, uids []string, ttl time.Duration) (Answer, error) {
	if err := checkTTL(ttl); err != nil {
		return Answer{}, err
	}
	for _, uid := range uids {
		if fold(uid) == fold(operator) { // the vendor would refuse all of them for it
			return Answer{}, invalid("operator %q cannot subscribe itself", operator)
		}
	}
	return c.batch(ctx, operator, uids, KindSubscribe, "/"+strconv.FormatInt(int64(ttl/time.Second), 10), true)
}

// batch is a call with a list of users, which answers with their presence.
func (c *Client) batch(ctx context.Context, operator string, uids []string, kind Kind, suffix string, wait bool) (Answer, error) {
	asked, err := checkBatch(operator, uids)
	if err != nil {
		return Answer{}, err
	}
	if wait {
		if err := c.Wait(ctx, kind); err != nil {
			return Answer{}, err
		}
	}
	got, err := c.result(ctx, request{
		kind: kind, method: http.MethodPost, path: presencePath(operator) + suffix, field: inResult,
		body: encode(map[string][]string{"usernames": asked}), limit: maxBatchBody,
	})
	if err != nil {
		return Answer{}, err
	}
	entries, err := decodePresences(got.raw)
	if err != nil {
		return Answer{}, garbled(kind, http.StatusOK, err)
	}
	return matchAt(got.asked, asked, entries), nil
}

func checkBatch(operator string, uids []string) ([]string, error) {
	if err := checkUID("operator", operator); err != nil {
		return nil, err
	}
	return checkUIDs(uids)
}

// Unsubscribe ends operator's subscription of up to [MaxUIDs] users.
func (c *Client) Unsubscribe(ctx context.Context, operator string, uids []string) error {
	asked, err := checkBatch(operator, uids)
	if err != nil {
		return err
	}
	// A bare array: the table in the documents names a field for it, every example and client sends none.
	return c.confirmed(ctx, request{
		kind: KindUnsubscribe, method: http.MethodDelete, path: presencePath(operator), field: inResult,
		body: encode(asked), limit: maxSmallBody,
	})
}
