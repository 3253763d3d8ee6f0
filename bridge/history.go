package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// History is what the log still holds of a user, the newest first: [MessagesPerUser] changes at most, none of somebody who
// was never watched. It asks for one message after the other and makes no consumer, which a server would have to look
// after. What cannot be read is left out: who follows the log has counted it. While NATS is away it is an error at once.
func (b *Bus) History(ctx context.Context, uid UID) ([]Entry, error) {
	if b.Away() {
		return nil, errAway
	}
	var changes []Entry
	var seq uint64
	for range 2 * MessagesPerUser { // the log of one who changes as fast as we read has no end
		msg, err := b.stream.GetMsg(ctx, seq+1, jetstream.WithGetMsgSubject(b.app.Subject(uid)))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the history of %s: %w", uid, err)
		}
		if e, err := b.decode(msg.Subject, msg.Data, msg.Sequence); err == nil {
			changes = append(changes, e)
		}
		seq = msg.Sequence
	}
	slices.Reverse(changes)
	return changes[:min(len(changes), MessagesPerUser)], nil
}
