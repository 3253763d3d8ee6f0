// Package processors has a process run Go code on as many processors as its work fills, and not on all there are.
//
// Whenever a goroutine becomes ready while a processor is idle, Go's scheduler wakes a thread to help. A hub hands over
// several times for each change and each connection, and the work that is handed over is short: the thread finds nothing
// to do, looks around for a while, and goes back to sleep. On two processors that was a fifth of what a delivery costs
// and two fifths of what a connection does.
//
// What holds:
//   - One processor at rest, twice as many as soon as those at work are full, never more than Go would have taken
//     (TestAsManyAsTheWorkFills).
//   - None more where the machine's others are busy with other processes (TestAsManyAsTheWorkFills): there is nothing to
//     be had of them.
//   - One follows in a process (TestOneFollows), and leaves things as they were (TestAllAreThereAgain).
//   - Whoever has set GOMAXPROCS is obeyed (TestWhoSetsGOMAXPROCSIsObeyed).
//   - A hub of its own starts with one (TestServeRoles, of the command).
//
// How many Go would have taken is read when following begins: a container's limit that is changed later counts for the
// next process. Elsewhere than on Linux nothing is changed.
package processors
