package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"
)

// LeasesBucket is where those who have no connection to a hub say whom they want watched, and until when.
const LeasesBucket = "presence_leases"

// How long a lease may be for, and how long the name of who takes it.
const (
	MinLease       = 10 * time.Second
	MaxLease       = 24 * time.Hour
	MaxHolderBytes = 64
)

// ErrLease is wrapped by what [Bus.Lease] and [Bus.Release] refuse, which asking again does not mend.
var ErrLease = errors.New("not a lease")

// leaseEntry is the value of a key <holder>.<uid token> of the bucket.
type leaseEntry struct {
	Until int64 `json:"until"` // Unix milliseconds
}

// LeaseChange is one thing that happened to the leases. Until is zero where the lease has ended.
type LeaseChange struct {
	Holder string
	UID    UID
	Until  time.Time
}

// CheckHolder says what is wrong with the name of who takes leases: it is one token of 1 to 64 bytes of a-z A-Z 0-9
// _ and -. The error wraps [ErrLease].
func CheckHolder(holder string) error {
	switch {
	case holder == "":
		return fmt.Errorf("%w: holder is empty", ErrLease)
	case len(holder) > MaxHolderBytes:
		return fmt.Errorf("%w: holder has %d bytes, %d is the most", ErrLease, len(holder), MaxHolderBytes)
	case EncodeToken(holder) != holder:
		return fmt.Errorf("%w: holder %q has more in it than a-z A-Z 0-9 _ -", ErrLease, holder)
	}
	return nil
}

// Lease has these users watched in the name of holder until the returned time, or for longer where it is called
// again. An error may leave some of them leased; calling again mends that.
func (b *Bus) Lease(ctx context.Context, holder string, uids []UID, ttl time.Duration) (until time.Time, err error) {
	if err := CheckHolder(holder); err != nil {
		return until, err
	}
	if ttl < MinLease || ttl > MaxLease {
		return until, fmt.Errorf("%w: ttl is %s, want %s to %s", ErrLease, ttl, MinLease, MaxLease)
	}
	until = time.Now().Add(ttl).Truncate(time.Millisecond)
	value, _ := json.Marshal(leaseEntry{Until: until.UnixMilli()}) // a number: it cannot fail
	err = b.eachLease(ctx, uids, func(ctx context.Context, uid UID) error {
		// A bucket takes a key's ttl only with Create, and this may be the hundredth renewal.
		_, err := b.js.Publish(ctx, "$KV."+LeasesBucket+"."+keyOfLease(holder, uid), value, jetstream.WithMsgTTL(ttl))
		return err
	})
	return until, err
}

// Release ends the leases of holder on these users, those of others stay. What is not leased is no error.
func (b *Bus) Release(ctx context.Context, holder string, uids []UID) error {
	if err := CheckHolder(holder); err != nil {
		return err
	}
	return b.eachLease(ctx, uids, func(ctx context.Context, uid UID) error {
		return b.leases.Purge(ctx, keyOfLease(holder, uid), jetstream.PurgeTTL(markersFor))
	})
}

// eachLease writes many at once, and makes the bucket anew where it is gone.
func (b *Bus) eachLease(ctx context.Context, uids []UID, write func(context.Context, UID) error) error {
	writes, writing := errgroup.WithContext(ctx)
	writes.SetLimit(registryWrites)
	for _, uid := range uids {
		writes.Go(func() error { return write(writing, uid) })
	}
	if err := writes.Wait(); err != nil {
		b.mend(ctx, b.settings.leasesBucket(), err)
		return fmt.Errorf("writing leases: %w", err)
	}
	return nil
}

func keyOfLease(holder string, uid UID) string { return holder + "." + EncodeToken(string(uid)) }

// FollowLeases tells changed every lease that there is and then what happens to them, one call at a time, until ctx
// is done. It goes on through outages; after one, a lease may be told again, and the end of one may have been missed:
// whoever follows ends what is past its time.
func (b *Bus) FollowLeases(ctx context.Context, changed func(LeaseChange)) error {
	return b.followBucket(ctx, b.settings.leasesBucket(), "the leases", func(e jetstream.KeyValueEntry) {
		if c, err := decodeLease(e, time.Now()); err != nil {
			b.PassOver(PassedLease, e.Key(), err)
		} else {
			changed(c)
		}
	})
}

// decodeLease reads an entry of the bucket. Whatever it says, nobody is watched for longer than a lease may be for.
func decodeLease(e jetstream.KeyValueEntry, now time.Time) (LeaseChange, error) {
	holder, token, _ := strings.Cut(e.Key(), ".")
	uid, err := uidFromToken(token)
	if err := errors.Join(err, CheckHolder(holder)); err != nil {
		return LeaseChange{}, err
	}
	c := LeaseChange{Holder: holder, UID: uid}
	if e.Operation() != jetstream.KeyValuePut {
		return c, nil
	}
	c.Until, err = leaseUntil(e.Value(), now)
	return c, err
}

func leaseUntil(value []byte, now time.Time) (time.Time, error) {
	var entry leaseEntry
	if err := json.Unmarshal(value, &entry); err != nil {
		return time.Time{}, fmt.Errorf("decoding a lease: %w", err)
	}
	if entry.Until <= 0 {
		return time.Time{}, errors.New("decoding a lease: until is needed")
	}
	return time.UnixMilli(min(entry.Until, now.Add(MaxLease).UnixMilli())), nil
}
