package easemob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// ErrOnlineOnly is wrapped by what the platform's batch status has no call for.
var ErrOnlineOnly = errors.New("EASEMOB_STATUS=online asks the vendor who is online, and no more")

// Online asks POST /users/batch/status in place of the presence calls, for apps that have not bought presence. It
// stands where a Client stands for those who look at users and those who set their presence: a get is a batch
// status, and a set is refused. It takes slots of a kind of its own.
type Online struct{ client *Client }

// Online is the client for apps that have not bought presence.
func (c *Client) Online() Online { return Online{c} }

// Wait waits for the next slot of a batch status, which is what a get is here.
func (o Online) Wait(ctx context.Context, kind Kind) error {
	if kind != KindGet {
		return fmt.Errorf("easemob %s: %w", kind, ErrOnlineOnly)
	}
	return o.client.Wait(ctx, KindBatchStatus)
}

// Rate is how many calls a second there may be now, of KindGet; 0 of any other kind.
func (o Online) Rate(kind Kind) float64 {
	if kind != KindGet {
		return 0
	}
	return o.client.Rate(KindBatchStatus)
}

// GetNow asks for up to [MaxUIDs] users in a slot that the caller has taken. Nobody's name is in the call, so
// operator is of no account. Whom the vendor does not know is offline (ED+); Status is nil, for devices, texts and
// times are not told.
func (o Online) GetNow(ctx context.Context, _ string, uids []string) (Answer, error) {
	asked, err := checkUIDs(uids)
	if err != nil {
		return Answer{}, err
	}
	got, err := o.client.result(ctx, request{
		kind: KindBatchStatus, method: http.MethodPost, path: "/users/batch/status", field: inData,
		body: encode(map[string][]string{"usernames": asked}), limit: maxBatchBody,
	})
	if err != nil {
		return Answer{}, err
	}
	entries, err := decodeStatuses(got.raw)
	if err != nil {
		return Answer{}, garbled(KindBatchStatus, http.StatusOK, err)
	}
	return matchAt(got.asked, asked, entries), nil
}

// SetPresence is refused: nobody's presence can be set.
func (o Online) SetPresence(context.Context, string, string, string, string) error {
	return fmt.Errorf("easemob %s: %w", KindSet, ErrOnlineOnly)
}

// decodeStatuses reads [{"user1":"offline"},{"user2":"online"}], as it is documented, and the same in one object,
// as the call for a single user has it (ED+). A single bad element spoils only itself.
func decodeStatuses(data json.RawMessage) ([]entry, error) {
	if !isArray(data) {
		return decodeWords(data)
	}
	list, err := elements(data)
	if err != nil {
		return nil, fmt.Errorf("decoding data: %w", err)
	}
	var entries []entry
	for _, raw := range list {
		if words, err := decodeWords(raw); err == nil {
			entries = append(entries, words...)
		}
	}
	return entries, nil
}

// decodeWords reads user -> "online" or "offline". Any other word is none, for a guess would make somebody offline.
func decodeWords(raw json.RawMessage) ([]entry, error) {
	users, err := members(raw)
	if err != nil {
		return nil, fmt.Errorf("decoding data: %w", err)
	}
	var entries []entry
	for _, u := range users {
		e := entry{uid: fold(u.key), read: true}
		word, err := text(u.raw)
		switch {
		case err != nil:
			e.err = err
		case word != "online" && word != "offline":
			e.err = fmt.Errorf("%.40q is no status", word)
		}
		e.Presence = Presence{UID: e.uid, Online: word == "online"}
		if e.uid != "" { // one without a name is nobody's: no sample has one
			entries = append(entries, e)
		}
	}
	return entries, nil
}
