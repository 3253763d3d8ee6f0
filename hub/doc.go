// Package hub fans presence out to browsers: over WebSocket, server-sent events and plain HTTP.
//
// A [Hub] follows the log with one consumer and keeps the newest state of every user in memory. A client is a
// session: whom it watches, and which of them have changed since it was last told. States are encoded once for
// all who watch; what is sent is the newest at the time of sending, so a slow client costs what it watches and
// no more.
//
// # What is news
//
// The log keeps the last state of everybody who was ever watched. It is news only while somebody looks: a hub
// that begins to watch a user shows the log's state when the active poller says that the feed is live, and
// otherwise says that the user is pending until the poller vouches or a look is told. What the log calls
// unwatched is history until somebody looks again.
//
// # Promises
//
// To clients:
//
//   - Whoever is asked for is known, pending or denied, and the pending follow as changes: TestSubscribe.
//   - After subscribed and the changes that follow, a client holds for each user the newest that the log holds,
//     and never goes back in time, whichever hubs it comes to: TestModel, TestRoam,
//     TestHeldBackCursorDoesNotGoBack.
//   - A cursor is valid on every hub and carries the log's identity; resuming costs what has changed: TestResume,
//     TestResumeWithPending, TestCursorAheadOfALaggingHub, TestRereadLogKeepsCursorsHonest. One that is of no
//     use brings everything: TestUselessCursors, TestStreamMadeAnew, TestCursorsOfALostTail.
//   - History is never shown as news: TestHistoryIsNotNews, TestUnwatchedIsHistory, TestUnwatchedIsContradicted.
//   - A slow client gets fewer, newer states, and costs what it watches: TestSlowClient, TestPendingIsBounded,
//     TestAnswersAreBounded. Only a write that stalls ends its connection: TestStalledWrite.
//     What does not arrive, or is not read, holds no connection for long: TestWhoSaysOrReadsNothing.
//   - Garbage in the log and on the feed is counted, and reaches nobody: TestGarbageReachesNobody.
//   - The feed is told when it changes, and a silent poller is no poller: TestFeedIsToldWhenItChanges,
//     TestFeedSilence.
//   - No claim, no right; an open socket lives as long as its token: TestVerify, TestMayWatch, TestMaySet,
//     TestWhereTheTokenIs, TestNoTokenInTime, TestTokenExpires, TestRenew.
//   - A refused request changes nothing, an honest mistake costs no connection: TestBadMessages,
//     TestTooManyUIDs, TestLimitsPerSubject.
//   - Close codes are one table, and arrive: TestCloseCodes, TestTooLargeFromOneWhoReadsLater. A write that
//     stalls leaves no room for a close frame, so whoever is too slow sees 1013 only where the network allows.
//   - Event streams say the same as sockets and resume by themselves: TestEvents, TestEventsHeartbeat.
//   - The registry is told how many look at a user through this hub: TestTheRegistryKnowsHowManyLook.
//   - Asking over HTTP watches for a minute: TestGetPresence, TestAskingWatchesForAMinute.
//   - Setting calls the vendor once and asks the poller to look: TestPutPresence, TestSetOnASocket.
//     Where the vendor is asked who is online, and no more, nobody can be set: TestOnlineOnlySetsNothing.
//     Hubs share the budget for it by how many they are: TestHubsShareTheBudgetForSets, TestPartsOfTheBudget, and at
//     the vendor TestHubsShareTheBudget in cmd/presence-bridge/road. One user who sets too often is refused, and nobody
//     else: TestOneUsersSetsDoNotTakeTheBudgetOfAll, TestWhoSetsTooOftenIsRefusedAndNobodyElse.
//   - Backends ask over NATS as browsers do over HTTP, with the same limits, and are told what to mend:
//     TestBackendsAskWhoIsOnline, TestBackendsSet, TestBackendsSetsHaveTheLimitsOfBrowsers, TestWhatBackendsMayNotAsk,
//     FuzzDecodeRequest, TestTheServiceIsListed, TestAHubThatStopsSendsBackendsAway.
//   - Whom a backend leases is watched with no browser, until the lease has ended, for each that leases:
//     TestALeaseKeepsAUserWatched, TestTwoHoldersOfOneUser, TestLeasesAndBrowsersEachKeepAUser,
//     TestALeaseWhoseEndWasMissedEnds. It outlives the hub that took it: TestALeaseOutlivesTheHubThatTookIt.
//   - The vendor's callbacks make the poller look, and nothing more: whoever cannot sign is refused, and what the
//     vendor may send is answered 200 whatever it is, so that it bans no rule: TestCallbackAnswers,
//     TestCallbackSamples, TestAnAppIDHasNoAppKey. They wait for nobody, and what is kept of them is bounded:
//     TestCallbacksNeverWait, TestCallbacksWhileNATSIsAway, TestHeard. Without a secret none are taken:
//     TestCallbacksOff.
//   - Foreign pages may not use the hub: TestOrigins.
//   - A hub that stops says so, and cuts off only who does not go: TestDrain, TestStuckClientIsCutOff,
//     TestStuckWhileSetting.
//
// To operators: neither secrets nor tokens nor callbacks are logged (TestWhereTheTokenIs, TestCallbackAnswers),
// nothing is shown before the log is read (TestReady, TestNotReadyNothingShown), and nothing stays behind (TestMain).
//
// # Testing
//
// What depends on time runs in a bubble, over pipes and with no NATS behind it; the rest has a NATS server, hubs
// behind TCP and a looker that plays the poller. TestModel needs neither: it drives two hubs by hand. What a delivery
// costs is measured beside what it costs at least: see hub/fanout.
//
// # Concurrency
//
// One mutex guards everything that sessions share. Each socket has three goroutines, which its handler waits
// for; Run and Serve each wait for what they start. [Hub.Serve] lets clients go before it returns.
package hub
