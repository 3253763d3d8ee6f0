package poller

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// TestOldestIsTheOldest holds the heap against a search through everybody.
func TestOldestIsTheOldest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	l, uids := newWatchlist(), uidsFrom(0, 50)
	for range 5000 {
		uid, at := uids[rng.IntN(len(uids))], noon.Add(time.Duration(rng.IntN(1000))*time.Second)
		switch rng.IntN(5) {
		case 0:
			l.add(uid, at)
		case 1:
			l.remove(uid)
		case 2:
			l.verify(uid, time.Time{})
		case 3:
			l.verify(uid, at)
		default:
			l.looked(uid, at, rng.IntN(2) == 0)
		}
		var oldest time.Time
		known, gaps := 0, 0
		for _, w := range l.users {
			if w.gap {
				gaps++
			}
			if !w.verified.IsZero() {
				known++
				if oldest.IsZero() || w.verified.Before(oldest) {
					oldest = w.verified
				}
			}
		}
		require.Equal(t, oldest, l.oldest())
		require.Len(t, l.known, known)
		require.Equal(t, gaps, l.gaps)
	}
	l.forgetAll()
	require.Zero(t, l.oldest())
}

func TestFailuresTogetherAreOne(t *testing.T) {
	tr := newTrouble()
	era := tr.era
	_, first := tr.fail(era)
	_, second := tr.fail(era)
	require.True(t, first)
	require.False(t, second)
	require.Equal(t, 1, tr.failures)
	for range 20 {
		d, ok := tr.fail(tr.era)
		require.True(t, ok)
		require.LessOrEqual(t, d, backOffCap+time.Millisecond)
		require.Positive(t, d)
	}
	tr.success()
	require.Zero(t, tr.failures)
}

func TestComplaintsAreFew(t *testing.T) {
	var text strings.Builder
	c := complaints{log: slog.New(slog.NewTextHandler(&text, nil)), what: "asking"}
	c.success(noon)
	for s := range 25 {
		c.fail(noon.Add(time.Duration(s)*time.Second), errors.New("away"))
	}
	c.success(noon.Add(25 * time.Second))
	c.success(noon.Add(26 * time.Second))
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	require.Len(t, lines, 4, "at 0, 10 and 20 s, and the recovery")
	require.Contains(t, lines[3], "failures=25 for=25s")
}

func TestConfigTellsAllThatIsWrong(t *testing.T) {
	err := Config{Operators: []string{"Svc", "svc", "no good"}, MaxStaleness: -1, Rate: -1, Revisit: -1}.Validate()
	for _, part := range []string{`names "svc" twice`, "no good", "MAX_STALENESS", "EASEMOB_RATE", "two looks", "no id"} {
		require.ErrorContains(t, err, part)
	}
	require.ErrorContains(t, Config{ID: "x"}.Validate(), "EASEMOB_OPERATORS is not set")
	require.ErrorContains(t, Config{ID: "x", Operators: []string{"a"}, MaxStaleness: 600 * time.Millisecond}.Validate(), "has to be more than 600ms")
	require.NoError(t, Config{ID: "x", Operators: []string{"a"}}.Validate())
	require.Equal(t, 120, Config{}.inFlight())
	require.Equal(t, 4, Config{Rate: 0.1}.inFlight())
	require.Equal(t, 256, Config{Rate: 1000}.inFlight())
}

func TestWhoWaitsLongestForTheFirstLook(t *testing.T) {
	l := newWatchlist()
	require.Zero(t, l.waiting())
	for i, uid := range []bridge.UID{"a", "b", "c"} {
		l.add(uid, noon.Add(time.Duration(i)*time.Second))
	}
	require.Equal(t, noon, l.waiting())
	l.looked("b", noon, true)
	require.Equal(t, noon, l.waiting(), "who came later was asked for first")
	l.remove("a")
	require.Equal(t, noon.Add(2*time.Second), l.waiting(), "b was asked for, a has left")
	l.looked("c", noon, false)
	require.Zero(t, l.waiting())
}
