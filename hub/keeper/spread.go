package keeper

import (
	"strconv"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// fraction is a number in [0, 1) that belongs to one subscription: it spreads renewals of what was subscribed
// together, and is the same for whoever computes it.
func fraction(uid bridge.UID, until time.Time) float64 {
	return float64(bridge.Lot(uid, strconv.FormatInt(until.Unix(), 10))>>11) / (1 << 53)
}
