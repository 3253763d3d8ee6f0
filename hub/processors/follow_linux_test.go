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
	changesNothing(t)
}

// TestOneFollows: a second one, who would take what the first has left for all there are, changes nothing.
func TestOneFollows(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	following.Lock() // as the first does
	defer following.Unlock()
	changesNothing(t)
}

// changesNothing holds that Follow does, for longer than it would take.
func changesNothing(t *testing.T) {
	before := processors()
	followed(t)
	for end := time.Now().Add(2 * interval); time.Now().Before(end); runtime.Gosched() {
		require.Equal(t, before, processors())
	}
}

// TestWhatIsUsedIsRead: one who computes is seen, and then what is idle is asked for.
func TestWhatIsUsedIsRead(t *testing.T) {
	var before reading
	require.Eventually(t, func() bool {
		busyFor(interval)
		now, err := before.next(1000)
		require.NoError(t, err)
		require.Zero(t, now.idle, "nobody asked")
		used, _ := now.since(before)
		before = now
		return used > 0.05
	}, 30*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		busyFor(interval)
		now, err := before.next(0)
		require.NoError(t, err)
		_, idle := now.since(before)
		known := before.idle > 0
		before = now
		return known && idle >= 0 && idle <= float64(2*runtime.NumCPU())
	}, 30*time.Second, time.Millisecond)
}

func busyFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
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
