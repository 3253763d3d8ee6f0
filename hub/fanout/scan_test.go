//go:build linux

package fanout

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A delivery is one state that one client gets. It is known by the user's text, which holds when it was published: a
// mark, and 19 digits of Unix nanoseconds.
const (
	mark     = `"ext":"@`
	digits   = 19
	delivery = len(mark) + digits
)

func stamp(t time.Time) string { return fmt.Sprintf("@%0*d", digits, t.UnixNano()) }

// deliveries calls got for each delivery in data, with when it was published, and returns how many bytes at the end
// may be a delivery's beginning: they have to be there again, before what comes next.
func deliveries(data []byte, got func(published int64)) (keep int) {
	for {
		i := bytes.Index(data, []byte(mark))
		if i < 0 {
			return min(len(data), len(mark)-1)
		}
		if len(data) < i+delivery {
			return len(data) - i
		}
		got(number(data[i+len(mark) : i+delivery]))
		data = data[i+delivery:]
	}
}

// number reads digits, and nothing else is there: strconv would cost a string each.
func number(b []byte) (n int64) {
	for _, d := range b {
		n = n*10 + int64(d-'0')
	}
	return n
}

// histogram counts durations in microseconds, to 3 in 100. Its size is fixed, so that a delivery costs the client no
// memory.
type histogram struct {
	counts [64 * perOctave]uint32
	total  uint64
}

const perOctave = 32

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(d.Microseconds(), 0)))]++
	h.total++
}

func bucket(us uint64) int {
	if us < perOctave {
		return int(us)
	}
	octave := bits.Len64(us) - bits.Len64(perOctave) // how often us is halved to have as many bits as perOctave
	return octave*perOctave + int(us>>octave)
}

// quantile is the q-th part's bound in milliseconds, 0 where nothing was counted.
func (h *histogram) quantile(q float64) float64 {
	left := uint64(math.Ceil(q * float64(h.total)))
	for i, n := range h.counts {
		if uint64(n) >= left {
			return float64(floorOf(i)) / 1000
		}
		left -= uint64(n)
	}
	return 0
}

// floorOf is the least that is counted in a bucket.
func floorOf(i int) uint64 {
	if i < 2*perOctave {
		return uint64(i)
	}
	octave := i/perOctave - 1
	return uint64(i-octave*perOctave) << octave
}

func TestDeliveriesCutAnywhere(t *testing.T) {
	const first, second = 1234567890123456789, 1000000000000000002
	text := fmt.Sprintf(`x{"ext":"y"}{"ext":"@%d","z":1},{"ext":"@%d"}`, int64(first), int64(second))
	for cut := range len(text) {
		var got []int64
		note := func(at int64) { got = append(got, at) }
		keep := deliveries([]byte(text[:cut]), note)
		require.Less(t, keep, delivery)
		deliveries([]byte(text[cut-keep:]), note)
		require.Equal(t, []int64{first, second}, got, "cut at %d", cut)
	}
	require.Equal(t, mark+strconv.Itoa(first), strings.TrimSuffix(`"ext":"`+stamp(time.Unix(0, first)), `"`))
}

func TestHistogram(t *testing.T) {
	var h histogram
	require.Zero(t, h.quantile(0.99))
	for us := range 100_000 {
		h.add(time.Duration(us) * time.Microsecond)
	}
	require.InEpsilon(t, 50, h.quantile(0.5), 0.04)
	require.InEpsilon(t, 99, h.quantile(0.99), 0.04)
	for us := range uint64(1 << 20) {
		if least := floorOf(bucket(us)); least > us || (us-least)*perOctave > us {
			t.Fatalf("%d is counted as %d", us, least)
		}
	}
}
