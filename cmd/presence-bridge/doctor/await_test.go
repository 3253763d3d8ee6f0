package doctor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLongLooksAreTold, and short ones are silent.
func TestLongLooksAreTold(t *testing.T) {
	for takes, want := range map[time.Duration][]string{slow / 2: nil, 2 * slow: {"NATS"}} {
		synctest.Test(t, func(t *testing.T) {
			end := make(chan []Finding, 1)
			time.AfterFunc(takes, func() { end <- []Finding{{Check: "nats"}} })
			var told []string
			p := Plan{Waiting: func(whom string) { told = append(told, whom) }}
			require.Len(t, p.await(end, "NATS"), 1)
			require.Equal(t, want, told)
		})
	}
}
