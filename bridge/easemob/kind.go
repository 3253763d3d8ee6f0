package easemob

import "fmt"

// Kind is one kind of call. The vendor limits each kind by itself, for the whole app.
type Kind int

// The kinds of calls that are limited.
const (
	KindSet Kind = iota
	KindSubscribe
	KindGet
	KindUnsubscribe
	KindList
	KindBatchStatus
	kindToken // not limited here: it is made once in a long while, see tokens
)

const limitedKinds = int(kindToken)

var kindNames = [...]string{"set", "subscribe", "get", "unsubscribe", "sublist", "batch_status", "token"}

// String names the kind as metrics and errors do: set, subscribe, get, unsubscribe, sublist, batch_status.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}

func (k Kind) limited() bool { return k >= 0 && int(k) < limitedKinds }
