package hub

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// callbackAge is how far the time of a callback may be from ours, either way. The vendor wants to deliver within
// 30 s and sends again after 60 (ED+ callback_login_logout); the rest is for clocks.
const callbackAge = 5 * time.Minute

// door tells the vendor's callbacks from everybody else's. It has no state and no clock.
type door struct {
	app    bridge.App
	secret string // of the vendor's rule
}

// seal is what of a callback the signature covers, and the signature.
type seal struct {
	CallID    string      `json:"callId"`
	Timestamp json.Number `json:"timestamp"`
	Security  string      `json:"security"`
}

// userStatus is what else counts of a callback about a login or a logout. Those about messages have an event
// type.
type userStatus struct {
	AppKey    string `json:"appkey"`
	User      string `json:"user"`
	Status    string `json:"status"`
	EventType string `json:"eventType"`
}

var (
	errNoJSON     = refuse(http.StatusBadRequest, "no_json", "the body is not JSON")
	errSignature  = refuse(http.StatusUnauthorized, "bad_signature", "security is not the MD5 of callId, the rule's secret and timestamp")
	errUnknownApp = refuse(http.StatusForbidden, "unknown_app", "this hub serves another app")
)

// open checks the signature, before anything else is looked at.
func (d door) open(body []byte) (s seal, err error) {
	err = json.Unmarshal(body, &s)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return seal{}, errNoJSON
	case err != nil, s.CallID == "", subtle.ConstantTimeCompare([]byte(d.sign(s)), []byte(s.Security)) != 1:
		return seal{}, errSignature
	}
	return s, nil
}

// sign is the vendor's way: lower-case hex of MD5(callId + secret + timestamp), the latter as it is written. It
// covers neither the app nor the user (ED+), so that neither is to be believed.
func (d door) sign(s seal) string {
	sum := md5.Sum([]byte(s.CallID + d.secret + s.Timestamp.String()))
	return hex.EncodeToString(sum[:])
}

// read finds out of whom a signed callback tells, callbackHinted with it, or why it is of no use.
func (d door) read(body []byte, s seal, now time.Time) (uid bridge.UID, result string, err error) {
	var about userStatus
	if !s.fresh(now) {
		return "", callbackStale, nil
	}
	if json.Unmarshal(body, &about) != nil || about.EventType != "" || about.User == "" || about.Status == "" {
		return "", callbackIgnored, nil
	}
	if !d.ours(about.AppKey) {
		return "", "", errUnknownApp
	}
	if uid, err = uidOf(about.User, about.AppKey); err != nil {
		return "", callbackMalformed, nil
	}
	return uid, callbackHinted, nil
}

func (s seal) fresh(now time.Time) bool {
	ms, err := strconv.ParseInt(s.Timestamp.String(), 10, 64)
	return err == nil && now.Sub(time.UnixMilli(ms)).Abs() <= callbackAge
}

// ours says whether an app key is of the app that the bridge serves. Of an app that is reached by its app id the
// bridge does not know the key, which callbacks have all the same (AG _chat_receive_webhook): the secret, which
// is of one rule of one app, has to do.
func (d door) ours(key string) bool {
	return d.app.Org == "app-id" || strings.EqualFold(key, d.app.String())
}

// userHost is between the name and the device of who logged in or out.
const userHost = "@easemob.com/"

var errNoUser = errors.New("not {appkey}_{username}@easemob.com/{device}")

// uidOf reads {appkey}_{username}@easemob.com/{device}. User names may contain "_", and nobody says what a device
// may be called; the name ends at the last of its marks.
func uidOf(user, appKey string) (bridge.UID, error) {
	end := strings.LastIndex(user, userHost)
	if end < 0 {
		return "", errNoUser
	}
	name, prefix := user[:end], appKey+"_"
	if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
		name = name[len(prefix):]
	}
	return bridge.ParseUID(name)
}
