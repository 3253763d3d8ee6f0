package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Subscription is an entry of the ledger: who subscribes a user at the vendor, from when until when, in Unix
// milliseconds. Since is what tells when to renew where the vendor gave less than was asked for.
type Subscription struct {
	Operator string `json:"operator"`
	Since    int64  `json:"since,omitempty"` // 0: not known
	Until    int64  `json:"until"`
}

// LedgerChange is one thing that happened to the ledger; Subscription is nil where a user was taken out.
type LedgerChange struct {
	UID          UID
	Subscription *Subscription
}

// Subscribed writes into the ledger who subscribes a user.
func (b *Bus) Subscribed(ctx context.Context, uid UID, s Subscription) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if _, err := b.subscriptions.Put(ctx, EncodeToken(string(uid)), value); err != nil {
		return fmt.Errorf("writing the ledger for %s: %w", uid, err)
	}
	return nil
}

// Unsubscribed takes a user out of the ledger.
func (b *Bus) Unsubscribed(ctx context.Context, uid UID) error {
	if err := b.subscriptions.Purge(ctx, EncodeToken(string(uid)), jetstream.PurgeTTL(markersFor)); err != nil {
		return fmt.Errorf("taking %s out of the ledger: %w", uid, err)
	}
	return nil
}

// SubscriptionOf is what the ledger says of one user; nil where it says nothing, or nothing that can be read. While NATS
// is away it is an error at once.
func (b *Bus) SubscriptionOf(ctx context.Context, uid UID) (*Subscription, error) {
	if b.Away() {
		return nil, errAway
	}
	e, err := b.subscriptions.Get(ctx, EncodeToken(string(uid)))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ledger for %s: %w", uid, err)
	}
	c, err := decodeLedger(e)
	if err != nil { // who follows the ledger has counted it
		return nil, nil
	}
	return c.Subscription, nil
}

// Ledger reads the whole ledger. Entries that cannot be read are passed over: the vendor is asked anew.
func (b *Bus) Ledger(ctx context.Context) (map[UID]Subscription, error) {
	w, err := b.watchBucket(ctx, b.settings.subscriptionsBucket())
	if err != nil {
		return nil, err
	}
	defer w.stop()
	ledger := map[UID]Subscription{}
	err = w.fill(ctx, func(e jetstream.KeyValueEntry) {
		if c, err := decodeLedger(e); err != nil {
			b.PassOver(PassedLedger, e.Key(), err)
		} else if c.Subscription != nil {
			ledger[c.UID] = *c.Subscription
		}
	})
	return ledger, err
}

// FollowLedger tells changed everything that the ledger holds and then what happens to it, one call at a
// time, until ctx is done. It goes on through outages; after one, an entry may be told again.
func (b *Bus) FollowLedger(ctx context.Context, changed func(LedgerChange)) error {
	return b.followBucket(ctx, b.settings.subscriptionsBucket(), "the subscription ledger", func(e jetstream.KeyValueEntry) {
		if c, err := decodeLedger(e); err != nil {
			b.PassOver(PassedLedger, e.Key(), err)
		} else {
			changed(c)
		}
	})
}

func decodeLedger(e jetstream.KeyValueEntry) (LedgerChange, error) {
	uid, err := uidFromToken(e.Key())
	if err != nil || e.Operation() != jetstream.KeyValuePut {
		return LedgerChange{UID: uid}, err
	}
	s, err := decodeSubscription(e.Value())
	return LedgerChange{UID: uid, Subscription: &s}, err
}

func decodeSubscription(value []byte) (s Subscription, err error) {
	if err := json.Unmarshal(value, &s); err != nil {
		return s, fmt.Errorf("decoding an entry of the ledger: %w", err)
	}
	if s.Operator == "" || s.Until <= 0 {
		return s, errors.New("decoding an entry of the ledger: operator and until are needed")
	}
	return s, nil
}
