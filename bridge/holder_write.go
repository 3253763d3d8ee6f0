package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	registryWrites = 64 // writes of watches under way at once

	// How a [jetstream.KeyValue] writes, which TestWatchesAreWrittenAsABucketWritesThem compares.
	watchSubjects    = "$KV." + WatchBucket + "."
	operationHeader  = "KV-Operation"
	operationOfPurge = "PURGE"
)

// flush brings the bucket to what is wanted, many entries at once. What could not be written stays dirty.
func (h *Holder) flush(ctx context.Context) (last error) {
	for uids := range slices.Chunk(h.takeDirty(), registryWrites) {
		if ctx.Err() != nil {
			return ctx.Err() // what is left is not to be written any more
		}
		if err := h.writeAll(ctx, uids); err != nil {
			last = err
		}
	}
	return last
}

func (h *Holder) takeDirty() []UID {
	h.mu.Lock()
	defer h.mu.Unlock()
	todo := slices.Collect(maps.Keys(h.dirty))
	h.dirty = map[UID]bool{}
	return todo
}

// writeAll brings keys to what is wanted now, which may be newer than what made them dirty. It sends all before it waits
// for the first: a bucket's Put waits for each, which wakes two goroutines and takes two system calls for every entry.
func (h *Holder) writeAll(ctx context.Context, uids []UID) (last error) {
	acks := make([]jetstream.PubAckFuture, len(uids))
	for i, uid := range uids {
		ack, err := h.send(uid)
		if acks[i] = ack; err != nil {
			last = h.failed(uid, err)
		}
	}
	for i, uid := range uids {
		if acks[i] == nil {
			continue
		}
		if err := acknowledged(ctx, acks[i]); err != nil {
			last = h.failed(uid, err)
		}
	}
	return last
}

// failed keeps a user dirty.
func (h *Holder) failed(uid UID, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dirty[uid] = true
	return fmt.Errorf("noting who watches %s: %w", uid, err)
}

// send writes an entry as a [jetstream.KeyValue] does, without waiting. Where the user is not wanted, it is a mark that
// the key is gone, which vanishes by itself.
func (h *Holder) send(uid UID) (jetstream.PubAckFuture, error) {
	msg := nats.NewMsg(watchSubjects + h.id + "." + EncodeToken(string(uid)))
	if msg.Data = h.entry(uid); msg.Data != nil {
		return h.bus.js.PublishMsgAsync(msg)
	}
	msg.Header.Set(operationHeader, operationOfPurge)
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	return h.bus.js.PublishMsgAsync(msg, jetstream.WithMsgTTL(markersFor))
}

// acknowledged waits for what became of a message.
func acknowledged(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// entry is what the bucket is to say of a user; nil: nothing.
func (h *Holder) entry(uid UID) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.wanted[uid]
	if w == nil {
		return nil
	}
	w.told = w.watchers
	value, _ := json.Marshal(Watch{Watchers: w.watchers}) // a number: it cannot fail
	return value
}
