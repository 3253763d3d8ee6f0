package road

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

const (
	truthFor     = 20 * time.Second
	truthChanges = 50.0
	truthClients = 50
	quietFor     = 2 * time.Second
)

// Fifty sockets, an event stream, a request and the log itself say what the vendor says, two seconds after it
// has stopped changing.
func TestTruth(t *testing.T) {
	r := build(t, emulator.Options{Users: 200, ChangesPerS: truthChanges, Seed: 7})
	requireHeard := r.listens()
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	uids := people(200)
	views := make([]*view, truthClients)
	for i := range views {
		views[i] = newView()
		r.webSocket(h.addr, views[i], "", uids...)
	}
	stream := newView()
	r.eventStream(h.addr, stream, uids...)
	before := r.emulator.Stats()

	time.Sleep(truthFor) // the workload itself, not a wait for a condition
	var truth map[string]bridge.State
	wrong := func() (all []string) {
		for _, v := range append(views, stream) {
			all = append(all, v.differences(truth, uids)...)
		}
		return all
	}
	var quiet time.Duration
	for try := 0; try == 0 || try < 3 && len(wrong()) > 0; try++ { // a busy machine may be late; not each time
		r.paused(false)
		time.Sleep(time.Second)
		r.paused(true)
		began := time.Now()
		for truth = truthOf(t, r); time.Since(began) < quietFor && len(wrong()) > 0; {
			time.Sleep(20 * time.Millisecond)
		}
		quiet = time.Since(began)
	}
	require.Empty(t, wrong(), "after %s of quiet", quietFor)
	for _, v := range append(views, stream) {
		v.read(func(v *view) { require.Empty(t, v.wentBack, "observed_at went back") })
	}
	require.Empty(t, asked(t, h, uids).differences(truth, uids), "GET /v1/presence")
	requireLogEquals(t, r, truth, uids)
	requireHeard()
	made := changesMade(r, uids)
	require.Greater(t, made, int(truthChanges*truthFor.Seconds())/2, "the population lived")
	t.Logf("%d changes made, all right %v after the last; %d gets before, %v after", made, quiet, before.Calls["get"], r.emulator.Stats().Calls)
}

func (r *road) paused(paused bool) {
	require.NoError(r.t, r.emulator.SetPopulation(emulator.Population{Users: 200, ChangesPerS: truthChanges, Paused: paused}))
}

// asked is the view of one who asks by a single request.
func asked(t *testing.T, h *roadHub, uids []string) *view {
	t.Helper()
	var answer frame
	getJSON(t, h.http("/v1/presence?uids="+strings.Join(uids, ",")), &answer)
	v := newView()
	v.take(answer)
	return v
}

func requireLogEquals(t *testing.T, r *road, truth map[string]bridge.State, uids []string) {
	t.Helper()
	for _, uid := range uids {
		c := lastInLog(t, r, uid)
		require.Equal(t, truth[uid], c.State, uid)
	}
}

// lastInLog is the last message of a user, read as a backend would.
func lastInLog(t *testing.T, r *road, uid string) *bridge.Change {
	t.Helper()
	stream := openStream(t, r)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	msg, err := stream.GetLastMsgForSubject(ctx, app.Subject(bridge.UID(uid)))
	require.NoError(t, err, uid)
	c, err := bridge.DecodeChange(msg.Data)
	require.NoError(t, err)
	return c
}

func openStream(t *testing.T, r *road) jetstream.Stream {
	t.Helper()
	nc, err := r.nats.Connect(r.log)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	stream, err := js.Stream(context.Background(), bridge.StreamName)
	require.NoError(t, err)
	return stream
}

// audit follows every message of the log from now on. requireHonest judges them.
type audit struct {
	changes chan *bridge.Change
	seen    []*bridge.Change
}

func (r *road) audit() *audit {
	a := &audit{changes: make(chan *bridge.Change, 1<<16)}
	_, bus := r.bus()
	follower := &recorder{a: a}
	r.start("audit", func(ctx context.Context) error { return bus.Follow(ctx, follower) })
	return a
}

type recorder struct{ a *audit }

func (recorder) Reset(int64)            {}
func (recorder) CaughtUp()              {}
func (r recorder) Apply(e bridge.Entry) { r.a.changes <- e.Change }

// all is every message so far.
func (a *audit) all() []*bridge.Change {
	for {
		select {
		case c := <-a.changes:
			a.seen = append(a.seen, c)
		default:
			return a.seen
		}
	}
}

// requireHonest holds every message against the vendor's own history: each state is one that the vendor had,
// prev is the state of the message before, and observed_at never goes back.
func (a *audit) requireHonest(t *testing.T, r *road) {
	t.Helper()
	last := map[bridge.UID]*bridge.Change{}
	for _, c := range a.all() {
		require.True(t, r.had(r.emulator.History(string(c.UID)), c.State), "%s never was %+v", c.UID, c.State)
		if before := last[c.UID]; before != nil {
			require.GreaterOrEqual(t, c.ObservedAt, before.ObservedAt, "%s", c.UID)
			require.NotNil(t, c.Prev, "%s", c.UID)
			require.Equal(t, before.State, *c.Prev, "%s", c.UID)
		}
		last[c.UID] = c
	}
}

// had says whether a user ever was so. Who has no history does not exist, and is nowhere.
func (r *road) had(history []emulator.Moment, s bridge.State) bool {
	if len(history) == 0 {
		return s.Equal(r.state(nil, "", 0))
	}
	for _, m := range history {
		if r.state(m.User.Status, m.User.Ext, m.User.LastTime*1000).Equal(s) {
			return true
		}
	}
	return false
}

// changesMade counts what the emulator's people did.
func changesMade(r *road, uids []string) (n int) {
	for _, uid := range uids {
		n += max(len(r.emulator.History(uid))-1, 0)
	}
	return n
}

func putPresence(t testing.TB, h *roadHub, uid, resource, body string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPut, h.http("/v1/presence/"+uid+"/"+resource), strings.NewReader(body))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
}
