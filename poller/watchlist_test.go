package poller

import (
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// refusing answers every call with a 400.
func refusing(body string) *http.Client {
	return &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 400, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOldestIsTheOldest holds the heap against a search through everybody.
func TestOldestIsTheOldest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	l, uids := newWatchlist(noon), uidsFrom(0, 50)
	for range 5000 {
		uid, at := uids[rng.IntN(len(uids))], noon.Add(time.Duration(rng.IntN(1000))*time.Second)
		switch rng.IntN(5) {
		case 0:
			l.add(uid, at)
		case 1:
			l.remove(uid, at)
		case 2:
			l.verify(uid, time.Time{})
		case 3:
			l.verify(uid, at)
		default:
			l.looked(uid, at, rng.IntN(2) == 0, at)
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

func TestATurnIsOnceRoundEverybody(t *testing.T) {
	l := newWatchlist(noon)
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	look := func(uid bridge.UID, s int) { l.looked(uid, at(s), false, at(s)) }
	l.add("a", at(10)) // the first turn begins with the first user
	l.add("b", at(11)) // and takes in who comes
	look("a", 12)
	look("a", 13)
	require.Zero(t, l.turn.took)
	look("b", 14)
	require.Equal(t, 4*time.Second, l.turn.took)

	l.add("c", at(15)) // counts from the next turn
	look("b", 16)
	look("a", 17)
	require.Equal(t, 3*time.Second, l.turn.took)
	look("a", 18)
	look("b", 18)
	require.Equal(t, 3*time.Second, l.turn.took, "c is in it now")
	l.remove("c", at(19)) // whoever leaves is waited for no longer
	require.Equal(t, 2*time.Second, l.turn.took)

	l.remove("a", at(20))
	l.remove("b", at(21))
	l.add("d", at(100)) // nobody was there meanwhile
	look("d", 101)
	require.Equal(t, time.Second, l.turn.took)
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
	l := newWatchlist(noon)
	require.Zero(t, l.waiting())
	for i, uid := range []bridge.UID{"a", "b", "c"} {
		l.add(uid, noon.Add(time.Duration(i)*time.Second))
	}
	require.Equal(t, noon, l.waiting())
	l.looked("b", noon, true, noon)
	require.Equal(t, noon, l.waiting(), "who came later was asked for first")
	l.remove("a", noon)
	require.Equal(t, noon.Add(2*time.Second), l.waiting(), "b was asked for, a has left")
	l.looked("c", noon, false, noon)
	require.Zero(t, l.waiting())
}
