package emulator

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A reason is why the vendor tells of a device.
type reason string

const (
	login    reason = "login"
	logout   reason = "logout"
	replaced reason = "replaced" // had to make room for a login of the same platform (ED+)
)

func (r reason) status() string {
	if r == login {
		return "online"
	}
	return "offline"
}

// event is the body of the "userStatus" callback, field by field as sampled (ED+ callback_login_logout).
type event struct {
	CallID    string `json:"callId"`
	Reason    reason `json:"reason"`
	Security  string `json:"security"`
	OS        string `json:"os"`
	IP        string `json:"ip"`
	Host      string `json:"host"`
	AppKey    string `json:"appkey"`
	User      string `json:"user"`
	Version   string `json:"version"`
	Timestamp int64  `json:"timestamp"`
	Status    string `json:"status"`
}

// newEvent is an event of an app, signed with the secret of its rule.
func newEvent(appKey, secret, uid, device string, why reason, now time.Time) event {
	e := event{
		CallID:    appKey + "_" + newUUID(),
		Reason:    why,
		OS:        platformOf(device),
		IP:        "127.0.0.1:52709",
		Host:      "msync@emulator",
		AppKey:    appKey,
		User:      fmt.Sprintf("%s_%s@easemob.com/%s", appKey, uid, device),
		Version:   "3.8.9.1",
		Timestamp: now.UnixMilli(),
		Status:    why.status(),
	}
	e.Security = sign(e.CallID, secret, e.Timestamp)
	return e
}

// sign is lower-case hex MD5(callId + secret + timestamp); it covers neither user nor status (ED+).
func sign(callID, secret string, timestamp int64) string {
	sum := md5.Sum([]byte(callID + secret + strconv.FormatInt(timestamp, 10)))
	return hex.EncodeToString(sum[:])
}

// platformOf is the type of a device, {device type}_{resource ID} (ED24); a key may be a bare type (SEED).
func platformOf(device string) string {
	platform, _, _ := strings.Cut(device, "_")
	return platform
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program first
	return uuid(b[:])
}

// uuid writes sixteen bytes as one.
func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
