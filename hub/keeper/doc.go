// Package keeper holds the vendor's subscriptions of everybody who is watched: it subscribes, renews and
// releases them, and finds out what the vendor dropped without a word.
//
// # Shape
//
// The plan is [book]: who is wanted, who is subscribed by which operator until when, and which call comes
// next. It has no goroutine, no clock and no network. Around it runs one loop, [Keeper.lead], in the one
// process that has the role of the keeper: it hears from the registry who is watched, makes the calls one at
// a time (fresh subscriptions first, then renewals, releases and lists), and writes the ledger after each.
// Nothing but the [inbox] is shared between goroutines.
//
// A [Keeper] is made by [New], which starts nothing, and run by [Keeper.Run], which blocks. Its [Keeper.Journal]
// has to be passed to whoever follows the log.
//
// Operators belong to one bridge alone: what their lists hold and nobody here wants is released.
//
// # Promises
//
//   - Whoever is watched is subscribed, lifetime after lifetime, also where calls fail: TestManyLifetimes,
//     TestRandomWalks.
//   - No operator is made to carry more than its capacity, beyond which the vendor pushes others out. Who finds
//     no room goes without until there is some, and it is said: TestCapacity, TestOverCapacity.
//   - Users stay with their operator when others are added; those of one that is removed are taken over at
//     once: TestSpread, TestOperatorAdded, TestOperatorRemoved.
//   - A burst of newcomers makes full calls: TestBurstMakesFullCalls. Renewals fall between half and two thirds
//     of the lifetime, in full calls spread over the hours: TestRenewalsAreLevel.
//   - A restart or a failover subscribes nobody who is subscribed: TestRestart, TestRestartCostsNothing,
//     TestRoleLostMidway, TestLastCallIsWrittenDown. With the ledger lost, the vendor's lists put it right:
//     TestLedgerLost.
//   - What the vendor dropped is back within one reconciliation: TestSilentEviction. A list that lags is never
//     believed about what is younger than its lag: TestReconcile.
//   - Nobody is released before they have gone unwatched for the whole linger: TestLinger, TestLingerAndRelease.
//   - The answer to a subscribe is told to the log as what it is, an observation of the moment before the call;
//     who is missing in it is unknown, not offline: TestAnswerIsObserved, TestMissingIsNoObservation.
//   - Failures that pass are tried again ever more slowly (TestBackOff, TestThrottled); what only a person can
//     cure is logged with what to do, and tried once a minute (TestNotSwitchedOn); one user whom the vendor
//     refuses spoils nobody else's call (TestOneBadUser, TestBadRenewal, TestEverythingRefused).
//   - An outage of the ledger stops no call, and nothing is forgotten meanwhile: TestLedgerAway.
//
// # Debugging
//
// The metrics presence_bridge_keeper_* tell who leads, how many each operator subscribes, how many users go without,
// and how calls end. The ledger (nats kv get presence_subscriptions <uid>) tells who subscribes a user until
// when. Refused calls are logged at debug level while the user who is why is being looked for.
//
// # Testing
//
// The book is walked at random against a vendor in memory, and held to what it says of itself after every
// call. The loop runs under testing/synctest with the real client and the real emulator, among fakes for NATS;
// TestLedger holds the fake ledger to what the real one does. TestWithRealParts has everything real.
package keeper
