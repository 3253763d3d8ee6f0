package bridge

import (
	"hash/fnv"
	"io"
)

// Lot is what a candidate draws for a user: the operator with the highest lot is the user's, so that an operator
// more takes only its own share and moves nobody else (rendezvous hashing). It is the same in every process and
// version, and even over all candidates.
func Lot(uid UID, candidate string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, string(uid))
	_, _ = h.Write([]byte{0}) // in no user id, so that no two pairs read alike
	_, _ = io.WriteString(h, candidate)
	return mix(h.Sum64())
}

// mix makes every bit depend on every other (the finalizer of MurmurHash3): FNV alone leaves names that differ
// in their last letter close together.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
