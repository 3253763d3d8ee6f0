package keeper

import (
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"

	"github.com/stretchr/testify/require"
)

// TestWhoFillsACall: beside those who are due come those who are next, past half their time, and not refused just now.
func TestWhoFillsACall(t *testing.T) {
	var c calendar
	now := time.Unix(1000, 0)
	soon := now.Add(time.Hour)
	c.seat(&entry{uid: "due", half: now}, c.open(now))
	next := c.open(soon)
	for _, e := range []*entry{
		{uid: "next", half: now},
		{uid: "too early", half: soon},
		{uid: "refused", half: now, notBefore: soon},
	} {
		c.seat(e, next)
	}
	require.Equal(t, []bridge.UID{"due", "next"}, c.ripe(now))
	require.Equal(t, []bridge.UID{"due", "next", "too early", "refused"}, c.ripe(soon))
}
