// Package fanout measures what it costs a hub to tell many clients of one change, beside what that costs at least. It
// has nothing to import: it is tests and benchmarks, for Linux. Elsewhere there is nothing of it: its floor and its
// client are made of epoll.
//
// # Measuring the fan-out
//
// Everything, in about six minutes, and then as many idle connections as 20,000 files allow:
//
//	go test -v -run xxx -bench . ./hub/fanout
//	go test -v -run xxx -bench Idle ./hub/fanout -fanout.idle 19800 -fanout.rounds 1 -fanout.idlefor 15s
//
// One of W1, W2, Connect, Idle and Stopped alone is -bench W2. The sizes are flags that come after the package; these are the
// defaults:
//
//	-fanout.conns 5000     connections of W1, W2 and Connect
//	-fanout.idle 5000      connections of Idle
//	-fanout.rounds 3       floor and hub in turns, so many times
//	-fanout.duration 3s    of each load
//	-fanout.settle 2s      between connecting to a hub and its load, in which it tells NATS whom it watches
//	-fanout.idlefor 5s     until the memory of idle connections is read
//
// Give it a machine on which nothing else runs, and as many open files as connections and 200 more (ulimit -Hn). With
// -v each load of each round is logged. FANOUT_PROFILE=/tmp/hub.pprof keeps the processor profile of the last hub.
//
// # What is measured
//
// The hub is the real one, behind its real Serve, without tokens, in a process of its own, on as many processors as it
// fills (package processors). It is fed by a NATS server in another, whose stream is in memory. The floor is a process
// with one loop over one epoll, to which the same messages of the same size are handed ready: it writes a frame, built
// once, to everybody who watches, with one write(2) a client and message. The coalescing floor writes once a client for
// all that waits when it looks, as the hub does. Both answer real handshakes. All are started anew in each round.
//
// The clients are one thread of the test's own process, over loopback, with no goroutine a connection. They look each
// 500 µs and never block, for else whoever writes to a client would be charged for waking it. A delivery is one state
// that one client gets. It is known by the text of the user, in which the publisher puts the time: from there latency
// is counted, so that NATS and the log are in the hub's and not in the floor's.
//
//   - BenchmarkW1: one user whom all watch, 10 changes a second.
//   - BenchmarkW2: each client watches 100 of 10,000 users, drawn by lot, the same lot in each run. 500 changes a
//     second for the cost; 1,000, which at 5,000 clients are 50,000 deliveries a second, for the latency; then as many
//     as are delivered, with at most 16 deliveries a client under way. All users change once before one changes again,
//     as a hub tells the newest state alone.
//   - BenchmarkConnect: clients who connect and subscribe to 100 users, 128 at a time, from the handshake's first byte
//     to the answer of the subscribe. The log is empty. A tenth of the clients are there before.
//   - BenchmarkIdle: clients of 20 users to whom nothing happens.
//   - BenchmarkStopped: W2 with 1,000 changes a second, of whose clients one in fifty stops reading. Measured is from when
//     the sockets of all who stopped are full, which the states of a user whom they alone watch see to, until they read on.
//
// # How to read it
//
// What is reported is the median of the rounds; the log has each.
//
//   - µs/delivery: the hub's processor time, its own and the kernel's for it, from /proc. On loopback the kernel does
//     the receiver's part of TCP in the sender's write, for hub and floor alike.
//   - x-floor: how many times the floor's, in the same round: the figure to hold against other machines and against
//     another day. In Connect it is connections a second, and 1 is the best that can be.
//   - p99-ms and p99-x-floor: at 1,000 changes a second. The grain is 500 µs, and a bucket has 3 in 100.
//   - saturated/s and saturated-x-floor: deliveries a second, and how many times the coalescing floor's. Latency in
//     this load is queueing by design.
//   - conns/s and µs/conn: of the storm. NATS, and the client, have their part of the same processors.
//   - KB/conn: what the hub's resident memory has grown by, a connection; KB/conn-collected after a collection that
//     gives back what it can. What the process takes at all is divided too: more connections give the truer figure.
//   - goroutines/conn: likewise.
//   - p99-x-before, MiB-more, s-until-right: the others' latency while some do not read, how many times what it was; what
//     the hub's memory grew by meanwhile; and from when they read on, how long until the last of them had been told the
//     newest of everybody it watches.
//
// Where hub, NATS and clients share two processors, give a NATS server of its own one of them: with GOMAXPROCS=1 it hands
// less over between threads, and the saturated ratio was 0.77 in place of 0.73 (medians of eight and ten rounds).
//
// A load whose deliveries do not all arrive is an error. Trust a ratio to a tenth at most, and only where the rounds
// agree so well: where they do not, something else ran.
//
// # Promises
//
// What is counted is what arrived, all of it: TestHarnessCounts, TestHarnessCountsWhatComesInPieces,
// TestDeliveriesCutAnywhere, TestHistogram. What does not arrive is missed: TestHarnessNoticesWhatIsMissing.
//
// # Concurrency
//
// A crowd of clients is one thread, which stop waits for. Children end with the standard input that their parent
// holds, and so with their parent.
package fanout
