package road

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// frame is any message of a hub.
type frame struct {
	Type      string            `json:"type"`
	ID        string            `json:"id"`
	Cursor    string            `json:"cursor"`
	Presences []bridge.Presence `json:"presences"`
	Pending   []string          `json:"pending"`
	Denied    []string          `json:"denied"`
	Complete  *bool             `json:"complete"`
	State     string            `json:"state"`
	Feed      frameFeed         `json:"feed"`
	Code      string            `json:"code"`
}

type frameFeed struct {
	State string `json:"state"`
}

// view is what a client shows, built from frames by nothing but the rules of the protocol.
type view struct {
	mu        sync.Mutex
	states    map[bridge.UID]bridge.Presence
	told      int // states received
	cursor    string
	pending   []string
	feed      string
	feeds     []string // all that it was
	offline   int      // states received that say so
	answered  bool
	wentBack  string // the first user whose observed_at went back
	closeCode websocket.StatusCode
}

func newView() *view { return &view{states: map[bridge.UID]bridge.Presence{}} }

func (v *view) take(f frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch f.Type {
	case "welcome":
		v.feed = f.Feed.State
	case "feed":
		v.feed = f.State
	case "subscribed":
		v.answered, v.pending = true, f.Pending
	}
	if f.Type == "welcome" || f.Type == "feed" {
		v.feeds = append(v.feeds, v.feed)
	}
	if f.Cursor != "" {
		v.cursor = f.Cursor
	}
	for _, p := range f.Presences {
		if !p.Online {
			v.offline++
		}
		if v.states[p.UID].ObservedAt > p.ObservedAt && v.wentBack == "" {
			v.wentBack = string(p.UID)
		}
		v.states[p.UID] = p
		v.told++
	}
}

func (v *view) get(uid string) (bridge.Presence, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, ok := v.states[bridge.UID(uid)]
	return p, ok
}

func (v *view) read(f func(v *view)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(v)
}

// hear has a view take a message of a hub in, and holds it against the document.
func (r *road) hear(v *view, data []byte) error {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return fmt.Errorf("a message that is no JSON: %w", err)
	}
	contract, err := spoken()
	if err == nil {
		r.conforms(contract.FromHub(data))
		v.take(f)
	}
	return err
}

// webSocket connects a view to a hub and subscribes it; it reads until the test ends or stop is called.
func (r *road) webSocket(addr string, v *view, since string, uids ...string) (stop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws://"+addr+"/v1/ws", &websocket.DialOptions{Subprotocols: []string{"presence.v1"}})
	require.NoError(r.t, err)
	conn.SetReadLimit(1 << 22)
	ask, err := json.Marshal(map[string]any{"type": "subscribe", "id": "1", "uids": uids, "since": since})
	require.NoError(r.t, err)
	require.NoError(r.t, conn.Write(ctx, websocket.MessageText, ask))
	return r.start("client", func(ctx context.Context) error {
		defer func() { _ = conn.CloseNow() }()
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				v.read(func(v *view) { v.closeCode = websocket.CloseStatus(err) })
				return nil
			}
			if err := r.hear(v, data); err != nil {
				return err
			}
		}
	})
}

// eventStream connects a view by server-sent events.
func (r *road) eventStream(addr string, v *view, uids ...string) {
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/v1/events?uids="+strings.Join(uids, ","), nil)
	require.NoError(r.t, err)
	transport := &http.Transport{}
	response, err := transport.RoundTrip(request)
	require.NoError(r.t, err)
	require.Equal(r.t, http.StatusOK, response.StatusCode)
	stop := r.start("event stream", func(context.Context) error {
		defer func() { _ = response.Body.Close() }()
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<22)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				_ = r.hear(v, []byte(data)) // the last line may be half of one
			}
		}
		return nil
	})
	r.t.Cleanup(func() { cancel(); stop(); transport.CloseIdleConnections() })
}

// people names the first n of the emulator's population.
func people(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("user-%04d", i+1)
	}
	return list
}

// truthOf is what the vendor says, as a browser should show it.
func truthOf(t testing.TB, r *road) map[string]bridge.State {
	t.Helper()
	var answer struct {
		Users map[string]struct {
			Status   map[string]string `json:"status"`
			Ext      string            `json:"ext"`
			LastTime int64             `json:"last_time"`
		} `json:"users"`
	}
	getJSON(t, r.vendor+"/_emulator/users", &answer)
	truth := map[string]bridge.State{}
	for uid, u := range answer.Users {
		truth[uid] = r.state(u.Status, u.Ext, u.LastTime*1000)
	}
	return truth
}

// state is a state of the vendor's as the bridge should tell it.
func (r *road) state(status map[string]string, ext string, lastTime int64) bridge.State {
	s := bridge.StateOf(status, ext, lastTime)
	if r.online {
		return bridge.OnlineOnly(s.Online)
	}
	return s
}

// differences tells where a view is not the truth.
func (v *view) differences(truth map[string]bridge.State, uids []string) (wrong []string) {
	for _, uid := range uids {
		p, ok := v.get(uid)
		if !ok || !p.State.Equal(truth[uid]) {
			wrong = append(wrong, fmt.Sprintf("%s: shows %+v (known %t), the vendor says %+v", uid, p.State, ok, truth[uid]))
		}
	}
	return wrong
}
