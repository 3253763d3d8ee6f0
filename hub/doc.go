// Package hub fans presence out to browsers: over WebSocket, server-sent events and plain HTTP.
//
// A [Hub] follows the log with one consumer and keeps the newest state of every user in memory. A client is a
// session: whom it watches, and which of them have changed since it was last told. What is sent is the newest at
// the time of sending, so a slow client costs what it watches and no more.
//
// # How a change gets out
//
// Apply notes the user with every session that watches (users.go, session.go). A dispatcher takes the sessions that
// were touched, and writes to each once, all that it has to be told (dispatch.go): a change of one user is one frame,
// encoded once for all who watch, and goes from where it lies to the socket (wire.go, line.go). It does not wait for a
// socket: one that is full gets a goroutine for as long as that lasts. There is no timer: what comes while a dispatcher
// is at work is in its next batch, or in this one for whoever has yet to be written to, so that load makes batches and rest
// makes none. Where one processor does it all, a long round looks at the log now and then
// (TestALongRoundLooksAtTheLog). A change that comes alone, and concerns
// few, is told by the goroutine that follows the log: to wake a dispatcher for it would cost more than a write.
//
// # What is news
//
// The log keeps the last state of everybody who was ever watched. It is news only while somebody looks: a hub
// that begins to watch a user shows the log's state when the active poller says that the feed is live, and
// otherwise says that the user is pending until the poller vouches or a look is told. What the log calls
// unwatched is history until somebody looks again.
//
// # Offline grace
//
// With OFFLINE_GRACE a user who was seen online and has gone offline is shown in their last state online until the
// grace is over, and then in the newest. Whoever returns meanwhile is shown at once, and a new absence has a grace of
// its own; what changes while they are away shows when it is over. Who is offline in a first message is shown so at once.
// Backends over NATS get what the log says: the log itself, and presence.api.get.
//
// The grace begins when a message comes, so clocks do not matter. A hub that begins goes by when the log took the last
// message, and by the state before, which the message carries: it shows what other hubs do, but for the difference of
// the clocks, and observed_at, which is then when that state was last looked at. What it cannot know is when a user
// went who has changed since they are offline: they are shown so at once. When the feed goes down the grace goes on:
// what shows in the end is what is known last, and browsers are told that it is stale.
//
// # Promises
//
// To clients:
//
//   - Whoever is asked for is known, pending or denied, and the pending follow as changes: TestSubscribe.
//   - After subscribed and the changes that follow, a client holds for each user the newest that the log holds,
//     and never goes back in time, whichever hubs it comes to: TestModel, TestRoam,
//     TestHeldBackCursorDoesNotGoBack, TestOlderMessagesChangeNothing. Whom it does not watch any more it is not told of,
//     though they changed before: TestWhatWaitsIsForgotten.
//   - A cursor is valid on every hub and carries the log's identity; resuming costs what has changed: TestResume,
//     TestResumeWithPending, TestCursorAheadOfALaggingHub, TestRereadLogKeepsCursorsHonest,
//     TestAStateOfLongAgoIsToldWithTheCursorOfNow, TestACursorCoversWhoIsWaitedFor. One that is of no
//     use brings everything: TestUselessCursors, TestStreamMadeAnew, TestCursorsOfALostTail.
//   - History is never shown as news: TestHistoryIsNotNews, TestUnwatchedIsHistory, TestUnwatchedIsContradicted,
//     TestNobodyVouchesInSilence, TestWhatWaitsMayBecomeHistory.
//   - Who goes offline is shown as they were for OFFLINE_GRACE, in stream and snapshots alike, and who returns
//     meanwhile never was away: TestOfflineGrace, TestGrace, TestManyInGrace. A cursor does not cover what is held
//     back, whichever hub it comes to: TestGraceModel, TestCursorsOfAGrace,
//     TestChangesDoNotClaimWhatIsHeldBack, TestToldElsewhere, TestAnotherLogEndsTheGraces. See above.
//   - A client is let in by the goroutine that reads what it says from then on, where it asks as everybody does; whoever does
//     not is net/http's, which hears and answers all of it: TestPorch, TestPorchHearsAWhole, TestPorchWithoutRoom,
//     TestPorchIsCleared, TestPorchOfAServerThatIsGone, TestPorchSetsNoLimit, FuzzHandshake.
//   - A delivery allocates nothing, and an idle client is one goroutine: TestADeliveryAllocatesNothing,
//     TestAnIdleClientIsOneGoroutine, with the stack that goroutines begin with: TestWhoWaitsKeepsASmallStack. No clerk
//     waits on after a ping or a pong: TestControlsHoweverCut, TestAPingTooLong. One who does not read holds up nobody:
//     TestASocketIsNotWaitedFor, TestALineTakesWhatFits. What a large batch needed is given back: TestRoomIsNotKept.
//   - A subscribe is answered in room that is there already, and no answer is written over by the next:
//     TestASubscribeLeavesLittle, TestNoAnswerIsWrittenOver, TestScratchHoldsNothing,
//     TestPlainMessagesAreReadInOneGo.
//   - A slow client gets fewer, newer states, and costs what it watches: TestSlowClient, TestPendingIsBounded,
//     TestAnswersAreBounded, TestPongsAreBounded. Only a write that stalls ends its connection: TestStalledWrite.
//     Who is there is asked a heartbeat after they came, and each in their second: TestHeartbeatsAreLevel.
//     What does not arrive, or is not read, holds no connection for long: TestWhoSaysOrReadsNothing.
//   - Garbage in the log and on the feed is counted, and reaches nobody: TestGarbageReachesNobody.
//   - The feed is told when it changes, to those who have been let in, and a silent poller is no poller:
//     TestFeedIsToldWhenItChanges, TestTheFeedIsNotForStrangers, TestFeedSilence, TestFeedWithoutNATS. Its reasons have codes
//     that stay: TestFeedCodes; one that is new breaks no schema: TestANewFeedCodeBreaksNoSchema.
//   - No claim, no right, by whichever door: TestVerify, TestMayWatch, TestMaySet, TestWhereTheTokenIs,
//     TestRightsAtEveryDoor, FuzzToken, FuzzClaims. Forged, stale and mistaken tokens are refused at each of them, in words
//     that help and tell nothing: TestTokenAttacks, TestTwoTokens.
//   - An open socket lives as long as its token, and belongs to who opened it; whom a renewed one no longer covers is told
//     as denied and is not heard of again: TestTheFirstMessageIsAuth, TestNoTokenInTime, TestTokenExpires,
//     TestATokenIsNeverRenewed, TestATokenAtTheLastMoment, TestStreamTokenExpires, TestRenew,
//     TestRenewalStopsAtOnce, TestRenewalByAnother.
//   - Keys of AUTH_JWKS_URL come and go with the issuer, the last ones are kept while it is away, and neither an endpoint
//     that hangs nor tokens with made-up keys cost others time: TestKeysRotate, TestKeysAway, TestKeysHang,
//     TestKeysNonsense, TestUnknownKeysDoNotHammer, TestHubWithoutKeys, FuzzParseKeys.
//   - However many messages wait for the vendor, others are answered: TestSomebodyIsAlwaysThereToAnswer. A user whom the hub
//     knows is all that it keeps of the message that named them: TestAUserDoesNotKeepTheListThatNamedThem. A handshake is
//     answered before all else, and with the welcome: TestOpeningAndWelcomeAreOneWrite, FuzzSocket.
//   - Who has gone before the answer is nobody who was refused: TestNobodyIsRefusedWhoHasGone.
//   - A refused request changes nothing, an honest mistake costs no connection: TestBadMessages,
//     TestTooManyUIDs, TestLimitsPerSubject.
//   - Error codes are one table, which refusals, the client's types and web/PROTOCOL.md repeat: TestErrorCodes.
//   - Programs read the contract at /v1/openapi.json and /v1/asyncapi.json: TestDocumentsAreServed. That it is kept is what
//     package contract promises; all that clients of these tests are told is held against it.
//   - Close codes are one table, and arrive: TestCloseCodes, TestTheFirstReasonCounts,
//     TestTooLargeFromOneWhoReadsLater. Nothing follows the last word: TestWhoWasToldGoodbye,
//     TestTheFirstGoodbyeIsTheLastWord. Nor is it put off, by who reads slowly or waits for the vendor, and who was told
//     it may flood nobody: TestWhoIsLetGoHearsNoNews, TestGoodbyeWhileTheVendorIsAsked, TestAFloodAfterGoodbye. A write that
//     stalls leaves no room for a close frame, so whoever is too slow sees 1013 only where the network allows.
//   - Event streams say the same as sockets and resume by themselves: TestEvents, TestEventsHeartbeat, TestWhenToComeBack.
//   - The registry is told how many look at a user through this hub: TestTheRegistryKnowsHowManyLook.
//   - The changes of one user that the log still holds are told to whoever may watch the user, as backends have them, and
//     until when the vendor tells of them unasked: TestLookBack, TestLookBackRights. To ask watches nobody, and is no
//     lever against NATS: TestLookBackIsBounded, TestWhoWaitsForAPlaceIsToldInTime. While NATS is away it is
//     refused at once: TestLookBackWhileNATSIsAway. Who goes meanwhile is told nothing: TestWhoLooksBackAndGoes.
//   - Asking over HTTP watches for a minute: TestGetPresence, TestAskingWatchesForAMinute.
//   - Setting calls the vendor once and asks the poller to look: TestPutPresence, TestSetOnASocket.
//     Where the vendor is asked who is online, and no more, nobody can be set: TestOnlineOnlySetsNothing.
//     Hubs share the budget for it by how many they are: TestHubsShareTheBudgetForSets, TestPartsOfTheBudget, and at
//     the vendor TestHubsShareTheBudget in cmd/presence-bridge/road. One user who sets too often is refused, and nobody
//     else: TestOneUsersSetsDoNotTakeTheBudgetOfAll, TestWhoSetsTooOftenIsRefusedAndNobodyElse.
//   - Backends ask over NATS as browsers do over HTTP, with the same limits, and are told what to mend:
//     TestBackendsAskWhoIsOnline, TestBackendsDoNotWait,
//     TestBackendsSet, TestBackendsSetsHaveTheLimitsOfBrowsers, TestWhatBackendsMayNotAsk,
//     FuzzDecodeRequest, TestTheServiceIsListed, TestAHubThatStopsSendsBackendsAway.
//   - Whom a backend leases is watched with no browser, until the lease has ended, for each that leases:
//     TestALeaseKeepsAUserWatched, TestTwoHoldersOfOneUser, TestLeasesAndBrowsersEachKeepAUser,
//     TestALeaseWhoseEndWasMissedEnds. It outlives the hub that took it: TestALeaseOutlivesTheHubThatTookIt.
//   - The vendor's callbacks make the poller look, and nothing more: whoever cannot sign is refused, and what the
//     vendor may send is answered 200 whatever it is, so that it bans no rule: TestCallbackAnswers,
//     TestCallbackSamples, TestAnAppIDHasNoAppKey. They wait for nobody, and what is kept of them is bounded:
//     TestCallbacksNeverWait, TestCallbacksWhileNATSIsAway, TestHeard. Without a secret none are taken:
//     TestCallbacksOff.
//   - Foreign pages may not use the hub, under no name that they have lead to it where ALLOWED_ORIGINS is set:
//     TestOrigins, TestOwnName.
//   - Whoever breaks the protocol of sockets, or goes to its limits, hears what RFC 6455 wants, is counted where the hub
//     ends it, and disturbs nobody: TestFraming, FuzzSocket. Text that can be none any more is not waited for, but to the
//     end of its frame: TestTextThatCannotBeIsNotWaitedFor, FuzzText.
//     Who speaks before the answer is heard: TestWhatComesWithTheHandshake.
//   - Whoever asks for what there is not, or sends what is no request, is answered where HTTP allows, and counted:
//     TestRefusals. Each limit is one that is counted: TestLimitsAreCounted. What drips, stays silent or has vanished
//     is ended in time: TestDripping, TestDrippingOnASocket, TestNeverAuthenticated, TestGoneWithoutAWord. An answer may
//     take longer than that: TestAnAnswerMayTakeLonger.
//   - Connections are bounded, and those that say nothing keep nobody out: TestSilentCrowd, TestCrowdThatHasSpoken,
//     TestHeldAndLetGo.
//   - A hub that stops says so at once, and lets nobody in: TestTurnAway, TestDrainRefusesNewcomers. Its clients leave in
//     turn, level, and are served until theirs comes: TestTurns, TestTurnsAreLevel, TestPatience,
//     TestClientsMove, and of the real
//     program TestHubsClientsMove in cmd/presence-bridge. It cuts off only who does not go: TestDrain,
//     TestStuckClientIsCutOff, TestStuckWhileSetting.
//   - While NATS or the vendor is away nobody's connection ends and nobody is offline; all that is shown says that it is
//     stale: TestFeedSilence, TestReady, and TestNATSAway and TestVendorAway in cmd/presence-bridge/road.
//   - Without credentials of the vendor a hub does all but set, which it refuses at every door: TestEdgeHub.
//
// To operators: neither secrets nor tokens nor callbacks are logged (TestTokensAreNeverLogged, TestCallbackAnswers),
// the access log at debug level holds routes and nothing that a client wrote (TestAccessIsLogged, TestAccessWithoutFiles),
// nothing is shown before the log is read (TestReady, TestNotReadyNothingShown), and nothing stays behind (TestMain).
// What clients are told is counted by its age, end to end, and nothing among it that is no news to them: TestStaleness,
// TestStalenessOfWhatIsVouchedFor, TestAges.
//
// # Testing
//
// What depends on time runs in a bubble, over pipes and with no NATS behind it; the rest has a NATS server, hubs
// behind TCP and a looker that plays the poller. TestModel needs neither: it drives two hubs by hand. What a delivery
// costs is measured beside what it costs at least: see hub/fanout.
//
// # Concurrency
//
// One mutex guards everything that sessions share. A socket has one goroutine, which waits for what the client says, and
// others for as long as they are needed: to read and do that, to wait for a socket that is full, to part. It waits for them, and
// [Hub.Serve], which lets clients go before it returns, for the readers. Run and Serve each wait for what they start.
package hub
