// Package bridge is the contract between the half that looks at users and the halves that want to know: what a
// state and a change are, where they are on NATS, and who may write what. Pollers, hubs and backends meet here
// and nowhere else.
//
// One log holds it all: the stream PRESENCE, one subject a user, whose last message is the user's state. Beside
// it are five buckets: who watches whom, which of those who watch are alive, whom backends want watched, who subscribes
// whom at the vendor, and which process plays which role.
//
//	Open        makes or checks the stream and the buckets       bus.go, settings.go
//	Journal     compares what was seen with the log, writes      journal.go, diff.go, flight.go, mail.go
//	Follow      last state of everybody, then what happens       reader.go
//	Holder      says that we live, and whom we watch             holder.go
//	Registry    the union of what all live holders watch         registry.go, union.go
//	Lease       whom backends want watched, until when           leases.go
//	Serve       what backends ask, and are answered              service.go
//	Lead        one poller and one keeper at a time              roles.go
//	Subscribed  the ledger of vendor subscriptions               ledger.go
//	SaveLearned what a poller knows of how people change         learned.go
//	StartServer NATS inside this process                         server.go
//	Inspect     what Open would find, touching nothing           inspect.go
//	Count       how many are watched and subscribed              census.go
//	PassedOver  how much could not be read, by what it was       passed.go; package meter shows it to operators
//
// # Concurrency
//
// A [Bus], a [Journal], a [Holder] and a [Registry] may be used by many at once. Nothing starts by itself:
// [Bus.Follow], [Bus.FollowLedger], [Bus.FollowLeases], [Bus.Serve], [Bus.Lead], [Holder.Run] and [Registry.Run]
// block until their context is done and have no goroutine left then, but for a consumer that is waiting for NATS,
// which ends when it hears of it. They go on through outages, and through a stream or bucket that was made anew
// beneath them. Followers and the functions given to a registry or a ledger are called one call at a time and hold
// up what comes behind, so they must not wait for the thing that calls them.
//
// # Promises
//
// Each names the test that holds it.
//
//   - A change reads as documented, field by field: TestChangeIsTheDocumentedMessage, FuzzAppendChange; with CloudEvents 1.0 in
//     its headers: TestChangesCarryCloudEventsHeaders.
//   - Names are one legal token, and one name is one token: FuzzToken, FuzzParseUID, FuzzUIDOf.
//   - Per user, changes are in the order observed, prev is the message before, and the last state is the
//     truth once everybody has looked again, whoever writes and in whatever order looks come home:
//     TestWhateverTheOrderTheLogIsTrue.
//   - An older observation never overwrites a newer one: TestJudge, TestAnotherWriterIsNeverWrittenOver,
//     TestALookThatBeganBeforeAMessageWasHeardIsOvertaken, TestTwoLooksAtOneUserInOneBatch. What was written
//     late is put right by the next look: the same, and TestUnreadableLastMessageIsWrittenOver,
//     TestMessagesTakenOutOfTheLog.
//   - A change is published at least once, and memory moves only when JetStream has acknowledged:
//     TestMemoryMovesOnlyWithTheAcknowledgement, or when the message is seen in the log:
//     TestOurOwnMessageInTheLogIsItsAcknowledgement. An uncertain one is read back at once, and where that fails too by
//     the next look: TestWhatIsUncertainIsReadBackAtOnce, TestAnUncertainAcknowledgementIsResolvedByTheNextLook.
//     Messages are waited for by the volley, and each has its own word all the same:
//     TestEachMessageHasItsOwnAcknowledgement, TestWordsThatNobodyWaitsFor, TestWhatIsAnAcknowledgement. Silence, a lost
//     connection and who gives up waiting are uncertain: TestSilenceIsUncertain, TestALostConnectionIsNewsAtOnce,
//     TestNobodyWaitsForAnAcknowledgementWhoHasGone; what no stream took is sent again: TestWhatNoStreamTookIsSentAgain.
//   - A restart publishes no false change: TestARestartPublishesNoFalseChange, TestTheDataDirectorySurvives;
//     nor does a journal that does not know the log yet: TestBeforeItKnowsTheLogAJournalConcludesNothing.
//   - The interval between not_before and observed_at is honest, and observed_at never goes back, whatever the
//     clocks say: TestChangesTellAnHonestInterval, TestObservedAtRemembersWhatTheLogHasLost,
//     TestWhateverTheOrderTheLogIsTrue.
//   - Nothing new is not told: TestJournalWritesWhatChangesAndNothingElse. The first look after nobody looked
//     always is: TestFirstComesAgainAfterUnwatched, TestUnwatchedRepeatsTheStateAsLastKnown.
//   - A user of whom the vendor tells but online or offline is told so, and who is told of in more words, or in
//     fewer, than before has changed: TestOnlineWithoutDevices.
//   - A follower hears the last message of everybody, then that this was all, then what happens:
//     TestFollowersGetTheLastOfEveryoneThenWhatHappens, TestAnEmptyStreamSaysCaughtUp; of a new stream as of a
//     new log: TestAStreamMadeAnewIsANewLog, and of one that lost its tail and was written on:
//     TestALogThatLostItsTailAndWentOnIsNoticed,
//     TestWhatWasWrittenAndIsLostIsNoticed; of what cannot be read nothing:
//     TestMalformedMessagesArePassedOver; and nothing after Follow returned: TestNothingIsToldAfterFollowReturned.
//     One who is busy for a while loses nothing for it: TestABusyFollowerLosesNothing. What is read faster than by
//     encoding/json is what that would read: FuzzReadPlain, TestWhatWeWriteIsReadPlain, TestStatusesAreShared.
//   - What the log holds of one user, and the ledger, is read without a consumer:
//     TestHistoryIsTheNewestOfOneUser, TestOneSubscriptionOfTheLedger; while NATS is
//     away it is an error at once: TestWhatIsKeptCannotBeReadWhileNATSIsAway.
//   - A cursor is of one log, and a damaged one is seen: FuzzParseCursor,
//     TestDamagedAndForeignCursorsAreRefused.
//   - The union over live holders is who is watched: TestUnionIsThatOfTheLiveHolders,
//     TestTheUnionOfAllHoldersIsWatched. A holder that dies is forgotten when its key expires and not before:
//     TestAHolderThatDiesIsForgottenAfterItsTTLAndNotBefore; one that lives is not:
//     TestAHolderThatLivesKeepsItsUsers; what could not be written is written again:
//     TestWhatCouldNotBeWrittenIsWrittenAgain, TestWatchesAreWrittenAsABucketWritesThem; nor because NATS was away or
//     lost the buckets:
//     TestAnOutageIsNoReasonToGiveUpAnybody, TestInTheTimeOfGraceADeletionProvesNothing,
//     TestBucketsMadeAnewAreNoticed, TestNewBucketsAreReadWithPatience,
//     TestAHolderWhoseKeyExpiredTellsEverythingAgain, TestAHolderThatComesBackIsNotSweptUp; nor because a server came
//     back without what it was told last: TestWatchesThatTheServerLostAreWrittenAgain,
//     TestARegistryReadsAgainWhatTheServerMayHaveLost.
//   - How many look at a user is known to within a factor of two, at the cost of few writes:
//     TestWatchersAreCountedToWithinAFactorOfTwo; what cannot be read is one who watches: FuzzWatchersIn.
//   - A lease lasts until its time is up, or it is given back, whatever becomes of who took it, and for longer where it
//     is renewed: TestALeaseEndsWithItsTimeUnlessItIsRenewed, TestLeasesAreToldAndFollowed; nobody loses one with the
//     bucket: TestLeasesMadeAnewAreNoticed, TestWhoLeasesMakesTheBucketAnew; what is no lease is refused:
//     TestWhatIsNoLease, FuzzLeaseUntil.
//   - A request is answered once, by one process, or told at once that it is busy: TestAServiceAnswers,
//     TestTheDutiesAreShared, TestABusyServiceSaysSoAtOnce; also when the service stops, or its connection is lost:
//     TestAServiceThatStopsAnswersWhatIsUnderWay, TestAServiceWhoseConnectionIsClosedStops.
//   - What a poller has learned is read back whole, or not at all: TestWhatWasLearnedIsKept,
//     TestWhatWasLearnedByHalvesIsRefused.
//   - One leads at a time, a graceful stop hands over within a second, a crash within the role's TTL and what
//     it takes to ask: TestOneLeadsAtATimeAndAGracefulStopHandsOver, TestACrashIsTakenOverWithinTheTTL,
//     TestWhoLosesTheKeyStepsDown, TestALeadThatFailsFreesTheRole. Two at once cost calls, never correctness:
//     TestWhateverTheOrderTheLogIsTrue.
//   - What was granted while NATS went away is taken up when it is back: TestARoleThatWasGrantedUnheardIsTakenUp. Coming
//     back takes half a second: TestComingBackIsQuick; and an outage is two lines in the log: TestAnOutageIsTwoLines.
//   - A process that was stopped and wakes up makes no call on a lease that may be another's, but one that was leaving
//     already: TestWhoWasStoppedWaitsUntilTheRoleIsSure, with easemob's TestWhatMayNotLeaveIsNotSent, and the zombies of
//     cmd/presence-bridge/chaos.
//   - A stream or bucket that cannot be worked with is told at start, all of it at once and with what to do:
//     TestEveryWrongSettingIsToldAtOnceWithWhatToDo, TestEachWrongSettingIsRefusedByItself,
//     TestJetStreamSwitchedOffIsSaidInWords.
//   - Looking changes nothing, and finds what Open would refuse: TestLookingMakesNothing,
//     TestWhatOpenMadeIsFoundToBeRight, TestInspectTellsWhatOpenWouldRefuse, TestTheCensusCountsTheLiving.
//   - Whoever may write to NATS may write anything: what cannot be read is passed over and counted, piece by piece, and
//     nobody who is watched is let go for it: TestGarbageInTheLogIsPassedOverOneByOne,
//     TestGarbageInTheBucketsIsPassedOverOneByOne, TestGarbageOnFeedAndHintsIsPassedOverOneByOne. A million of them are a
//     line in the log each ten seconds: TestWhatIsPassedOverIsCountedAndToldInFewWords. Keys that cannot be read go
//     with their holder: TestKeysThatCannotBeReadAreSweptUpWithTheirHolder; those of a holder who can have no such name
//     stay, for to purge a name with a wildcard is to purge others.
//   - Reading the log at the start is silent where it is short, and shows how far it is where it is not:
//     TestLongWorkShowsProgress in package progress.
//   - One holder watches MaxPerHolder users at most, and takes no more of anybody's memory:
//     TestAFloodOfOneHolderIsBounded, BenchmarkAMillionWatchesOfOneHolder. The rest of its watches are found when there
//     is room again: TestAHolderOfTooManyIsBoundedAndNobodyElse, TestWhoIsWatchedAlreadyIsNoSurplus. How many holders
//     there are is not bounded.
//   - A role that is held by a key that nobody renews is told of, with what to do: TestAKeyThatNobodyRenewsIsToldOf,
//     TestWhoRenewsIsNotStuck.
//
// States are compared as they are read back from the log, so what goes into one must be valid UTF-8, as
// everything is that was decoded from JSON.
//
// # Debugging
//
// The nats command sees everything there is:
//
//	nats sub 'presence.v1.>'                     changes as they come
//	nats stream get PRESENCE -S presence.v1.demo.presence.alice    what is known of one user
//	nats sub 'presence.feed.v1.>'                whether somebody looks, and how far behind
//	nats kv ls presence_holders                  who watches and is alive
//	nats kv ls presence_watch                    whom they watch
//	nats kv ls presence_leases                   whom backends want watched
//	nats micro info presence                     which hubs answer backends
//	nats kv get presence_roles demo.presence.poller    who is the active poller
//
// A journal that never concludes anything has not been told CaughtUp: [Journal.Ready] is open. A user who is
// in Outcome.Again each time has another writer: look at who else sends to the subject. Whatever is begun
// anew is logged with its reason, and so is what is passed over, now and then; the metric
// presence_bridge_passed_over_total{what} has all of it.
//
// # How it is tested
//
// What decides is pure and tested as such: [Journal]'s judge by a table, the union against a naive model, every
// decoder by fuzzing. Everything else runs against a real NATS server in this process, one a test, that is
// stopped, restarted on its port and robbed of streams; tests wait for conditions. A server never runs inside a
// testing/synctest bubble: it hangs there. TestMain fails when a goroutine is left behind.
package bridge
