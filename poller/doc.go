// Package poller asks the vendor about everybody who is watched, and writes what changed into the log.
//
// # Use
//
//	client, err := easemob.New(...)
//	p, err := poller.New(bus, client, poller.Config{Operators: []string{"svc-1"}, ID: "host-1"})
//	err = p.Run(ctx) // until ctx is done
//
// For an app that has not bought presence, the vendor is client.Online(), and Config.Nameless stands for operators.
//
// Any number of processes may run one. One of them leads, which is to say that it makes the calls; the others
// follow the log, the watch registry and the subscription ledger, and can take over at once.
//
// # What it promises
//
//   - Whatever the vendor answers or leaves out, nobody is shown in a state that they never were in, and a call
//     that fails changes nobody: TestNeverOfflineByAccident.
//   - Garbage in the log, the buckets and the hints is counted, and harms nobody: TestGarbageHarmsNobody; also where it
//     is about somebody who is watched: TestGarbageAboutOneUser. A crowd that comes at once stops nobody's looks:
//     TestACrowdJoinsTheLineInOrder, and TestTwoCrowdsBecomeOneSoon of package schedule.
//   - Two that lead at once cost calls, never correctness: TestTwoAtOnce. One that dies is taken over from within
//     the lease, and the takeover publishes no change of its own: TestTakeover. One that is stopped leaves its role
//     in peace: TestAStopLeavesTheRoleInPeace.
//   - Whoever begins to be watched gets a first message, and whoever no longer is an unwatched one, whatever was
//     in flight: TestFirstAndUnwatched, TestWhoIsUnwatchedDuringACallIsNotPublished. Those who were left behind are
//     told of before the first message of the feed: TestTheLeftBehindAreToldBeforeTheFeed; those of whom somebody
//     wrote too late, soon: TestALateWriterIsPutRight.
//   - The budget is kept, and used: calls are full while enough users are due: TestTheBudgetIsKeptAndUsed; also while
//     pollers replace each other, and where answers take seconds: TestNoSecondIsOverTheBudget.
//   - Nobody is starved, asked twice at once, or asked again too soon: TestTheLineupHoldsUnderEverything, and TestWhateverHappens of
//     package schedule, which says who is looked at when.
//   - A hint of one's own set, or about somebody who was not hinted at just now, is in the very next call, and costs
//     no more than that: TestAHintIsInTheCallThatWaitsForItsSlot, TestAHintCostsOneCall, and one that comes
//     during a call means another look: TestAHintDuringACallMeansAnotherLook. What the vendor's callbacks tell
//     starves nobody: TestAFloodOfHintsStarvesNobody. One user who flaps costs a look each Revisit, and the last one counts:
//     TestAFlappingUserIsAskedNoMoreOftenThanRevisit. What hints are good for is counted:
//     TestHintedLooksAreCounted, TestAHintFindsAChange.
//   - Users are asked for by the operator that subscribes them: TestEachIsAskedByWhoSubscribesThem. One operator
//     whom the vendor refuses, or one user for whose sake it refuses a call, holds nobody else back:
//     TestAnOperatorThatIsRefusedHoldsNobodyElseBack, TestOneUserCannotSpoilTheOthersCalls.
//     Where the vendor finds us too fast, or will not have the app, the operator or the address, no user is to blame:
//     TestOnlyWhatIsAboutACallSplitsIt, TestNobodyIsBlamedForWhatIsNotAboutThem.
//   - What was learned of how people change survives a restart, and where it is damaged it is learned anew:
//     TestARestartRemembersWhatWasLearned, TestAMemoryIsReadAsItWasWritten, TestADamagedMemoryIsNoMemory.
//   - Looks go where many watch: TestLooksGoWhereManyWatch.
//   - The feed's health tells the truth, and what to do: TestHealth, TestTheFeedTellsTheTruth.
//
// # Who owns what
//
// A term is one time of leading. All of its state, the schedule and the watch list among it, is guarded by the
// poller's one mutex, under which nothing waits for anything. One goroutine paces the calls, one is for each call
// in flight, one tells the log who is not watched any more, one reconciles, one tells the feed's health; lead
// waits for all of them. What decides is pure and has no clock: schedule, by number, and lineup, which knows the
// numbers' names; watchlist, memory and health.
//
// # Debugging
//
// [Poller.Explain] tells of one user when the vendor was asked, what it said, and when and why they are due next.
// The metrics begin with presence_bridge_poller_. They tell apart whom a person, time, or other users in the call would
// help (TestResults), and the budget from what MAX_STALENESS takes (TestFigures). The feed's reason says in words what is
// wrong.
//
// # Tests
//
// Pure parts have tables and a property test; all else runs against a real NATS server and the emulator, both in
// the process. Tests of single moments, as of an answer that is held back, have a scripted vendor.
package poller
