// Package web embeds what browsers load: the client presence.js with its types and adapters, and the live page.
//
// Everything is served from one origin under a policy that starts from "default-src 'none'": no inline script or style,
// nothing from elsewhere (TestPageLoadsOnlyWhatIsEmbedded, TestNothingIsInline; in a browser the road's TestPage).
// Every file refers to the others by relative names, so all of [Files] belongs under one path, normally the root.
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
// A file for each thing that one sees: page.js chooses language, theme and whom to show, live.js connects and tells the
// others; list.js and row.js are the people, panel.js one of them, log.js the last changes, chart.js the charts, wire.js
// the frames, mine.js one's own presence, token.js the prompt, header.js the feed and the counts, tools.js what one
// chooses by. What they show is worked out without a DOM: people.js (who, in which order), window.js (which rows), format.js,
// explain.js, feedstate.js, devices.js and time.js (words), series.js (charts), tap.js (the wire), uids.js,
// hubclock.js (the time by the hub's clock, whatever this machine's says: test/hubclock.test.js, and TestPage, whose browser
// is an hour off).
//
// It promises, and these hold it to that (Node tests are in test/, browser tests in the road):
//
//   - Stale, pending and denied are never shown as offline: page.test.js, panel.test.js, TestBrowser, TestPage.
//   - Every word is in texts.js, in English and in Chinese, every code of the hub among them: texts.test.js, TestPage.
//   - The token is in memory only, and on the wire as it is shown it is hidden: tap.test.js, TestPage.
//   - Ten thousand people are as many rows as fit into the window: TestPageOfTenThousand.
//   - It is of use without a mouse, and axe finds nothing serious: TestPage.
//
// For tests in a browser it keeps these hooks: body[data-feed][data-stale][data-view], [data-uid][data-state]
// [data-observed-at] on each row in sight with [data-device][data-status] and [data-ext] within, #count-online and its
// like, and #log li.
//
// The JavaScript is tested with "node --test web/" (Node 20 or later, no packages), against a
// WebSocket and a clock moved by hand (testing/harness.js). testing/real.js and testing/adapters.js want a real hub,
// and are run by the road's tests.
package web
