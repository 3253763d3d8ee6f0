package emulator

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	callbackTimeout = 60 * time.Second // ED+ login page
	callbackBacklog = 1024             // more logins and logouts than that are not told
)

// event is the body of the "userStatus" callback, field by field as sampled (ED+ callback_login_logout).
type event struct {
	CallID    string `json:"callId"`
	Reason    string `json:"reason"`
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

// callbacks post an event for every login and logout, one after another.
type callbacks struct {
	rule   Callback
	appKey string
	log    *slog.Logger
	queue  chan event // nil, and so never filled, where no rule is set
}

func newCallbacks(o Options) *callbacks {
	c := &callbacks{rule: o.Callback, appKey: o.Org + "#" + o.App, log: o.Logger}
	if c.rule.URL != "" {
		c.queue = make(chan event, callbackBacklog)
	}
	return c
}

// add queues an event, or drops it: the vendor too delivers most, not all.
func (c *callbacks) add(uid, device string, online bool) {
	select {
	case c.queue <- c.event(uid, device, online, time.Now()):
	default:
	}
}

func (c *callbacks) event(uid, device string, online bool, now time.Time) event {
	os, _, _ := strings.Cut(device, "_")
	e := event{
		CallID:    c.appKey + "_" + newToken()[:36],
		Reason:    "logout",
		OS:        os,
		IP:        "127.0.0.1",
		Host:      "msync@emulator",
		AppKey:    c.appKey,
		User:      fmt.Sprintf("%s_%s@easemob.com/%s", c.appKey, uid, device),
		Version:   "3.8.9.1",
		Timestamp: now.UnixMilli(),
		Status:    "offline",
	}
	if online {
		e.Reason, e.Status = "login", "online"
	}
	e.Security = sign(e.CallID, c.rule.Secret, e.Timestamp)
	return e
}

// sign is lower-case hex MD5(callId + secret + timestamp); it covers neither user nor status (ED+).
func sign(callID, secret string, timestamp int64) string {
	sum := md5.Sum([]byte(callID + secret + strconv.FormatInt(timestamp, 10)))
	return hex.EncodeToString(sum[:])
}

// run delivers until ctx is done.
func (c *callbacks) run(ctx context.Context) {
	transport := c.rule.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		defer own.CloseIdleConnections()
		transport = own
	}
	client := &http.Client{Transport: transport, Timeout: callbackTimeout}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-c.queue:
			c.deliver(ctx, client, e)
		}
	}
}

// deliver posts once, and once more at once if that was not a 200; then the event is lost (ED+ post-sending).
func (c *callbacks) deliver(ctx context.Context, client *http.Client, e event) {
	body := encode(e)
	err := c.post(ctx, client, body)
	if err != nil && ctx.Err() == nil {
		err = c.post(ctx, client, body)
	}
	if err != nil && ctx.Err() == nil {
		c.log.Warn("a callback is lost", "user", e.User, "err", err)
	}
}

func (c *callbacks) post(ctx context.Context, client *http.Client, body []byte) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.rule.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("posting a callback: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("posting a callback: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	_, _ = io.CopyN(io.Discard, resp.Body, 1000) // the most that an answer may have (ED+)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("posting a callback: answered %s", resp.Status)
	}
	return nil
}
