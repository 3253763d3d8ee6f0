package keeper

import (
	"slices"
	"sort"
	"time"
)

const (
	choices = 16 // times that are weighed for a renewal call to come
	nearby  = 8  // what is near is a span's eighth away at most
)

// forecast is the renewal calls of all operators that are planned around some time, in their order. It is what
// keeps them level: no span of a given length is to hold more than others.
type forecast struct {
	span  time.Duration
	calls []forecastCall
}

type forecastCall struct {
	at    time.Time
	users int
	span  int // users in the span that this call begins
}

// forecast looks at what is planned between two times, and a span to either side.
func (b *book) forecast(first, last time.Time, span time.Duration) forecast {
	f := forecast{span: span}
	for _, op := range b.operators {
		slots := op.calendar.slots
		for i := op.calendar.after(first.Add(-span)); i < len(slots) && slots[i].at.Before(last.Add(span)); i++ {
			f.calls = append(f.calls, forecastCall{at: slots[i].at, users: len(slots[i].users)})
		}
	}
	slices.SortFunc(f.calls, func(x, y forecastCall) int { return x.at.Compare(y.at) })
	end, users := 0, 0
	for i := range f.calls {
		for ; end < len(f.calls) && f.calls[end].at.Sub(f.calls[i].at) < span; end++ {
			users += f.calls[end].users
		}
		f.calls[i].span = users
		users -= f.calls[i].users
	}
	return f
}

// quietest is a time between two with the fewest renewals in the worst of the spans around it, as far from other
// calls as can be.
func (f forecast) quietest(first, last time.Time, jitter func(time.Duration) time.Duration) (quietest time.Time) {
	least, step := -1.0, last.Sub(first)/choices
	for i := range choices {
		from := first.Add(time.Duration(i) * step)
		at := f.clearest(from, from.Add(step), jitter)
		if crowd := f.crowd(at); least < 0 || crowd < least {
			least, quietest = crowd, at
		}
	}
	return quietest
}

// clearest is the time between two that is farthest from any call, give or take an eighth of what is between its
// neighbours.
func (f forecast) clearest(first, last time.Time, jitter func(time.Duration) time.Duration) (clearest time.Time) {
	width, air := last.Sub(first), time.Duration(-1)
	i := sort.Search(len(f.calls), func(i int) bool { return !f.calls[i].at.Before(first) })
	before := first.Add(-width)
	if i > 0 {
		before = later(before, f.calls[i-1].at)
	}
	for ; i <= len(f.calls) && !before.After(last); i++ {
		after := last.Add(width)
		if i < len(f.calls) {
			after = earlier(after, f.calls[i].at)
		}
		gap := after.Sub(before)
		at := earlier(later(before.Add(gap*3/8+jitter(gap/4)), first), last)
		if a := min(at.Sub(before), after.Sub(at)); a > air {
			air, clearest = a, at
		}
		before = after
	}
	return clearest
}

// crowd is how many renewals the worst of the spans holds that hold a time. Of those that are alike, the one
// with fewer nearby is less of a crowd.
func (f forecast) crowd(at time.Time) float64 {
	worst, after, near := 0, 0, 0.0
	for _, c := range f.calls {
		off := c.at.Sub(at)
		if off.Abs() >= f.span {
			continue
		}
		if off <= 0 {
			worst = max(worst, c.span)
		} else {
			after += c.users
		}
		near += float64(c.users) * max(0, 1-nearby*float64(off.Abs())/float64(f.span))
	}
	return float64(max(worst, after)) + near
}
