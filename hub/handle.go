package hub

import (
	"context"
	"net/http"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// setWithin is how long the vendor may take to set a presence.
const setWithin = 10 * time.Second

// handle does what a message of a WebSocket asks for.
func (k *socket) handle(ctx context.Context, m message) error {
	if m.Type == "auth" {
		return k.authenticate(m.Token, m.ID)
	}
	if !k.greeted() {
		return closeToken.because("the first message has to be auth")
	}
	switch m.Type {
	case "subscribe":
		return k.subscribe(ctx, m)
	case "unsubscribe":
		return k.unsubscribe(m)
	case "set":
		return k.set(ctx, m)
	}
	k.reply(encode(okMessage{Type: "pong", ID: m.ID}))
	return nil
}

func (k *socket) greeted() bool {
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	return k.session.greeted
}

// authenticate lets the client in, or renews what it may do.
func (k *socket) authenticate(token, id string) error {
	g, err := k.hub.auth.verify(token)
	if err != nil {
		return closeOf(err)
	}
	if k.greeted() {
		return k.hub.renew(k.session, id, g)
	}
	k.hub.mu.Lock()
	defer k.hub.mu.Unlock()
	if why := k.hub.admit(k.session, g); why != nil {
		return why
	}
	k.hub.expireAt(k.session, g.expires)
	k.session.reply(k.hub.welcome(k.session))
	return nil
}

// welcome is the first message to a client. The caller holds mu.
func (h *Hub) welcome(s *session) []byte {
	return encode(welcomeMessage{
		Type: "welcome", Session: s.id, UID: s.grant.subject, HeartbeatMS: heartbeat.Milliseconds(), Feed: h.feed,
		Limits: limitsFrame{
			MaxUIDs: h.limits.MaxUIDsPerConnection, MaxMessageBytes: h.limits.MaxMessageBytes,
			MaxMessagesPerSecond: h.limits.MaxMessagesPerSecond,
		},
	})
}

func (k *socket) subscribe(ctx context.Context, m message) error {
	uids, err := parseUIDs(m.UIDs, k.hub.limits.MaxUIDsPerConnection)
	if err != nil {
		return err
	}
	return k.hub.subscribe(ctx, k.session, m.ID, uids, m.Since)
}

func (k *socket) unsubscribe(m message) error {
	uids, err := parseUIDs(m.UIDs, k.hub.limits.MaxUIDsPerConnection)
	if err != nil {
		return err
	}
	k.hub.unsubscribe(k.session, uids)
	k.reply(encode(okMessage{Type: "ok", ID: m.ID}))
	return nil
}

// set sets the presence of the token's own subject: the message names nobody else.
func (k *socket) set(ctx context.Context, m message) error {
	k.hub.mu.Lock()
	g := k.session.grant
	k.hub.mu.Unlock()
	if g.subject == "" {
		return refuse(http.StatusForbidden, "no_subject", "the token has no sub, so there is nobody to set; PUT /v1/presence/{uid}/{resource} names the user")
	}
	if err := k.hub.setPresence(ctx, g, g.subject, setting{Resource: m.Resource, Status: m.Status, Ext: m.Ext}); err != nil {
		return err
	}
	k.reply(encode(okMessage{Type: "ok", ID: m.ID}))
	return nil
}

// setting is what a user wants to be seen as.
type setting struct {
	Resource string `json:"-"`
	Status   string `json:"status"`
	Ext      string `json:"ext"`
}

// setPresence sets a user's presence at the vendor and asks the poller to look at the user in its next call,
// which is how everybody, the user included, comes to see it: what the log says is what the vendor says.
func (h *Hub) setPresence(ctx context.Context, g grant, uid bridge.UID, s setting) error {
	if !g.maySet(uid) {
		return refuse(http.StatusForbidden, "not_allowed", "the token does not let its holder set this user; it needs set:true, and sub has to be the user")
	}
	if h.vendor == nil {
		return refuse(http.StatusNotImplemented, "read_only", "this hub has no credentials of the vendor and only shows presence")
	}
	done, err := h.startSetting(uid)
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, setWithin)
	defer cancel()
	if err := h.vendor.SetPresence(ctx, string(uid), s.Resource, s.Status, s.Ext); err != nil {
		return vendorRefusal(err)
	}
	if err := h.bus.PublishHint(bridge.Hint{UID: uid, Source: bridge.SourceBridge}); err != nil {
		h.log.Warn("hinting at a set", "error", err) // it is seen in turn, then
	}
	return nil
}
