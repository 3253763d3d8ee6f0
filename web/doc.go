// Package web embeds what browsers load: the client presence.js with its types, and the live page.
//
// Everything is served from one origin under the strictest policy a page can have,
// "default-src 'self'": no inline script or style, nothing from elsewhere
// (TestPageLoadsOnlyWhatIsEmbedded, TestNothingIsInline). Every file refers to the others by
// relative names, so all of [Files] belongs under one path, normally the root.
//
// presence.js is one file without dependencies and can be copied out alone. It promises that a state
// never goes back in time, that a reconnect skips no change, and that lost connections and a degraded
// feed make states stale, never offline (test/resume.test.js, test/cursors.test.js). The frames it
// sends and reads are the golden ones in hub/testdata/frames, which the hub's tests read too
// (test/frames.test.js).
//
// The page is thin: uids.js and format.js are pure, card.js, board.js, log.js and header.js draw,
// page.js wires. For tests in a browser it keeps these hooks: body[data-feed][data-stale][data-view],
// [data-uid][data-state][data-observed-at] on each card with [data-device][data-status] and [data-ext]
// within, and #log li. Devices folded into "+2 offline" keep their element, hidden.
//
// The JavaScript is tested with "node --test web/" (Node 20 or later, no packages), against a
// WebSocket and a clock moved by hand (testing/harness.js).
package web
