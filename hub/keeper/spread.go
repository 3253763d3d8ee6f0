package keeper

import (
	"hash/fnv"
	"io"
	"strconv"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// score says how well an operator suits a user: the highest one wins (rendezvous hashing), so an operator more
// takes only its own share and moves nobody else. It must be the same in every process and version.
func score(uid bridge.UID, operator string) uint64 { return hash(string(uid), operator) }

// fraction is a number in [0, 1) that belongs to one subscription: it spreads renewals of what was subscribed
// together, and is the same for whoever computes it.
func fraction(uid bridge.UID, until time.Time) float64 {
	return float64(hash(string(uid), strconv.FormatInt(until.Unix(), 10))>>11) / (1 << 53)
}

func hash(a, b string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, a)
	_, _ = h.Write([]byte{0}) // in no user id, so that no two pairs read alike
	_, _ = io.WriteString(h, b)
	return mix(h.Sum64())
}

// mix makes every bit depend on every other (the finalizer of MurmurHash3): FNV alone leaves names that differ
// in their last letter close together.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
