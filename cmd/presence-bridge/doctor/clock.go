package doctor

import (
	"net/http"
	"sync"
	"time"
)

// clockTolerance is how far a clock may be from ours without a word.
const clockTolerance = 2 * time.Second

// offset is how far another's clock is ahead of ours: somewhere from least to most.
type offset struct {
	least, most time.Duration
	known       bool
}

// narrow takes a measurement more into account. One that contradicts those before tells of a clock that jumped, or
// of an answer out of a cache, and is left out.
func (o offset) narrow(least, most time.Duration) offset {
	if !o.known {
		return offset{least, most, true}
	}
	if least > o.most || most < o.least {
		return o
	}
	return offset{max(o.least, least), min(o.most, most), true}
}

// tellClock says whether two clocks agree, as far as the road lets us see.
func (f *findings) tellClock(check, whose string, o offset) {
	switch {
	case !o.known:
		f.skip(check, "not checked: no answer said what time it is")
	case o.least > clockTolerance:
		f.fail(check, "keep this machine's clock right, with chrony or systemd-timesyncd", "ours is %s behind %s", between(o.least, o.most), whose)
	case o.most < -clockTolerance:
		f.fail(check, "keep this machine's clock right, with chrony or systemd-timesyncd", "ours is %s ahead of %s", between(-o.most, -o.least), whose)
	case o.least >= -clockTolerance && o.most <= clockTolerance:
		f.fine(check, "ours and %s agree within 2 s", whose)
	default:
		f.warn(check, "try again on a faster road", "answers take too long to compare ours with %s: it is between %s and %s off", whose, inWords(o.least), inWords(o.most))
	}
}

// dates compares clocks by the Date of answers, which is cut to the second: what reads 12:00:05 was written
// somewhere in that second, and between our request and our getting it.
type dates struct {
	mu    sync.Mutex
	found offset
}

func (d *dates) offset() offset {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.found
}

func (d *dates) note(asked, answered time.Time, h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found = d.found.narrow(date.Sub(answered), date.Add(time.Second).Sub(asked))
}

// dated is a transport that notes the date of each answer.
type dated struct {
	http.RoundTripper
	dates *dates
}

func (t dated) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := time.Now()
	answer, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		t.dates.note(asked, time.Now(), answer.Header)
	}
	return answer, err
}
