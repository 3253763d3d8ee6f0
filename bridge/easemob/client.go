package easemob

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// How fast slots are given and how fast calls leave, as parts of the rate. Below the rate, so that what the
// road bunches stays within it for the server; the second is faster, so that a queue there drains.
const (
	slotShare = 0.97
	wireShare = 0.99
)

// maxConns is room for 200 calls a second that take half a second each.
const maxConns = 100

// Client makes the vendor's calls. It is safe for use by many goroutines.
type Client struct {
	show    string // what may be printed
	base    string
	http    *http.Client
	timeout time.Duration
	rate    float64 // calls a second of each kind
	log     *slog.Logger
	secrets []secret // to keep out of errors; the minted token comes on top
	tokens  *tokens
	lanes   [limitedKinds]lane
}

// lane is the way of one kind of call.
type lane struct {
	slots *limiter // who calls next, and when
	wire  *limiter // when it leaves, see [departure]
}

// New makes a client; it starts nothing and calls nobody.
func New(c Config) (*Client, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	client := &Client{
		show:    "easemob.Client{" + c.String() + "}",
		base:    c.base(),
		http:    httpClient(c.HTTPClient),
		timeout: c.timeout(),
		rate:    c.rate(),
		log:     c.logger(),
		secrets: []secret{newSecret(c.Token), newSecret(c.ClientSecret)},
	}
	client.tokens = &tokens{log: c.logger()}
	if c.Token != "" {
		client.tokens.current.token = newSecret(c.Token)
	} else {
		client.tokens.mint = client.minter(c.ClientID, newSecret(c.ClientSecret))
	}
	for i := range client.lanes {
		slots := newLimiter(slotShare * c.rate())
		client.lanes[i] = lane{slots: slots, wire: newWire(slots)}
	}
	return client, nil
}

// httpClient is the given one, or one with bounded pools. Redirects are never followed: they would carry the
// client's secret along, turn POST into GET, and make calls that no slot was taken for.
func httpClient(given *http.Client) *http.Client {
	var c http.Client
	if given != nil {
		c = *given
	} else {
		c.Transport = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: DefaultTimeout,
			IdleConnTimeout:     90 * time.Second,
			MaxConnsPerHost:     maxConns,
			// net/http's own bound is 10 MB, for each call under way.
			MaxResponseHeaderBytes: maxSmallBody,
			MaxIdleConns:           maxConns,
			MaxIdleConnsPerHost:    maxConns,
		}
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// Close ends a token call under way and closes idle connections. Calls under way end by themselves.
func (c *Client) Close() {
	c.tokens.close()
	c.http.CloseIdleConnections()
}

// Wait waits for the next slot of a kind of call and takes it. Callers are served in the order they came; one
// whose ctx ends takes none.
func (c *Client) Wait(ctx context.Context, kind Kind) error {
	if !kind.limited() {
		return invalid("%s is no kind of call to wait for", kind)
	}
	if err := c.lanes[kind].slots.wait(ctx); err != nil {
		return fmt.Errorf("waiting for a slot (%s): %w", kind, err)
	}
	return nil
}

// Rate is how many calls a second of a kind there may be now: EASEMOB_RATE, or less where the vendor finds that too
// fast, as it does while the app's own clients take part of its limit.
func (c *Client) Rate(kind Kind) float64 {
	if !kind.limited() {
		return 0
	}
	return c.lanes[kind].slots.rate() / slotShare
}

// Share takes one part of so many of the budget of a kind of call, for who shares it with other processes. A call is
// let go however many there are, if seldom.
func (c *Client) Share(kind Kind, parts int) {
	if kind.limited() {
		c.lanes[kind].slots.setMost(slotShare * c.rate / float64(max(parts, 1)))
	}
}

// String shows the client's settings without the secrets.
func (c *Client) String() string { return c.show }

// Format makes every verb show what [Client.String] shows.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.show) }

// LogValue keeps everything else out of logs.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.show) }

// minter makes the call for a token. ttl is left out: units differ between clusters (seconds, or
// milliseconds), and the console's setting is what the owner chose.
func (c *Client) minter(id string, clientSecret secret) func(context.Context) (grant, error) {
	return func(ctx context.Context) (grant, error) {
		r := request{kind: kindToken, method: http.MethodPost, path: "/token", limit: maxSmallBody}
		r.body = encode(map[string]string{
			"grant_type": "client_credentials", "client_id": id, "client_secret": clientSecret.reveal(),
		})
		now := time.Now()
		body, err := c.send(ctx, r, nil, nil)
		if err != nil {
			return grant{}, err
		}
		g, err := decodeToken(body, now)
		if err != nil {
			return grant{}, garbled(kindToken, http.StatusOK, err)
		}
		return g, nil
	}
}

// encode is for values that always encode: strings, and slices and maps of them.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func presencePath(uid string) string { return "/users/" + url.PathEscape(fold(uid)) + "/presence" }
