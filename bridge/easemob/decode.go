package easemob

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Presence is what the vendor says of one user.
type Presence struct {
	UID      string            // lower-cased
	Online   bool              // any device is; of a batch status, the vendor's word
	Status   map[string]string // device -> "0" offline, "1" online, other digits custom; empty: no device was ever seen; nil: of a batch status, which tells of none
	Ext      string            // the user's text, one for all devices
	LastTime time.Time         // last login or logout; zero where the vendor has none
	Expiry   time.Time         // of the subscription, in answers to a subscribe only
}

func (p Presence) equal(o Presence) bool {
	return p.UID == o.UID && p.Online == o.Online && p.Ext == o.Ext && maps.Equal(p.Status, o.Status) &&
		p.LastTime.Equal(o.LastTime) && p.Expiry.Equal(o.Expiry)
}

// entry is one element of an answer. Where err is set, only the uid is of use, if there is one.
type entry struct {
	uid  string
	read bool // whether uid could be read; the vendor does send empty ones (SEED)
	Presence
	err error
}

// decodePresences reads the answer to a get or a subscribe. A single bad element spoils only itself.
func decodePresences(result json.RawMessage) ([]entry, error) {
	list, err := elements(result)
	if err != nil {
		return nil, fmt.Errorf("decoding result: %w", err)
	}
	entries := make([]entry, len(list))
	for i, raw := range list {
		entries[i] = decodeEntry(raw)
	}
	return entries, nil
}

// maxEntry is how much may be said of one user: the most that the vendor documents, 100 devices and an ext of 1,024
// bytes, is some 30 KiB at the worst. What is said goes on, with what was said before, in one message of a bus that takes
// 1 MB, where either may be written with six bytes for one.
const maxEntry = 64 << 10

func decodeEntry(raw json.RawMessage) (e entry) {
	f, err := fields(raw)
	if f == nil {
		e.err = err
		return e
	}
	var uidErr error
	e.uid, uidErr = text(f["uid"])
	e.read = uidErr == nil && err == nil
	e.uid = fold(e.uid)
	if err == nil && len(raw) > maxEntry {
		err = fmt.Errorf("it has %d bytes, %d are the most", len(raw), maxEntry)
	}
	if err = errors.Join(err, uidErr); err == nil {
		e.Presence, err = decodePresence(e.uid, f)
	}
	e.err = err
	return e
}

func decodePresence(uid string, f map[string]json.RawMessage) (p Presence, err error) {
	p.UID = uid
	if p.Status, err = decodeStatus(f["status"]); err != nil {
		return p, fmt.Errorf("decoding status: %w", err)
	}
	p.Online = anyOnline(p.Status)
	if p.Ext, err = text(f["ext"]); err != nil {
		return p, fmt.Errorf("decoding ext: %w", err)
	}
	if p.LastTime, err = instant(f["last_time"]); err != nil {
		return p, fmt.Errorf("decoding last_time: %w", err)
	}
	if p.Expiry, err = instant(f["expiry"]); err != nil {
		return p, fmt.Errorf("decoding expiry: %w", err)
	}
	return p, nil
}

// decodeStatus reads device -> status. A user who was never there has an empty array for it (JAVA's test
// against the real server); no status at all is not the same, and would make a lost field look offline.
func decodeStatus(raw json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 {
		return nil, errors.New("there is none")
	}
	status := map[string]string{}
	if string(raw) == "null" {
		return status, nil
	}
	if isArray(raw) {
		if list, err := elements(raw); err != nil || len(list) > 0 {
			return nil, errors.New("it is an array with something in it")
		}
		return status, nil
	}
	devices, err := members(raw)
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		value, err := decodeStatusValue(d.raw)
		if err != nil {
			return nil, fmt.Errorf("device %.40q: %w", d.key, err)
		}
		if value == "0" && status[d.key] != "" { // given twice: never offline by accident
			continue
		}
		status[d.key] = value
	}
	return status, nil
}

func anyOnline(status map[string]string) bool {
	for _, s := range status {
		if s != "0" {
			return true
		}
	}
	return false
}

func decodeStatusValue(raw json.RawMessage) (string, error) {
	s, err := literal(raw)
	if err != nil {
		return "", err
	}
	if !digits(s) {
		return "", fmt.Errorf("%.40q is no status", s)
	}
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0", nil
	}
	return s, nil
}

// Subscription is one user whom an operator subscribes.
type Subscription struct {
	UID    string // lower-cased
	Expiry time.Time
}

// SubscriptionPage is one page of an operator's subscriptions.
type SubscriptionPage struct {
	Total         int // of all pages, as the vendor counts
	Subscriptions []Subscription

	size int // elements on the page, readable or not
}

func decodeSubscriptions(result json.RawMessage) (page SubscriptionPage, err error) {
	if list, err := elements(result); err == nil && len(list) == 0 {
		return page, nil // an empty object may be an empty array here as well, as in status
	}
	f, err := fields(result)
	if err != nil {
		return page, fmt.Errorf("decoding result: %w", err)
	}
	total, err := integer(f["totalnum"])
	if err != nil || total < 0 || total > 1<<31-1 {
		return page, errors.Join(errors.New("decoding totalnum: it is no count"), err)
	}
	page.Total = int(total)
	if absent(f["sublist"]) {
		return page, nil
	}
	list, err := elements(f["sublist"])
	if err != nil {
		return page, fmt.Errorf("decoding sublist: %w", err)
	}
	page.size = len(list)
	for _, raw := range list {
		if s, err := decodeSubscription(raw); err == nil {
			page.Subscriptions = append(page.Subscriptions, s)
		}
	}
	return page, nil
}

// decodeSubscription reads one element; one that is spoilt is left out, which costs a subscribe at worst.
func decodeSubscription(raw json.RawMessage) (s Subscription, err error) {
	f, err := fields(raw)
	if err != nil {
		return s, err
	}
	if s.UID, err = text(f["uid"]); err != nil {
		return s, err
	}
	if s.UID = fold(s.UID); s.UID == "" {
		return s, errors.New("it has no uid")
	}
	s.Expiry, err = instant(f["expiry"])
	return s, err
}
