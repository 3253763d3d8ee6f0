package keeper

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"

	"github.com/stretchr/testify/require"
)

// TestALongWalkShowsProgress: an operator's list of five pages, at a vendor that takes a second over each call and at
// one that takes none.
func TestALongWalkShowsProgress(t *testing.T) {
	for latency, want := range map[time.Duration][]string{
		0: nil,
		time.Second: {
			`msg="reading an operator's subscriptions at the vendor" operator=op-1 users=200 of=500`,
			`msg="reading an operator's subscriptions at the vendor" operator=op-1 users=400 of=500`,
			`msg="reading an operator's subscriptions at the vendor" operator=op-1 users=500 of=500`,
			`msg="an operator's subscriptions have been read" operator=op-1 users=500 took=6s`,
		},
	} {
		t.Run(latency.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, emulator.Options{MaxPageSize: 100, Users: -1}, Config{Operators: operators(1)})
				s.watchers.watch(people("user", 500)...)
				s.start()
				time.Sleep(time.Minute)
				require.NoError(t, s.emu.SetFaults(emulator.Faults{LatencyMS: int(latency.Milliseconds())}))
				time.Sleep(s.config.withDefaults().Reconcile)
				s.stop()
				require.Equal(t, latency > 0, s.emu.FaultsFired().Latency > 0)
				require.GreaterOrEqual(t, s.emu.Stats().Calls["sublist"], 2*5, "there was a walk")
				require.Equal(t, want, s.logs.walks())
			})
		})
	}
}

// walks are the lines about walks, without their beginnings.
func (l *logs) walks() (lines []string) {
	for _, line := range l.lines {
		if strings.Contains(line, "operator's subscriptions") {
			lines = append(lines, regexp.MustCompile(`msg=.*`).FindString(line))
		}
	}
	return lines
}
