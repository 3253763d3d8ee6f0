package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestMain looks for goroutines left behind. Most tests wait for something to expire, so many run at once even
// on a small machine.
func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "16")
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" { // where it counts processes
		_ = flag.Set("test.parallel", "2")
	}
	goleak.VerifyTestMain(m)
}

var demoApp = App{Org: "demo", Name: "presence"}

const soon, often = 45 * time.Second, 10 * time.Millisecond

// quick are the settings of most tests: nothing on disk, and whoever dies is noticed within a few seconds.
var quick = Settings{InMemory: true, HolderTTL: 2 * time.Second, RoleTTL: time.Second}

// startServer starts a NATS server that the test stops, and listens to what is published there.
func startServer(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	s := unheardServer(t, o)
	if _, measured := t.(*testing.B); !measured {
		listens(t, s)
	}
	return s
}

// unheardServer is one that nobody listens at.
func unheardServer(t testing.TB, o ServerOptions) *Server {
	t.Helper()
	s, err := StartServer(o)
	require.NoError(t, err)
	t.Cleanup(s.Stop)
	return s
}

// connectTo makes a connection that the test closes.
func connectTo(t testing.TB, s *Server) *nats.Conn {
	t.Helper()
	nc, err := s.Connect(nil)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// busAt opens a bus over a connection of its own, as another process would.
func busAt(t testing.TB, s *Server, settings Settings) *Bus {
	t.Helper()
	b, err := Open(t.Context(), connectTo(t, s), demoApp, settings, nil)
	require.NoError(t, err)
	return b
}

// newBus is a bus at a server of its own.
func newBus(t testing.TB) *Bus {
	t.Helper()
	return busAt(t, startServer(t, ServerOptions{}), quick)
}

// inBackground runs f until the test ends or the returned function is called, which waits for it.
func inBackground(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(soon):
			require.Fail(t, "it does not stop")
		}
	})
	t.Cleanup(stop)
	return stop
}

func waitFor(t testing.TB, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(soon):
		require.Fail(t, "waited in vain for "+what)
	}
}

// journalAt is a journal that follows the log and knows all of it.
func journalAt(t testing.TB, b *Bus) *Journal {
	t.Helper()
	j := NewJournal(b)
	inBackground(t, func(ctx context.Context) error { return b.Follow(ctx, j) })
	waitFor(t, j.Ready(), "the journal")
	return j
}

// look is an observation that starts now.
func look(uid UID, s State) Observation {
	return Observation{UID: uid, State: s, At: time.Now(), Source: SourcePoll}
}

// observed is a look that the journal must take.
func observed(t testing.TB, j *Journal, obs Observation) Outcome {
	t.Helper()
	out, err := j.Observe(t.Context(), []Observation{obs})
	require.NoError(t, err)
	require.Empty(t, out.Again)
	return out
}

// lookUntilTaken looks again for as long as nothing is concluded.
func lookUntilTaken(t testing.TB, j *Journal, uid UID, s State) {
	t.Helper()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		out, err := j.Observe(ctx, []Observation{look(uid, s)})
		return err == nil && len(out.Again) == 0
	}, soon, often)
}

var (
	online  = StateOf(map[string]string{"web_1": "1"}, "", 1000)
	busy    = StateOf(map[string]string{"web_1": "100"}, "busy", 1000)
	offline = StateOf(map[string]string{"web_1": "0"}, "", 2000)
)

// history is everything that the log still holds of a user.
func history(t testing.TB, b *Bus, uid UID) (entries []Entry) {
	t.Helper()
	last, err := b.LastSeq(context.Background())
	require.NoError(t, err)
	for seq := uint64(1); seq <= last; seq++ {
		msg, err := b.stream.GetMsg(context.Background(), seq)
		if err != nil || msg.Subject != b.app.Subject(uid) {
			continue
		}
		c, err := DecodeChange(msg.Data)
		require.NoError(t, err)
		entries = append(entries, Entry{Change: c, Seq: seq})
	}
	return entries
}

// newest is the last message of a user.
func newest(t testing.TB, b *Bus, uid UID) Entry {
	t.Helper()
	all := history(t, b, uid)
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

// foreign writes as somebody who asks nobody.
func foreign(t testing.TB, b *Bus, uid UID, data []byte) {
	t.Helper()
	_, err := b.js.Publish(t.Context(), b.app.Subject(uid), data)
	require.NoError(t, err)
}

func encoded(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// recorder is a follower that notes all it is told.
type recorder struct {
	mu      sync.Mutex
	resets  []int64
	entries []Entry // since the last reset
	caught  int
}

func (r *recorder) Reset(stream int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resets, r.entries = append(r.resets, stream), nil
}

func (r *recorder) Apply(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
}

func (r *recorder) CaughtUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caught++
}

// got is what was told since the last reset, as uid:seq.
func (r *recorder) got() (uids []UID, seqs []uint64, resets, caught int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		uids, seqs = append(uids, e.UID), append(seqs, e.Seq)
	}
	return uids, seqs, len(r.resets), r.caught
}

func (r *recorder) caughtUp(times int) func() bool {
	return func() bool { _, _, _, caught := r.got(); return caught >= times }
}

func (r *recorder) has(uid UID, seq uint64) func() bool {
	return func() bool {
		uids, seqs, _, _ := r.got()
		for i := range uids {
			if uids[i] == uid && seqs[i] == seq {
				return true
			}
		}
		return false
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func deleteStream(t testing.TB, js jetstream.JetStream, name string) {
	t.Helper()
	require.NoError(t, js.DeleteStream(t.Context(), name))
}

func countLines(text, with string) (n int) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, with) {
			n++
		}
	}
	return n
}
