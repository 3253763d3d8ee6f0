package processors

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	interval = 100 * time.Millisecond
	perTick  = 10 * time.Millisecond // Linux's USER_HZ, in which /proc/stat counts, is 100 on every machine that Go runs on
)

// following is held by the one who follows: the number is the process's.
var following sync.Mutex

// Follow keeps the number of processors in step with the work until ctx is done, and then has all of them again; it
// returns nil. Where GOMAXPROCS is set, or somebody in this process follows already, or the machine does not tell what it
// is doing, it changes nothing.
func Follow(ctx context.Context) error {
	if os.Getenv("GOMAXPROCS") == "" && following.TryLock() {
		defer following.Unlock()
		follow(ctx, runtime.GOMAXPROCS(0))
	}
	<-ctx.Done()
	return nil
}

// follow returns when ctx is done, or nothing can be read.
func follow(ctx context.Context, most int) {
	defer runtime.GOMAXPROCS(most)
	g := &governor{now: 1, most: most}
	runtime.GOMAXPROCS(g.now)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for before := (reading{}); ; {
		now, err := before.next(g.now)
		if err != nil {
			return
		}
		if had, want := g.now, g.next(now.since(before)); want != had {
			runtime.GOMAXPROCS(want)
		}
		before = now
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reading is what has been spent up to a moment.
type reading struct {
	at   time.Time
	used time.Duration // by this process
	idle time.Duration // by nobody, of all processors of the machine; 0: it was not asked for
}

// next reads anew. What is idle is of interest only while n processors are full, and dear to ask a large machine for.
func (r reading) next(n int) (reading, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return reading{}, fmt.Errorf("asking what this process has used: %w", err)
	}
	now := reading{at: time.Now(), used: time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	if used, _ := now.since(r); used < full*float64(n) {
		return now, nil
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return reading{}, err
	}
	ticks, err := idleTicks(stat)
	now.idle = time.Duration(ticks) * perTick
	return now, err
}

// since is how many processors this process has used, and how many were idle as far as both readings tell, from one
// reading to another. Before the first there was nothing.
func (r reading) since(before reading) (used, idle float64) {
	past := r.at.Sub(before.at).Seconds()
	if r.idle > 0 && before.idle > 0 {
		idle = (r.idle - before.idle).Seconds() / past
	}
	return (r.used - before.used).Seconds() / past, idle
}

// idleTicks reads the first line of /proc/stat: cpu user nice system idle ...
func idleTicks(stat []byte) (uint64, error) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 5 || string(fields[0]) != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %.80q", line)
	}
	return strconv.ParseUint(string(fields[4]), 10, 64)
}
