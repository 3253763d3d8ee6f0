package bridge

// FeedCode is a reason of a feed for programs, such as a page in another language: it stays when the words change. What each
// means stands in web/PROTOCOL.md, which TestFeedCodes compares with these.
type FeedCode string

// The reasons of a feed that is not live.
const (
	FeedNoPoller      FeedCode = "no_poller"
	FeedNATSAway      FeedCode = "nats_away"
	FeedVendorRefuses FeedCode = "vendor_refuses"
	FeedVendorSilent  FeedCode = "vendor_silent"
	FeedVendorFails   FeedCode = "vendor_fails"
	FeedUnknownUsers  FeedCode = "unknown_users"
	FeedOldLooks      FeedCode = "old_looks"
	FeedNewcomersWait FeedCode = "newcomers_wait"
	FeedNotWritten    FeedCode = "not_written"
	FeedTakenOver     FeedCode = "taken_over"
	FeedCallFailed    FeedCode = "call_failed"
	FeedUsersLeftOut  FeedCode = "users_left_out"
	FeedSlowAnswers   FeedCode = "slow_answers"
	FeedRateTooLow    FeedCode = "rate_too_low"
	FeedLimitTooLow   FeedCode = "limit_too_low"
)

// maxFeedCodes and maxFeedCode are as many codes, of as many bytes each, as are read.
const (
	maxFeedCodes = 16
	maxFeedCode  = 64
)

// readable are the first of these codes that one can be sent on. A poller that is newer than this program may know more.
func readable(codes []FeedCode) (list []FeedCode) {
	for _, c := range codes[:min(len(codes), maxFeedCodes)] {
		if 0 < len(c) && len(c) <= maxFeedCode {
			list = append(list, c)
		}
	}
	return list
}
