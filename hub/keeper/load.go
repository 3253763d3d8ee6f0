package keeper

import (
	"maps"
	"slices"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// load takes over what an earlier keeper has written down, and who is watched. What is written down and valid
// stays as it is and costs nothing. Lines about operators that are not ours are left alone: whoever is wanted
// gets one of ours. Those about ours that do not hold are taken out.
func (b *book) load(lines map[bridge.UID]bridge.Subscription, wanted []bridge.UID, now time.Time) {
	isWanted := make(map[bridge.UID]bool, len(wanted))
	for _, uid := range wanted {
		isWanted[uid] = true
	}
	for _, e := range b.known(lines, now) {
		b.move(e, leaving, e.op)
		if isWanted[e.uid] {
			b.want(e.uid, now)
		}
	}
	for _, uid := range slices.Sorted(slices.Values(wanted)) {
		b.want(uid, now)
	}
	for uid, line := range lines {
		if _, ok := b.subscription(uid); !ok && b.byName[line.Operator] != nil {
			b.dirty[uid] = struct{}{}
		}
	}
}

// known are the lines that hold, those of one call side by side, so that they are renewed by one again.
func (b *book) known(lines map[bridge.UID]bridge.Subscription, now time.Time) (known []*entry) {
	for _, uid := range slices.Sorted(maps.Keys(lines)) {
		op := b.byName[lines[uid].Operator]
		if op == nil || op.name == string(uid) {
			continue
		}
		from, until := b.span(lines[uid], now)
		if !until.After(now) || until.Sub(now) > easemob.MaxTTL+clockSkew {
			continue
		}
		e := &entry{uid: uid, op: op, releaseAt: now.Add(b.config.Linger)}
		e.runs(from, until)
		known = append(known, e)
	}
	slices.SortStableFunc(known, func(x, y *entry) int { return x.until.Compare(y.until) })
	return known
}

// clockSkew is how far the vendor's clock may be ahead of ours before a line that was written by it is nonsense.
const clockSkew = 24 * time.Hour

// span is from when until when a line says that a subscription lasts. An older line says only until when.
func (b *book) span(line bridge.Subscription, now time.Time) (from, until time.Time) {
	from, until = time.UnixMilli(line.Since), time.UnixMilli(line.Until)
	if line.Since <= 0 || from.After(now) || !from.Before(until) {
		from = until.Add(-b.config.TTL)
	}
	return from, until
}
