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
// POST /token, the five presence calls beneath /users/{uid}/presence, and POST /users/batch/status, under
// /{org}/{app} and /app-id/{id}. Beneath /_emulator/ are users (the truth), stats, faults and population, for
// tests and for people who play with it; each has a method of [Server] that does the same.
//
// # Sources
//
// Comments name where a behaviour comes from: SEED the vendor's presence page of 2022-06-22; ED23, ED24, ED+
// its documents of 2023, of October 2024, and later; AG Agora's, SW Shengwang's copy of them; SDK and JS the
// vendor's client libraries, TS5 its TypeScript SDK with tests against the real service; TEST its Java
// integration test PresenceIT; ROBOT bodies in its test suite. INF marks what none of them tells: there the
// stricter or the odder way was taken.
//
// # Promises
//
//   - The vendor's samples come out byte by byte, and every documented refusal in the shape in which it was
//     seen: TestSamplesVerbatim, TestErrorSamplesVerbatim, TestTokenAnswersAsTheSampleDoes, TestRefusals.
//   - No client is told of a state that was never there, whoever else is at work: [Server.History] has every
//     one, and TestNoClientSeesWhatWasNotThere compares. One get is one moment: its users are read together.
//   - last_time never goes back: TestLastTimeNeverGoesBack.
//   - Subscriptions end when they are said to, the one with the least time left makes room, and only the list
//     lags: TestSubscriptionsExpireAndAreOverwritten, TestEvictionTakesTheShortest, TestListLags,
//     TestPagesArePartition.
//   - A limit is a sliding second of accepted calls, of each kind by itself; the peaks that stats tell are
//     exact: TestLimitIsASlidingSecondOfAcceptedCalls, TestLimitsAreOfAKind, TestPeakIsExact.
//   - Every fault fires, is counted, and is gone when it is switched off: TestFaults.
//   - The same seed plays the same changes at whatever rate, and each of them is one:
//     TestPopulationIsDeterministic, TestRateDoesNotChangeTheScript, TestEveryChangeIsOne. (Whoever sets a
//     user's state from outside changes what that user can do next, and so the rest of the play.) The rate is
//     kept in the mean: TestRunKeepsTheMeanRate.
//   - No request makes it panic, save to cut a connection: FuzzDecoders, FuzzServer.
//
// # Concurrency
//
// A [Server] may be used by any number of goroutines. [New] starts none; [Server.Run] starts one beside its
// own, and waits for it. Behind a real listener and over net.Pipe in a testing/synctest bubble it is the same
// server: it knows no time but time.Now and timers.
//
// # Debugging
//
// With a Logger at debug level every call is a line. GET /_emulator/stats tells what was asked how often, and
// how many at once; GET /_emulator/faults what has gone wrong on purpose.
package emulator
