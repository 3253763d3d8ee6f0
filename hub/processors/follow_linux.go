package processors

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const (
	interval = 100 * time.Millisecond
	perTick  = 10 * time.Millisecond // Linux's USER_HZ, in which /proc/stat counts, is 100 on every machine that Go runs on
)

// Follow keeps the number of processors in step with the work until ctx is done, and then has all of them again; it
// returns nil. Where GOMAXPROCS is set, or the machine does not tell what it is doing, it changes nothing.
func Follow(ctx context.Context) error {
	if os.Getenv("GOMAXPROCS") == "" {
		follow(ctx, runtime.GOMAXPROCS(0))
	}
	<-ctx.Done()
	return nil
}

// follow returns when ctx is done, or nothing can be read.
func follow(ctx context.Context, most int) {
	before, err := read()
	if err != nil {
		return
	}
	defer runtime.GOMAXPROCS(most)
	g := &governor{now: 1, most: most}
	runtime.GOMAXPROCS(g.now)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := read()
		if err != nil {
			return
		}
		if had, want := g.now, g.next(now.since(before)); want != had {
			runtime.GOMAXPROCS(want)
		}
		before = now
	}
}

// reading is what has been spent up to a moment.
type reading struct {
	at   time.Time
	used time.Duration // by this process
	idle time.Duration // by nobody, of all processors of the machine
}

func read() (reading, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return reading{}, fmt.Errorf("asking what this process has used: %w", err)
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return reading{}, err
	}
	idle, err := idleTicks(stat)
	return reading{
		at: time.Now(), used: time.Duration(u.Utime.Nano() + u.Stime.Nano()), idle: time.Duration(idle) * perTick,
	}, err
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

// since is how many processors this process has used, and how many were idle, from one reading to another.
func (r reading) since(before reading) (used, idle float64) {
	past := r.at.Sub(before.at).Seconds()
	return (r.used - before.used).Seconds() / past, (r.idle - before.idle).Seconds() / past
}
