// Package doctor looks at everything that serve would need, and says in a line each what it saw and what to do.
//
//	doctor.Examine(ctx, plan, func(f doctor.Finding) { doctor.Print(os.Stdout, f) })
//
// The checks come in chapters that know nothing of one another and are read at once: the settings, the vendor
// (vendor.go), NATS with what the bridge keeps there (bus.go), addresses (places.go), and who is let in (doors.go).
// Within a chapter one check builds on another; what cannot be said for that reason is said to be unchecked.
//
// # Promises
//
// Each names the test that holds it.
//
//   - It changes nothing: no stream, bucket, message, consumer or subscription, no file, no lock: TestNothingIsChanged,
//     TestNothingIsThereYet, TestCopiesInACluster, TestTheDirectory, TestServeRuns; package bridge's TestLookingMakesNothing.
//     What shows for a moment are consumers that read the buckets, a file in the data directory, and one empty message
//     on the feed and one on the hints, which those who listen pass over.
//   - It costs the vendor few calls: one without a token, one for a token, one get, one for each operator: the same.
//   - It ends, whatever hangs, within [Plan.Patience] a question, and within five times that as a whole; a connection
//     to NATS that hangs can add one more: TestEverythingHangs, TestManyOperatorsOfASlowVendor, TestWhatIsInTheWay,
//     TestPlaces.
//   - It goes on as far as it can where settings are missing: TestSettingsThatAreMissing, TestWhatTheVendorRefuses.
//   - It tells no secret (every report of a test is searched), and nothing that it was told can draw on a terminal:
//     TestWhatOthersSayIsOneLine.
//   - Nothing that answers makes it fail: TestNoise, TestALookThatIsNoise, TestNATSCannotBeReached.
//   - What takes long is told while it does: TestLongLooksAreTold.
//   - A forecast asks nobody, and says what is an estimate: TestForecast. Who does what it advises has a turn that holds:
//     TestTheForecastsAdviceHolds. [Checks] and [Forecasts] list what can be told: every report of a test is held against
//     them, and the runbook too (TestRunbook in cmd/presence-bridge/deploy).
//   - Who does what it advises about the budget has one that is enough: TestTheAdviceHolds.
//
// # How permissions are tried
//
// NATS tells of a denied message only after the fact, and of a permitted one nothing. So each message goes out before
// a ping: complaints come before the pong. A message to a subject that a stream holds names another stream as the one
// that it expects: whoever may not publish there is denied it by the server, and whoever may is refused by the stream,
// which stores nothing. What JetStream is asked for (a consumer, a stream) is worded so that it refuses.
//
// # How it is tested
//
// Each line is produced by the real part in the state that it is about, and compared word for word: the emulator with
// options and faults, NATS servers with permissions, without JetStream, in a cluster that lost one, TLS servers with
// certificates of all kinds, name servers that know nobody, listeners that never answer. Reports where all is well are
// in testdata.
package doctor
