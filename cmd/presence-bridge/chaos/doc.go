// Package chaos does to the bridge, all at once and under a seed, whatever can be done to it from outside, and
// then holds the whole log against the vendor's own history. It has no code of its own.
//
// The emulator runs in the test; two pollers and a NATS server with its store on disk are processes of their own, each
// poller behind links to both that can be cut or stalled. The binaries are the real ones, save that a poller's clock
// is off: package time is built with an overlay that adds CLOCK_SKEW_S seconds to it, so that the product needs no
// seam for it. The first such build takes a minute or two, since everything rests on that package.
//
//	build_test.go      the binaries
//	process_test.go    a process: what it says, how it ends, whether it is stopped
//	poller_test.go     a poller that is started again whenever it ends
//	nats_test.go       the NATS server and its store
//	link_test.go       a link that can be cut or stalled
//	world_test.go      all of it together
//	watch_test.go      who is watched, since when and until when
//	recorder_test.go   every message of the log, also of what was lost again
//	plan_test.go       which faults, when and to whom, from a seed
//	faults_test.go     what each fault does, and the proof that it fired
//	audit_test.go      what may be in the log
//	lies_test.go       that the audit finds every kind of lie
//
// The test prints its seed; CHAOS_SEED=n takes another, and CHAOS_ROUNDS=n makes it longer. A seed is a plan: what the
// processes make of it is new each time. It runs on Linux, which can tell that a process is stopped.
//
// What is promised of the log is in the package bridge; this is the test that holds all of it at once: TestChaos. That
// its audit finds every kind of lie: TestLiesAreFound.
package chaos
