package easemob

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// How much of an answer is read. A hundred users with eight devices and full ext are some 160 KiB.
const (
	maxBatchBody = 1 << 20
	maxSmallBody = 64 << 10
)

// request is one call, before it has a token.
type request struct {
	kind   Kind
	method string
	path   string // below the app's prefix, escaped
	field  string // of the answer, in which there is what was asked for
	body   []byte // nil: none
	limit  int64  // of the answer's body, in bytes
}

// told is what was asked for, and when.
type told struct {
	raw   json.RawMessage
	asked time.Time // the call left then: what it says was so at that moment, or came to be after it
}

// result makes a call, for which the caller has a slot, and takes what was asked for out of its answer. A call whose token was refused is made once more, with a new token and in a new
// slot (C++ and other clients do the same).
func (c *Client) result(ctx context.Context, r request) (told, error) {
	answer, again, err := c.attempt(ctx, r)
	if !again {
		return answer, err
	}
	if err := c.Wait(ctx, r.kind); err != nil {
		return told{}, err
	}
	answer, _, err = c.attempt(ctx, r)
	return answer, err
}

// attempt makes a call once, and says whether another token could change its end.
func (c *Client) attempt(ctx context.Context, r request) (answer told, again bool, err error) {
	token, err := c.tokens.get(ctx)
	if err != nil {
		return told{}, false, err
	}
	answer, err = c.exchange(ctx, r, token)
	switch {
	case err == nil:
		c.tokens.works(token)
	case IsUnauthorized(err):
		if e, ok := errors.AsType[*Error](err); ok && c.tokens.mint == nil {
			e.Advice = "EASEMOB_TOKEN was refused: it has expired, or is of another app or cluster"
		}
		again = c.tokens.refused(token, err)
	}
	return answer, again, err
}

// exchange sends a call and tells the limiter how it went.
func (c *Client) exchange(ctx context.Context, r request, token secret) (told, error) {
	lane := c.lanes[r.kind]
	era := lane.slots.era()
	leaving := newDeparture(ctx, lane.wire)
	defer leaving.end()
	body, err := c.send(ctx, r, token, leaving)
	var raw json.RawMessage
	if err == nil {
		raw, err = c.open(r, body, token)
	}
	if err == nil {
		lane.slots.succeeded(era)
	} else if d := lane.slots.failed(era, err); d > 0 {
		c.log.Debug("holding calls back", "kind", r.kind.String(), "for", d, "error", err)
	}
	return told{raw, leaving.at}, err
}

// send sends a request and returns the body of a 2xx answer. Without a departure it leaves at once.
func (c *Client) send(ctx context.Context, r request, token secret, leaving *departure) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if leaving != nil {
		limited = leaving.trace(limited, cancel)
	}
	req, err := c.newRequest(limited, r, token)
	if err != nil {
		return nil, c.unsent(r, token, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, r, token, leaving.why(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		e := refusal(r.kind, resp.StatusCode, reason(resp), c.hidden(token)...)
		e.after = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		return nil, e
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.limit+1))
	switch {
	case err != nil:
		return nil, c.unreachable(ctx, r, token, fmt.Errorf("reading the answer: %w", err))
	case int64(len(body)) > r.limit:
		return nil, oversized(r.kind, resp.StatusCode, r.limit)
	}
	return body, nil
}

// reason is as much of an error's body as there is. Of a 101 there is none: net/http hands over the bare connection
// for it, which hears no context and may never end.
func reason(resp *http.Response) []byte {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxSmallBody))
	return body
}

func (c *Client) newRequest(ctx context.Context, r request, token secret) (*http.Request, error) {
	// bytes.Reader makes Content-Length known: a DELETE without it loses its body on the way.
	var body io.Reader = bytes.NewReader(r.body)
	if r.body == nil {
		body = once{body} // a GET must not be repeated behind our back
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "presence-bridge")
	if token != nil {
		req.Header.Set("Authorization", "Bearer "+token.reveal())
	}
	return req, nil
}

// once is an empty body that net/http cannot rewind, so that it does not send a GET again by itself when a
// kept connection breaks: that call would have no slot.
type once struct{ io.Reader }

// unreachable is the error of a call that got no answer, or not a whole one.
func (c *Client) unreachable(ctx context.Context, r request, token secret, err error) error {
	e := c.unsent(r, token, err)
	switch {
	case ctx.Err() != nil: // the caller has gone, which says nothing of the vendor
		e.Message, e.cause = ctx.Err().Error(), ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		e.class, e.Message = retryable, fmt.Sprintf("no answer within %v", c.timeout)
	default:
		e.class, e.Advice = retryable, "is EASEMOB_URL right and reachable from here?"
	}
	return e
}

// unsent is the error of a call that did not come to be. A cause in which something had to be hidden is left out,
// for somebody may print it by itself.
func (c *Client) unsent(r request, token secret, err error) *Error {
	err = bare(err)
	message := hide(err.Error(), c.hidden(token)...)
	e := &Error{Kind: r.kind, Message: oneLine(message)}
	if message == err.Error() {
		e.cause = err
	}
	return e
}

// bare takes off the *url.Error that net/http, and at times a transport, puts around everything: it repeats
// the URL in every log line.
func bare(err error) error {
	for {
		u, ok := err.(*url.Error)
		if !ok {
			return err
		}
		err = u.Err
	}
}

func (c *Client) hidden(token secret) []secret { return append([]secret{token}, c.secrets...) }
