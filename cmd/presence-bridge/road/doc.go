// Package road holds the tests of the whole road, from the vendor to the browser: emulator over HTTP, NATS in
// the process, poller, keeper, hub, real WebSockets, a real Chromium. It has no code of its own.
//
// The parts are put together by build in road_test.go, so that a test can have two pollers or two hubs, kill
// one, or make the vendor odd. How the command puts them together is tested beside the command.
//
// What is promised, and the test that holds it:
//
//   - every client shows what the vendor says: TestTruth
//   - an app that has not bought presence is served by its word, and by no call of presence: TestOnlineTruth,
//     TestOnlinePage, and a bridge may go from one to the other and back: TestFromPresenceToOnlineAndBack
//   - the same, whichever way the vendor goes where its sources contradict each other: TestWorlds
//   - what the whole bridge publishes at NATS, and tells event streams, is as its documents for machines say: TestTruth,
//     TestOnlineTruth
//   - history is not news: TestHistoryIsNotNews
//   - a hub that dies costs its clients what changed meanwhile, and no more: TestHubKilled
//   - while NATS is away clients stay, are told that the feed is down, and are right again soon after it is back:
//     TestNATSAway (OUTAGE=30s makes it long); the same of the vendor, and nobody is called offline: TestVendorAway
//   - a poller that dies is replaced within 15 s, without a false change: TestPollerKilled, and whenever it dies:
//     TestPollersKilledAtAnyMoment
//   - subscriptions are renewed before they end: TestSubscriptionsOutliveTheirLifetime
//   - a restart subscribes nobody anew: TestRestartSubscribesNobodyAnew
//   - one's own set is one call out of turn: TestOwnSet; what the vendor would refuse changes nothing:
//     TestSetsThatTheVendorWouldRefuse
//   - the vendor's callbacks make logins and logouts known in the next call, whatever becomes of some of them:
//     TestCallbacks; a flood of them, forged or true, costs nobody their turn: TestCallbackFlood
//   - a browser that loses its hub shows stale, and is right again without a reload: TestBrowser; the page does all that
//     it is for, in two languages and by keys, and breaks no policy: TestPage; ten thousand people do not make it slow:
//     TestPageOfTenThousand
//   - the browser client keeps its promises: TestJavaScript, in Node against a real hub: TestClient; tabs are one
//     connection: TestSharedWorker; blocked WebSockets are no reason to be left out: TestBrowserWithoutWebSockets
//   - the npm package has what it names, its adapters work in React and Vue, and what browsers load is what the sources
//     make: TestClientPackage
//   - the emulator is what the vendor's own web SDK takes it for, call by call and refusal by refusal: TestWebSDK
//   - the commands and examples of the README do what it says: TestREADME, TestBrowserExample; its translation has the
//     same ones, and the same tables, links and names: TestREADMEsAreOne, TestOtherThanTheOther; each command of the page
//     for backends prints what stands beneath it: TestBackendsPage
//   - links in documents lead somewhere, and the tests that documents name are there: TestLinksLeadSomewhere,
//     TestNamedTestsExist
//
// Where Chromium, Node, npm, curl, python3 or the nats command is missing, or npm's registry cannot be reached, the tests
// that need them are left out, which is said on the standard error of go test; with CI=true leaving anything out is a
// failure.
package road
