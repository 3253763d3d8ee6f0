package bridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// FeedState says how far what a hub shows can be believed.
type FeedState string

// The states of a feed.
const (
	FeedLive     FeedState = "live"     // everybody was looked at within MAX_STALENESS
	FeedDegraded FeedState = "degraded" // some are older than that, or no call has succeeded of late
	FeedDown     FeedState = "down"     // nobody is being looked at
)

var errAway = errors.New("NATS is away")

// FeedEvery is how often the active poller tells the health of the feed.
const FeedEvery = time.Second

// FeedLost is how long silence means that no poller is active. One message may be lost; two are not, and browsers are to
// know within three seconds.
const FeedLost = 5 * FeedEvery / 2

// Feed is the health of the feed. Every watched user whose state is known was verified no earlier than AsOf
// (Unix milliseconds).
type Feed struct {
	State     FeedState `json:"state"`
	AsOf      int64     `json:"as_of"`
	Watched   int       `json:"watched"`
	SweepMS   int64     `json:"sweep_ms"`         // how long a look at everybody would take, at the pace of late
	CallsPerS float64   `json:"calls_per_s"`      // batch gets in the last second
	Reason    string    `json:"reason,omitempty"` // in words
	// Codes are what Reason says, in the same order.
	Codes []FeedCode `json:"codes,omitempty"`
}

// maxReason is as many bytes of a feed's reason as are read: every browser is sent them.
const maxReason = 1024

// DecodeFeed reads a message of [App.FeedSubject].
func DecodeFeed(data []byte) (Feed, error) {
	var f Feed
	if err := json.Unmarshal(data, &f); err != nil {
		return Feed{}, fmt.Errorf("decoding the feed's health: %w", err)
	}
	if f.AsOf < 0 || f.AsOf > latest || f.Watched < 0 || f.SweepMS < 0 || f.CallsPerS < 0 {
		return Feed{}, errors.New("decoding the feed's health: a number is out of range")
	}
	if len(f.Reason) > maxReason {
		f.Reason = strings.ToValidUTF8(f.Reason[:maxReason], "")
	}
	f.Codes = readable(f.Codes)
	switch f.State {
	case FeedLive, FeedDegraded, FeedDown:
		return f, nil
	}
	return Feed{}, fmt.Errorf("decoding the feed's health: no such state: %.32q", f.State)
}

// PublishFeed tells everybody the health of the feed. While NATS is away it is an error: kept until NATS is back, it would
// be told when it is not true any more.
func (b *Bus) PublishFeed(f Feed) error {
	if b.Away() {
		return errAway
	}
	return publishJSON(b.nc, b.app.FeedSubject(), f)
}

// SubscribeFeed calls got for each message of the feed's health until the subscription is drained. What does
// not decode is passed over.
func (b *Bus) SubscribeFeed(got func(Feed)) (*nats.Subscription, error) {
	return subscribe(b, b.app.FeedSubject(), PassedFeed, DecodeFeed, got)
}

// subscribe calls got for what decodes. An empty message says nothing, and proves that its sender may send.
func subscribe[T any](b *Bus, subject string, kind Passed, decode func([]byte) (T, error), got func(T)) (*nats.Subscription, error) {
	return b.nc.Subscribe(subject, func(m *nats.Msg) {
		v, err := decode(m.Data)
		switch {
		case err == nil:
			got(v)
		case len(m.Data) > 0:
			b.PassOver(kind, subject, err)
		}
	})
}

// Hint is a reason to look at somebody now rather than in turn. It is never the truth itself.
type Hint struct {
	UID    UID    `json:"uid"`
	Source Source `json:"source"` // hint or bridge: what the change will say made us look
}

// DecodeHint reads a message of [App.HintSubject].
func DecodeHint(data []byte) (Hint, error) {
	var h Hint
	if err := json.Unmarshal(data, &h); err != nil {
		return Hint{}, fmt.Errorf("decoding a hint: %w", err)
	}
	uid, err := ParseUID(string(h.UID))
	if err != nil {
		return Hint{}, fmt.Errorf("decoding a hint: %w", err)
	}
	if h.Source != SourceHint && h.Source != SourceBridge {
		return Hint{}, errors.New("decoding a hint: source is neither hint nor bridge")
	}
	h.UID = uid
	return h, nil
}

// PublishHint asks the active poller to look at somebody in its next call.
func (b *Bus) PublishHint(h Hint) error { return publishJSON(b.nc, b.app.HintSubject(), h) }

// SubscribeHints calls got for each hint until the subscription is drained. What does not decode is passed
// over.
func (b *Bus) SubscribeHints(got func(Hint)) (*nats.Subscription, error) {
	return subscribe(b, b.app.HintSubject(), PassedHint, DecodeHint, got)
}

func publishJSON(nc *nats.Conn, subject string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return nc.Publish(subject, data)
}
