// Package schedule decides whose look is worth most next.
//
// Looks are few: a call is for a hundred users, and the calls a second are given. To look at everybody in turn shows
// each change half a turn late, whether many wait to see it or nobody, and whether the user changes once a minute or
// once a week. Changes are shown soonest, in the mean over all who watch, where a user is looked at in proportion to
// the square root of watchers times hazard, the hazard being how likely the user is to change in the next second.
//
// # How
//
// It is stride scheduling: each user has a key in virtual time, a call takes those with the least keys, and virtual
// time goes with them. The next key of a user is a stride later, and a stride is 1 over that square root. So there is
// nothing to tune to the number of users or of calls, and every call is full.
//
// The hazard is learned. What tells most is how long a user has been as it is: who has just changed is likely to
// change again. [hazards] is a table of that, by online or offline and by octaves of the age, of the whole population;
// [Record] is how much more or less than the others one user changes. Nobody counts as changing more than once a
// minute, so that few who flap do not take the looks of all others.
//
// Four things come before the turn: what a user has set of their own, who was in a call that failed, newcomers, and
// hints. The latter two have shares of a call, which they exceed only where nobody else is there. A list of
// all users by their last look holds the guarantee that nobody goes unlooked at for longer than MaxStaleness.
//
// A call is for the users of one operator, each of whom has a heap and a list.
//
//	s := schedule.New(schedule.Config{Operators: 1, Batch: 100, Rate: 40, MaxStaleness: 30 * time.Second, Revisit: 500 * time.Millisecond, Start: now})
//	id := s.Add(0, watchers, schedule.Known{}, now)
//	operator, picks := s.Next(now, nil)
//	for _, p := range picks { s.Done(p.ID, schedule.Look{At: now, Online: true, Changed: true}) }
//
// A [Schedule] has no goroutine and no clock, and is not safe for concurrent use. The same seed and the same calls
// make the same schedule.
//
// # Promises
//
//   - Held against round robin and against a schedule that knows how often everybody changes, over the same lives:
//     TestGates has the table. Where the age of a state tells nothing, next to nothing is lost: TestMemoryless.
//     Where changes come and go between two looks, the vendor's last_time tells of them: TestLastTime.
//   - Few who flap take little from the others: TestFlapstorm.
//   - Nobody goes unlooked at for longer than MaxStaleness and two calls, as long as one turn of everybody fits in, and
//     also where the calls become fewer, as long as one and a half do: TestGates, TestBudgetIsCut. Where not even one
//     fits in, everybody is looked at within one and a half: TestCallsDoNotSuffice.
//   - Who is new is looked at in the next call or the one after it: TestChurn. A hint is followed by the next call:
//     TestCallbacks, also where one is under way: TestHintsDuringACallMeanAnotherLook. Neither takes the looks of all
//     others: TestShares. Who was overtaken is looked at again, soon: TestWhoWasOvertakenGoesFirst.
//   - Watchers count by their square root, and at once where they become more: TestWatchersByTheSquareRoot,
//     TestMoreWatchersBringATurnForward.
//   - Ten operators cost a few percent: TestManyOperators.
//   - Calls are full, nobody is in two, nobody is lost, starved, or looked at again too soon: TestWhateverHappens.
//     Failed calls are made again: TestFailedCallsAreMadeAgain, and nobody has to wait for that who has set a status:
//     TestAnOwnSetGoesFirstAlsoAfterAFailedCall. Where the vendor refuses full calls they are as small as is told:
//     TestCallsOfAnOperatorAreNoLargerThanItsLimit. Where it answers late, looks leave sooner:
//     TestLateAnswersBringTheGuaranteeForward.
//     An operator that is held is tried one call at a time: TestHeldOperatorsAreTriedOneCallAtATime.
//   - Where somebody is, and when the next look is to be expected: TestPlaceTellsTheLane, TestDueIsWhenTheLookComes.
//   - What was learned can be written down and read: TestWhatWasLearnedCanBeWrittenAndRead, FuzzReadLearned.
//   - A look costs about a microsecond among a million users, allocates nothing, and a user takes 80 bytes:
//     BenchmarkLook, TestLooksAllocateNothing.
//
// # Tests
//
// population_test.go draws people and their days, bench_z_test.go looks at them under a budget in fake time. Those tests
// are left out under the race detector.
package schedule
