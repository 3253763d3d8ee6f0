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
// # Concurrency
//
// One mutex guards everything that sessions share. Each socket has three goroutines, which its handler waits
// for; Run and Serve each wait for what they start. [Hub.Serve] lets clients go before it returns.
package hub
