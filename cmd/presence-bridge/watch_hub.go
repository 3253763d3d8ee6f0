package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	watchProtocol  = "presence.v1"
	maxFrame       = 64 << 20
	uidsPerAsk     = 500 // so that a subscribe stays well below the hub's limit of a message
	pingEvery      = 20 * time.Second
	pingWithin     = 10 * time.Second
	reconnectFirst = 250 * time.Millisecond
	reconnectMost  = 15 * time.Second
)

// hubWatch watches over WebSocket for as long as its context lasts.
type hubWatch struct {
	url, token string
	asks       []*ask
	out        printer
	notes      io.Writer // for what is no presence

	welcomed bool          // the hub has let this connection in
	lost     bool          // the reader was told that the connection is lost, and not yet that it is back
	after    time.Duration // when the hub asked us to come back; 0: it did not say
	feed     bridge.FeedState
}

// ask is one subscribe message. Each has a cursor of its own: a connection may break when some are answered
// and others are not.
type ask struct {
	uids     []bridge.UID
	since    string
	answered bool // on this connection
	denied   int  // of its users
}

func askFor(uids []bridge.UID) (asks []*ask) {
	for part := range slices.Chunk(uids, uidsPerAsk) {
		asks = append(asks, &ask{uids: part})
	}
	return asks
}

// frame is any message from a hub.
type frame struct {
	Type             string
	ID               string
	Cursor           string
	Presences        []bridge.Presence
	Pending          []string
	Denied           []string
	Message          string
	Reason           string
	State            bridge.FeedState
	Feed             struct{ State bridge.FeedState }
	ReconnectAfterMS int64 `json:"reconnect_after_ms"`
}

// run comes back after every connection that may be better the next time.
func (w *hubWatch) run(ctx context.Context) error {
	wait, been := reconnectFirst, false
	for {
		w.welcomed = false
		err := w.connection(ctx)
		been = been || w.welcomed
		switch {
		case ctx.Err() != nil:
			return nil
		case !been, !comesBack(err):
			return w.inWords(err)
		case w.welcomed:
			wait = reconnectFirst
		}
		if !w.lost {
			fmt.Fprintf(w.notes, "connection lost, coming back: %v\n", w.inWords(err))
		}
		w.lost = true
		if !pause(ctx, max(w.after, wait/2+rand.N(wait))) {
			return nil
		}
		wait = min(2*wait, reconnectMost)
	}
}

// connection watches over one connection until it ends.
func (w *hubWatch) connection(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	header := http.Header{}
	if w.token != "" {
		header.Set("Authorization", "Bearer "+w.token)
	}
	conn, answer, err := websocket.Dial(ctx, strings.TrimRight(w.url, "/")+"/v1/ws",
		&websocket.DialOptions{Subprotocols: []string{watchProtocol}, HTTPHeader: header})
	if err != nil {
		return noWebSocket(answer, err)
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxFrame)
	pinging := make(chan struct{})
	go func() {
		defer close(pinging)
		ping(ctx, conn)
	}()
	defer func() { cancel(); <-pinging }()
	w.after = 0
	for _, a := range w.asks {
		a.answered = false
	}
	if w.token == "" { // a hub that wants one would wait for it; so it says so at once
		if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
			return err
		}
	}
	return w.read(ctx, conn)
}

// ping finds out that a hub has vanished without a word, which reading alone would not.
func ping(ctx context.Context, conn *websocket.Conn) {
	for pause(ctx, pingEvery) {
		wait, cancel := context.WithTimeout(ctx, pingWithin)
		err := conn.Ping(wait)
		cancel()
		if err != nil {
			_ = conn.CloseNow()
			return
		}
	}
}

func (w *hubWatch) read(ctx context.Context, conn *websocket.Conn) error {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		var f frame
		if err := json.Unmarshal(data, &f); err != nil {
			return fmt.Errorf("reading a message of the hub: %w", err)
		}
		if err := w.handle(ctx, conn, f); err != nil {
			return err
		}
	}
}

func (w *hubWatch) handle(ctx context.Context, conn *websocket.Conn, f frame) error {
	switch f.Type {
	case "welcome":
		w.welcomed = true
		if w.lost {
			fmt.Fprintln(w.notes, "back")
		}
		w.lost = false
		w.tellFeed(f.Feed.State, "")
		return w.subscribe(ctx, conn)
	case "subscribed":
		return w.subscribed(f)
	case "changes":
		w.moveTo(f.Cursor)
		return w.print(f.Presences)
	case "feed":
		w.tellFeed(f.State, f.Reason)
	case "bye":
		w.after = time.Duration(f.ReconnectAfterMS) * time.Millisecond
	case "error":
		return final{fmt.Errorf("the hub at %s refuses: %s", w.url, f.Message)}
	}
	return nil
}

func (w *hubWatch) subscribe(ctx context.Context, conn *websocket.Conn) error {
	for i, a := range w.asks {
		message := map[string]any{"type": "subscribe", "id": strconv.Itoa(i), "uids": a.uids}
		if a.since != "" {
			message["since"] = a.since
		}
		data, err := json.Marshal(message)
		if err == nil {
			err = conn.Write(ctx, websocket.MessageText, data)
		}
		if err != nil {
			return fmt.Errorf("subscribing: %w", err)
		}
	}
	return nil
}

func (w *hubWatch) subscribed(f frame) error {
	i, err := strconv.Atoi(f.ID)
	if err != nil || i < 0 || i >= len(w.asks) {
		return fmt.Errorf("the hub answers a question that was not asked: %q", f.ID)
	}
	w.asks[i].since, w.asks[i].answered, w.asks[i].denied = f.Cursor, true, len(f.Denied)
	w.note("nothing is known yet of", f.Pending)
	w.note("the token does not let us watch", f.Denied)
	if !slices.ContainsFunc(w.asks, func(a *ask) bool { return !a.answered || a.denied < len(a.uids) }) {
		return final{errors.New("there is nobody left to watch")}
	}
	return w.print(f.Presences)
}

// moveTo notes how far those have come who are part of this connection's stream already.
func (w *hubWatch) moveTo(cursor string) {
	for _, a := range w.asks {
		if a.answered {
			a.since = cursor
		}
	}
}

func (w *hubWatch) print(presences []bridge.Presence) error {
	for _, p := range presences {
		if err := w.out.presence(p); err != nil {
			return final{err} // nobody reads our output any more
		}
	}
	return nil
}

func (w *hubWatch) note(what string, uids []string) {
	if len(uids) > 0 {
		fmt.Fprintf(w.notes, "%s %s\n", what, strings.Join(uids, ", "))
	}
}

func (w *hubWatch) tellFeed(state bridge.FeedState, reason string) {
	if state == w.feed || state == "" {
		return
	}
	if w.feed != "" || state != bridge.FeedLive { // that all is well from the start is no news
		fmt.Fprintln(w.notes, strings.TrimSuffix(fmt.Sprintf("the feed is %s: %s", state, reason), ": "))
	}
	w.feed = state
}

// pause waits, and says whether the time is over rather than ctx.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
