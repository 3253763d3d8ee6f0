// Package emulator is Easemob's (and Agora Chat's) presence REST API as a real server, all of it in memory,
// with people who come and go, and with faults on demand.
//
// It is what the bridge is tested against, and the upstream of the demo. It is written from the vendor's
// documents, SDKs and tests alone, with JSON types of its own: it imports no client, so that a field misspelt
// here cannot agree with one misspelt there.
//
//	s, err := emulator.New(emulator.Options{})
//	go s.Run(ctx)                         // people live, callbacks go out
//	http.ListenAndServe("127.0.0.1:9090", s) // s is an http.Handler
//
// # What it answers
//
// POST /token, Agora's way too; the five presence calls beneath /users/{uid}/presence; GET
// /presence/online/{group}/type/{type}, where everybody is in each group; and what needs no presence: POST
// /users/batch/status, GET /users/{uid}/status and GET /users/{uid}/resources. All of them are under /{org}/{app} and
// /app-id/{id}.
//
// Where the vendor's sources contradict each other, an option chooses which of them is right. It is not kept who is
// in which group, who has registered, or what the app's plan has left.
//
// # People and callbacks
//
// People have phones, computers and browser tabs, habits, and nights. A browser without a fixed device id has a
// new key for each page load, and the last three keys before it stay in the status as "0". Who logs in with more
// devices of a platform than [Options].DevicesPerPlatform has the one that came first replaced. A share of
// logouts, VanishRate, is without a word: the device is shown online for a random part of VanishFor, by the API
// and by the admin endpoints alike, for what the API shows is the truth that every client has to show.
//
// A callback rule posts who logged in, who logged out and who was replaced: people's devices do, and those whom
// PUT /_emulator/users moves; a status that is set through the API is none. (ED24 says that of several within a
// second only the last is pushed to SDKs. Of callbacks no source says so: with [Callback].Merge they are merged as
// well, device by device, while what batch get answers does not wait.) Up to 64 posts are under way, ten thousand
// events wait, and nothing keeps the order between events: a receiver can count on none.
//
// # Admin endpoints
//
// They take and answer JSON, ask for no token, and no limit or fault concerns them. Each has a method of [Server]
// that does the same. A request that is wrong changes nothing, and is answered with 400 and {"error":"..."}:
// TestAdminRefusals.
//
//	GET /_emulator/users?uids=a,b    the truth about those who exist; without uids, about everybody
//	  {"users":{"a":{"status":{"ios_1":"1"},"ext":"busy","last_time":1644466063}}}
//
//	PUT /_emulator/users/{uid}       makes somebody so, now; what is left out is empty
//	  {"status":{"ios_1":"1"},"ext":"busy"}
//	  answered with {"status":{"ios_1":"1"},"ext":"busy","last_time":1644466063}
//
//	GET /_emulator/stats             see [Stats], [Batches] and [CallbackStats]
//	  {"calls":{"get":120,"subscribe":3,...}, "uids":{"get":11950,"subscribe":250}, "rejected":{"401":0,"429":0},
//	   "peak_per_s":{"get":38}, "batches":{"get":{"full":119,"partial":1}}, "subscriptions":{"svc-1":250},
//	   "callbacks":{"events":9,"merged":1,"sent":8,"failed":0,"too_long":0,"lost":0,"banned":0,"bans":0,
//	                "waiting":0,"in_flight":0}}
//	DELETE /_emulator/stats          counts anew; 204
//
//	GET /_emulator/faults            see [Faults] and [Fired]
//	  {"latency_ms":0, "error_rate":0, "error_status":503, ..., "limit_per_s":50, "client_calls_per_s":0,
//	   "callback_lost_rate":0, "callback_late_rate":0, "callback_late_ms":10000, "callback_repeat_rate":0,
//	   "callback_swap_rate":0, "fired":{"latency":0,"error":0,...,"callback_lost":0,"callback_swap":0}}
//	PUT /_emulator/faults            the same but for fired; what is left out is switched off
//
//	GET /_emulator/population        see [Population]
//	  {"users":200,"changes_per_s":5,"paused":false}
//	PUT /_emulator/population        the same; what is left out stays
//
//	DELETE /_emulator/tokens         no token that was minted is good any more, a fixed one is; 204
//
// # Sources
//
// Comments name where a behaviour comes from: SEED the vendor's presence page of 2022-06-22; ED23, ED24, ED+
// its documents of 2023, of October 2024, and later; limitationapi their page of limits; AG Agora's, SW Shengwang's
// copy of them; SDK and JS the vendor's client libraries, C++ its native one, TS5 its TypeScript SDK with tests
// against the real service; JAVA its server SDK, TEST that one's integration test PresenceIT; ROBOT bodies in its
// test suite. INF marks what none of them tells: there the stricter or the odder way was taken. The tables
// TestBehaviours, TestRefusals and TestBothWorlds have a row, with its source, for what is known of the calls.
//
// # Promises
//
//   - The vendor's samples come out byte by byte, and every documented refusal in the shape in which it was
//     seen: TestSamplesVerbatim, TestStatusSamplesVerbatim, TestErrorSamplesVerbatim,
//     TestTokenAnswersAsTheSampleDoes, TestRefusals, TestTokenRefusals, TestWhoIsNotLetIn, TestBodiesAreJSON.
//   - Each option about the API makes the other of two worlds, and none is without a row: TestBothWorlds,
//     TestAnyOrder, TestBothShapes, TestNoWorldIsForgotten.
//   - A token is good for as long as was said, and not longer than until [Server.RevokeTokens]: TestTokensExpire,
//     TestTokenTTLMillis, TestRevokedTokensAreExpired, TestAgoraTokenIsExchanged.
//   - No client is told of a state that was never there, whoever else is at work: [Server.History] has every
//     one, and TestNoClientSeesWhatWasNotThere compares. One get is one moment: its users are read together.
//   - last_time never goes back: TestLastTimeNeverGoesBack.
//   - Subscriptions end when they are said to, the one with the least time left makes room, and only the list
//     lags: TestSubscriptionsAreWhatThePlainestOnesAre, TestSubscriptionsExpireAndAreOverwritten,
//     TestEvictionIsSilentAndOfOneOperator, TestSubscribersOfAUserAreBounded, TestSubscribingLate, TestListLags,
//     TestPagesArePartition. They leave nothing behind: TestSubscriptionsLeaveNothingBehind.
//     TestSubscriptionsAreBoundedInAll keeps how many there are in bounds of our own.
//   - How many people can be made by a set is bounded: TestPeopleAreBounded.
//   - A limit is a sliding second of accepted calls, of each kind by itself; the peaks that stats tell are
//     exact: TestLimitIsASlidingSecondOfAcceptedCalls, TestLimitsAreOfAKind, TestPeakIsExact. The vendor's numbers
//     are its own: TestTheVendorsNumbers.
//   - Every fault fires, is counted, and is gone when it is switched off: TestFaults, TestCallbackFaults. What
//     is refused on purpose was not done: TestErrorsDoNothingAndResetsComeTooLate, TestQuarrelsDoNothing,
//     TestNotOK.
//   - A callback is as sampled, is resent once, and is accounted for whatever becomes of it; a receiver that
//     fails is banned, and one that is slow holds up nobody: TestCallbacksAreAsSampled,
//     TestCallbacksAreResentOnce, TestFailuresBanTheRule, TestBansGrow, TestEveryCallbackIsAccountedFor,
//     TestCallbacksGoAtOnce, TestCallbacksDoNotBlock. Each is told, unless the rule merges those of a device:
//     TestCallbacksOfADeviceAreMerged, TestNoCallbackIsMergedUnasked.
//   - A vanished device is shown, and no callback tells of it, until its time has come; nobody is found out
//     while the population is paused: TestVanishedAreShownForAWhile, TestPauseKeepsTheVanished.
//   - The same seed plays the same changes at whatever rate, and each of them is one:
//     TestPopulationIsDeterministic, TestRateDoesNotChangeTheScript, TestEveryChangeIsOne. (Whoever sets a
//     user's state from outside changes what that user can do next, and so the rest of the play; so does
//     VanishRate, for heartbeats are missed by the clock.) The rate is kept in the mean: TestRunKeepsTheMeanRate,
//     TestVanishingsKeepTheMeanRate.
//   - A hundred thousand people move in by one request: TestHundredThousandPeople. What a hundred gets of a
//     hundred of them cost a second tells BenchmarkHundredThousandGets.
//   - A body that stalls is not waited for: TestBodiesThatStall.
//   - No request makes it panic, save to cut a connection: FuzzDecoders, FuzzServer.
//
// # Concurrency
//
// A [Server] may be used by any number of goroutines. [New] starts none; [Server.Run] starts two beside its own,
// and one for each callback under way, and waits for all. Behind a real listener and over net.Pipe in a
// testing/synctest bubble it is the same server: it knows no time but time.Now and timers.
//
// # Debugging
//
// With a Logger at debug level every call is a line. GET /_emulator/stats tells what was asked how often, and
// how many at once; GET /_emulator/faults what has gone wrong on purpose.
package emulator
