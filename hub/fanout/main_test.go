//go:build linux

package fanout

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	conns    = flag.Int("fanout.conns", 5000, "connections of W1, W2 and of the storm")
	idle     = flag.Int("fanout.idle", 5000, "connections that idle; 19800 need 20000 files a process")
	rounds   = flag.Int("fanout.rounds", 3, "how often the floor and the hub are measured, in turns; medians are told")
	duration = flag.Duration("fanout.duration", 3*time.Second, "of each load")
	settle   = flag.Duration("fanout.settle", 2*time.Second, "between connecting to a hub and its load")
	idleFor  = flag.Duration("fanout.idlefor", 5*time.Second, "until an idle connection's memory is read")
)

// profileVariable names a file for the processor profile of a hub; its parent passes its own environment on.
const profileVariable = "FANOUT_PROFILE"

// roleVariable makes the test's own binary one of the processes that are measured, or the NATS server.
const roleVariable = "FANOUT_ROLE"

// roles are what a child can be. A role serves until ctx is done, and says where it does.
var roles = map[string]func(ctx context.Context, at func(addresses ...any)) error{
	"nats":  serveNATS,
	"hub":   serveHub,
	"floor": serveFloor,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	goleak.VerifyTestMain(m)
}

// play is a child's whole life, which ends with its standard input: so it outlives nobody.
func play(role string) int {
	ctx, cancel := context.WithCancel(context.Background())
	go obey(os.Stdin, cancel) // waits for what ends the process
	defer profile(role)()
	err := roles[role](ctx, func(addresses ...any) { fmt.Println(addresses...) })
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		return 1
	}
	return 0
}

// profile profiles a hub until stop, where somebody wants it. The last hub's profile stays.
func profile(role string) (stop func()) {
	path := os.Getenv(profileVariable)
	if role != "hub" || path == "" {
		return func() {}
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profiling:", err)
	}
	return pprof.StopCPUProfile
}

// obey answers what the parent asks, until there is no parent any more.
func obey(orders io.Reader, end func()) {
	defer end()
	for lines := bufio.NewScanner(orders); lines.Scan(); {
		fmt.Println(answer(lines.Text()))
	}
}
