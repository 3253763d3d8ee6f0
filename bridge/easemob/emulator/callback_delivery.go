package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	callbackTimeout  = 60 * time.Second // no answer within it is none (ED+ callback_login_logout)
	callbacksAtOnce  = 64               // posts under way
	callbackMaxChars = 1000             // of an answer (ED+ callback_postsending)
)

var (
	errBanned  = errors.New("the callback rule is banned")
	errTooLong = fmt.Errorf("an answer of more than %d characters", callbackMaxChars)
)

// run posts what is due until ctx is done, and returns when no post is under way any more.
func (c *callbacks) run(ctx context.Context) {
	transport := c.rule.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost = callbacksAtOnce
		defer own.CloseIdleConnections()
		transport = own
	}
	client := &http.Client{Transport: transport, Timeout: callbackTimeout, CheckRedirect: stay}
	var posting sync.WaitGroup
	defer posting.Wait()
	places := make(chan struct{}, callbacksAtOnce)
	for c.place(ctx, places) {
		events := c.await(ctx)
		posting.Go(func() {
			defer func() { <-places }()
			for _, e := range events {
				c.deliver(ctx, client, e)
			}
		})
	}
}

// stay makes a redirect an answer like others: one that is not 200.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (c *callbacks) place(ctx context.Context, places chan<- struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// await returns what is due as soon as something is, and nothing when ctx is done.
func (c *callbacks) await(ctx context.Context) []event {
	for {
		events, next := c.due(time.Now())
		if events != nil {
			return events
		}
		timer := time.NewTimer(time.Until(next))
		later := timer.C
		if next.IsZero() {
			later = nil
		}
		select {
		case <-later:
		case <-c.wake:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

// deliver posts an event once, and once more at once if that was not answered with 200; then it is lost.
func (c *callbacks) deliver(ctx context.Context, client *http.Client, e event) {
	body := encode(e)
	err := c.attempt(ctx, client, body)
	if err != nil && !errors.Is(err, errBanned) && ctx.Err() == nil {
		err = c.attempt(ctx, client, body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.InFlight--
	switch {
	case err == nil:
		c.stats.Sent++
	case errors.Is(err, errBanned):
		c.stats.Banned++
	default:
		c.stats.Lost++
		c.log.Debug("a callback is lost", "user", e.User, "err", err)
	}
}

// attempt posts once, unless the rule is banned, and counts how it went. Whether the vendor counts failed
// posts or events that failed twice towards a ban its pages tell in two ways: posts it is, which is stricter.
func (c *callbacks) attempt(ctx context.Context, client *http.Client, body []byte) error {
	if c.banned(time.Now()) {
		return errBanned
	}
	err := c.post(ctx, client, body)
	if err == nil || ctx.Err() != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ban.fail(time.Now()) {
		c.stats.Bans++
		c.log.Warn("the callback rule is banned", "until", c.ban.until, "err", err)
	}
	if errors.Is(err, errTooLong) {
		c.stats.TooLong++
		return nil
	}
	c.stats.Failed++
	return err
}

func (c *callbacks) banned(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ban.on(now)
}

func (c *callbacks) post(ctx context.Context, client *http.Client, body []byte) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.rule.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("posting a callback: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if with, ok := errors.AsType[*url.Error](err); ok {
			err = with.Err // an address may have a secret in it
		}
		return fmt.Errorf("posting a callback: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, callbackMaxChars*utf8.UTFMax+1))
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("posting a callback: answered %s", resp.Status)
	case err != nil:
		return fmt.Errorf("posting a callback: reading the answer: %w", err)
	case utf8.RuneCount(text) > callbackMaxChars:
		return errTooLong
	}
	return nil
}
