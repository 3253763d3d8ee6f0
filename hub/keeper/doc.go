// Package keeper holds the vendor's subscriptions of everybody who is watched: it subscribes, renews and
// releases them, and finds out what the vendor dropped without a word.
//
// # Shape
//
// The plan is [book]: who is wanted, who is subscribed by which operator until when, and which call comes
// next. It has no goroutine, no clock and no network. Around it runs one loop, [Keeper.lead], in the one
// process that has the role of the keeper: it hears from the registry who is watched, makes the calls one at
// a time (fresh subscriptions first, then renewals, releases and lists), and writes the ledger after each.
// Nothing but the [inbox] is shared between goroutines. Renewals are planned ahead, in the [calendar] of their
// operator, as calls to come; the [forecast] over all operators says when one more is least in the way.
//
// A [Keeper] is made by [New], which starts nothing, and run by [Keeper.Run], which blocks. Its [Keeper.Journal]
// has to be passed to whoever follows the log.
//
// Operators belong to one bridge alone: what their lists hold and nobody here wants is released.
//
// # Promises
//
// Bounds hold whenever a keeper runs and the vendor answers; an outage, or a refusal, comes on top of them. To
// retry is what a call costs that fails and is made again, five minutes at the very most where one in five fails. A
// keeper that ends before it has asked for its first lists leaves it to the next one.
//
//   - Whoever is watched and finds room is subscribed, lifetime after lifetime: who comes, within a moment; who was
//     dropped, evicted or pushed out without a word, within one reconciliation, one settle time for each operator
//     and one more, and a retry: TestNinetyDays, TestDaysAtTheEmulator, TestManyLifetimes, TestRandomWalks,
//     TestSilentEviction, TestPushedOutByOthers.
//   - Nobody is subscribed whom nobody watches for longer than that and the linger; nobody is released before they
//     have gone unwatched for the whole linger, nor twice: TestNinetyDays, TestDaysAtTheEmulator, TestLinger,
//     TestLingerAndRelease.
//   - A call is worth it: nobody is subscribed who is, released who is not, or renewed outside half and two thirds
//     of the lifetime. Users who come due within one tick share a call, up to a hundred; a tick is a quarter of a
//     second for newcomers, a second for releases, and a 24th of the lifetime for renewals, for each operator. No
//     more than 1.2 times as many calls are made: TestNinetyDays, TestBurstMakesFullCalls, TestRenewalsAreLevel.
//   - Renewals are level. Seven lifetimes after a burst no minute, and no twelfth of a lifetime, has more than one and
//     a half times the mean of users renewed, give or take one call: with 24 hours and thirty thousand users that is
//     one call in a minute, and 4,800 users where 3,900 are the mean of two hours. Before that they are spread as far
//     as half to two thirds of a lifetime allows: TestRenewalsAreLevel, TestRenewalsAreLevelByTheMinute,
//     TestNinetyDays.
//   - No operator is made to carry more than its capacity, beyond which the vendor pushes others out. Who finds
//     no room goes without until there is some, and it is said: TestCapacity, TestOverCapacity, TestMetrics.
//   - Users stay with their operator when others come; those of one that goes are taken over at once, and nobody
//     else moves. Where nothing is known, one more moves its fair share: TestOperatorsComeAndGo, TestSpread,
//     TestOperatorAdded, TestOperatorRemoved.
//   - A start is as level as the client: thirty thousand users and ten full operators bring the vendor to refuse no
//     call, and lists are walked through one after another: TestStartIsLevel.
//   - A restart or a failover subscribes nobody who is subscribed: TestRestart, TestRestartCostsNothing,
//     TestRoleLostMidway, TestLastCallIsWrittenDown. With the ledger lost, the vendor's lists put it right:
//     TestLedgerLost. Lines that make no sense do no harm, those of others' operators stay:
//     TestLinesThatMakeNoSense.
//   - A walk through an operator's list is silent where it is short, and shows how far it is where it is not:
//     TestALongWalkShowsProgress.
//   - A list that lags is never believed about what is younger than its lag: TestReconcile.
//   - Who is left out of the answer to a subscribe may be subscribed later than the answer, or not at all: the list
//     tells once it has settled. It is walked through once in a settle time at most, and whom it does not confirm
//     is tried again once in that time, ever more rarely: TestLateSubscriptions, TestTooLateSubscriptions,
//     TestPartialAnswers, TestNeverConfirmed, TestLostRenewal.
//   - Where the vendor gives less than was asked for, renewals go by what it gives: TestVendorGivesLess,
//     TestExpiryOfTheAnswer, TestListKnowsAnEarlierEnd.
//   - The answer to a subscribe is told to the log as what it is, an observation of the moment before the call;
//     who is missing in it is unknown, not offline: TestAnswerIsObserved, TestMissingIsNoObservation.
//   - Failures that pass are tried again ever more slowly (TestBackOff, TestThrottled); what only a person can
//     cure is logged with what to do, and tried once a minute (TestNotSwitchedOn); one user whom the vendor
//     refuses spoils nobody else's call (TestOneBadUser, TestBadRenewal, TestEverythingRefused).
//   - An outage of the ledger stops no call, and nothing is forgotten meanwhile: TestLedgerAway.
//
// # Debugging
//
// The metrics presence_bridge_keeper_* tell who leads, how many each operator subscribes, how many users there is room
// for and how many go without and why (TestMetrics), whose renewal is overdue (TestOverdue), what was lost or not
// confirmed and made again, and how calls end. The ledger (nats kv get presence_subscriptions <uid>) tells who subscribes
// a user until when. Refused calls are logged at debug level while the user who is why is being looked for.
//
// # Testing
//
// TestNinetyDays lets the book live through ninety days, two thousand times: with a vendor in memory that
// evicts, loses, refuses, lags, is late and is away, keepers that end and lose what they wrote last, and an oracle
// that knows of the keeper only its calls. PRESENCE_BRIDGE_SEEDS says how many times instead. TestDaysAtTheEmulator
// does so with the real client and the real emulator, which is then the oracle. The loop runs under
// testing/synctest, among fakes for NATS; TestLedger holds the fake ledger to what the real one does.
// TestWithRealParts has everything real.
package keeper
