package processors

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// followed runs Follow until the test is over.
func followed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = Follow(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

func processors() int { return runtime.GOMAXPROCS(0) }

// TestAllAreThereAgain when the work that was followed is over.
func TestAllAreThereAgain(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	before := processors()
	t.Run("followed", func(t *testing.T) {
		followed(t)
		require.Eventually(t, func() bool { return processors() == 1 }, 30*time.Second, time.Millisecond)
	})
	require.Equal(t, before, processors())
}

func TestWhoSetsGOMAXPROCSIsObeyed(t *testing.T) {
	t.Setenv("GOMAXPROCS", "2")
	before, spent := processors(), reading{}
	followed(t)
	for start, err := read(); spent.at.Sub(start.at) < 2*interval; spent, err = read() {
		require.NoError(t, err)
		require.Equal(t, before, processors())
	}
}

// TestWhatIsUsedIsRead: one who computes is seen.
func TestWhatIsUsedIsRead(t *testing.T) {
	before, err := read()
	require.NoError(t, err)
	for {
		now, err := read()
		require.NoError(t, err)
		if used, idle := now.since(before); now.at.Sub(before.at) > interval && used > 0 {
			require.LessOrEqual(t, used, float64(2*runtime.NumCPU()))
			require.LessOrEqual(t, idle, float64(2*runtime.NumCPU()))
			return
		}
	}
}

func TestWhatIsNoStatIsRefused(t *testing.T) {
	for _, stat := range []string{"", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5\n", "cpu 1 2 3 many\n"} {
		_, err := idleTicks([]byte(stat))
		require.Error(t, err, stat)
	}
	ticks, err := idleTicks([]byte("cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0\ncpu0 1 2\n"))
	require.NoError(t, err)
	require.EqualValues(t, 46828483, ticks)
}
