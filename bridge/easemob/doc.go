// Package easemob is a client of the presence REST API of Easemob IM, and of Agora Chat, which is the same
// API abroad: set, subscribe, batch get, unsubscribe and list, the older batch status, and the app token they need.
//
// # Use
//
// Make one [Client] for an app with [New] and share it: the vendor's limits are the app's, and so are the
// client's. [Client.Get] waits for a slot and calls; who has to choose whom to ask about as late as possible
// waits with [Client.Wait] first, chooses then, and calls [Client.GetNow]. The client repeats nothing, except a
// call whose token was refused, once, and the pages of [Client.AllSubscriptions]. What may be tried again is told by [IsRetryable]; when, by the next
// Wait, which is held back while the vendor finds us too fast.
//
// [Client.Online] asks the platform's batch status instead, for apps that have not bought presence: online or
// offline, and no more (TestOnlineAsksBatchStatus, TestStatusOddities).
//
// # Concurrency
//
// Everything may be called by many goroutines at once. New starts nothing; the only goroutine of the package's
// own is a call for a token, which [Client.Close] ends and waits for. Callers of one kind of call are served in
// the order they came, and everything that waits hears its context.
//
// # Promises
//
// To the vendor:
//   - In no second do more than Rate+1 calls of a kind leave, however callers, handshakes, tokens or the whole
//     process stall (TestNeverMoreThanRatePlusOneInAnyWindow, TestServerNeverSeesMoreThanTheRate), and what waits for a
//     connection yields as slots do (TestTheWireYieldsAsSlotsDo). What the road itself bunches after that is not in our hands; it is what the room between EASEMOB_RATE and the vendor's
//     limit is for (TestBudgetIsKeptAtTheVendor).
//   - No call is made behind the limiter's back, by a redirect or a broken connection
//     (TestRedirectsAreNotFollowed, TestNoCallIsRepeatedBehindOurBack).
//   - Throttled answers hold their kind of call back, ever longer (TestThrottledAnswersHoldTheirKindBack,
//     TestBackOffGrowsToItsCapAndSuccessResetsIt), at least as long as a Retry-After asks for and a minute at most
//     (TestRetryAfterIsHonoured). What only a person can cure, a plan that is used up or presence that is not
//     bought, is asked about twice a minute at most (TestWhatOnlyAPersonCuresIsAskedRarely).
//   - Where the vendor finds the rate too fast, as while the app's own clients take part of its limit, the rate yields to
//     what goes through and comes back within a minute (TestARateYieldsAndComesBack,
//     TestWhenTheVendorEasesAllIsUsedWithinAMinute). The share of the app's clients is found
//     (TestTheShareIsFoundAtTheEmulator), and then of a hundred calls fewer than two are refused
//     (TestTheShareOfTheAppsClientsIsFound).
//   - A call whose caller is asked at the last moment, and says no, is not sent over HTTP/1.1, and not to its end over
//     HTTP/2 ([BeforeLeaving], TestWhatMayNotLeaveIsNotSent).
//   - Tokens are asked for one at a time and never in a loop (TestTokenIsMintedOnceHoweverManyWait,
//     TestTokenRevokedUnderManyCallsIsReplacedOnce, TestFailuresToMintAreKeptForTenSeconds,
//     TestTokensThatAreAllRefusedAreNotMintedInALoop), and ever more rarely where they are refused
//     (TestRefusedCredentialsAreAskedEverMoreRarely, TestRefusedFixedTokenIsTriedEverMoreRarely).
//   - Nothing is sent that it documents as too much (TestArgumentsAreCheckedBeforeAnythingIsSent).
//
// To the caller of Get and Subscribe:
//   - Every user asked for is in the answer or in Missing; what is lost, spoilt or contradictory is missing and
//     never offline (TestMatch, TestEntryOddities, FuzzPresences, TestFaultsNeverInventAState).
//   - Strings and numbers, seconds and milliseconds, [] for {} and repeated keys are all read
//     (TestEverySample, TestEntryOddities, TestConformance).
//   - Answer.Asked is a moment before which nothing of the answer was read (TestAskedIsWhenTheCallLeft).
//   - An answer that is not whole is an error of the whole call (TestAnswersThatAreNone).
//   - A call ends within Timeout whatever the other side sends, and reads a bounded part of it
//     (TestHostileAnswersEndInTime, TestAnswersAreBoundedInParts); of whom more is said than the vendor documents is
//     missing, so that every state fits into a message of the bus (TestEntriesAreBounded).
//   - Refusals are told apart as the vendor's documents have them (TestErrorTable, TestTokenErrorTable), those that
//     a user in the call may be the cause of from all others: [IsRefused].
//
// To whoever examines settings: a user who does not exist is told apart from one who could not be asked about
// (TestExists), and a token that has an end from one that has none (TestTokenExpiry).
//
// To everybody: tokens and client secrets show in no error, log line or printed value (TestNoSecretIsEverShown,
// TestProxyKeepsItsPassword).
//
// # Debugging
//
// An [Error] is one line that names the call, what was said, and what to do where that is known. With a debug
// logger in [Config], each hold-back is logged with its length.
//
// # Tests
//
// testdata holds the vendor's samples, verbatim. Time is testing/synctest's where it matters. The conformance
// test runs against package emulator, which was written apart from this one and shares no type with it.
//
// Comments name the source of what is not obvious: SEED is the vendor's page of June 2022, ED23, ED24 and ED+
// its documents of 2023, 2024 and later, AG Agora's and SW Shengwang's, JAVA, JS, TS5 and C++ the vendor's own
// clients and their tests.
package easemob
