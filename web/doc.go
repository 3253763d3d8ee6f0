// Package web embeds what browsers load: the client presence.js with its types and adapters, and the live page.
//
// Everything is served from one origin under the strictest policy a page can have,
// "default-src 'self'": no inline script or style, nothing from elsewhere
// (TestPageLoadsOnlyWhatIsEmbedded, TestNothingIsInline). Every file refers to the others by
// relative names, so all of [Files] belongs under one path, normally the root.
//
// # The client
//
// client/ is what is written: frames.js, cursors.js, entry.js and outbox.js are pure, presence.js is the client,
// sse.js the way around blocked WebSockets, port.js and relay.js the two ends of tabs that share a worker. build.js
// makes of it what is served: static/presence.js, which stands alone and has at most 6 KB compressed
// (TestClientStandsAlone, TestClientIsSmall), sse.js, shared.js and worker.js. Each says of which sources it was made,
// and test/build.test.js holds it to that; the road's TestClientPackage builds them again. After a change in client/:
// npm ci && npm run build.
//
// It promises that a state never goes back in time, that a reconnect skips no change, and that lost connections and a
// degraded feed make states stale, never offline (test/resume.test.js, test/cursors.test.js, test/relay.test.js for
// tabs that share). A dead network is noticed within two heartbeats (test/connection.test.js), tokens are renewed in
// time (test/token.test.js), a hidden page sleeps and wakes at once (test/sleep.test.js). The frames it sends and reads
// are the golden ones in hub/testdata/frames, which the hub's tests read too (test/frames.test.js).
//
// store.js is what the adapters react.js, vue.js and svelte.js stand on (test/store.test.js).
//
// # The page
//
// The page is thin: uids.js and format.js are pure, card.js, board.js, log.js and header.js draw,
// page.js wires. For tests in a browser it keeps these hooks: body[data-feed][data-stale][data-view],
// [data-uid][data-state][data-observed-at] on each card with [data-device][data-status] and [data-ext]
// within, and #log li. Devices folded into "+2 offline" keep their element, hidden.
//
// The JavaScript is tested with "node --test web/" (Node 20 or later, no packages), against a
// WebSocket and a clock moved by hand (testing/harness.js). testing/real.js and testing/adapters.js want a real hub,
// and are run by the road's tests.
package web
