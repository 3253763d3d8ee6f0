package road

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/bridge/easemob"
	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
	"github.com/presence-bridge/presence-bridge/hub"
	"github.com/presence-bridge/presence-bridge/poller"
)

const ruleSecret = "a-secret-of-the-rule"

// post carries callbacks to a hub that is there later than the emulator. Those about users with an odd number it
// loses on the way, and says that they have arrived.
type post struct {
	hub   atomic.Pointer[string] // host and port
	plain http.Transport

	carried, withheld atomic.Int64
}

var numbered = regexp.MustCompile(`user-(\d+)@`)

func isOdd(uid string) bool { return strings.ContainsAny(uid[len(uid)-1:], "13579") }

func (p *post) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	to := p.hub.Load()
	if found := numbered.FindSubmatch(body); to == nil || found == nil || isOdd(string(found[1])) {
		p.withheld.Add(1)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	}
	p.carried.Add(1)
	r = r.Clone(r.Context())
	r.URL.Host, r.Body = *to, io.NopCloser(bytes.NewReader(body))
	return p.plain.RoundTrip(r)
}

// rule has the emulator post its callbacks to the hub that mailTo names.
func (p *post) rule() emulator.Callback {
	return emulator.Callback{URL: "http://the-hub" + hub.CallbackPath, Secret: ruleSecret, Transport: p}
}

func (p *post) mailTo(t testing.TB, h *roadHub) {
	p.hub.Store(&h.addr)
	t.Cleanup(p.plain.CloseIdleConnections)
}

// Half of the people have their logins and logouts told by callbacks, of which some are lost, late, doubled or in
// the wrong order. The log is right about everybody in the end, and knows of the first half's by the next call,
// while the others wait for their turn.
func TestCallbacks(t *testing.T) {
	const users, lives = 2000, 8 * time.Second
	var mail post
	r := build(t, emulator.Options{Users: users, ChangesPerS: 60, Paused: true, Seed: 6, Callback: mail.rule(),
		Faults: emulator.Faults{CallbackLostRate: 0.1, CallbackRepeatRate: 0.1, CallbackSwapRate: 0.05, CallbackLateRate: 0.05, CallbackLateMS: 700}})
	r.rate, r.callbackSecret = 4, ruleSecret // a turn is 20 calls and takes 5 s
	audit := r.audit()
	r.pollAs(operators[:1], r.client(), 30*time.Second, nil) // a call is in the name of one: with more, hints wait for theirs
	h := r.addHub("hub-1")
	mail.mailTo(t, h)
	v := watchPeople(t, r, h, users)
	known := len(audit.all())

	population := emulator.Population{Users: users, ChangesPerS: 60}
	require.NoError(t, r.emulator.SetPopulation(population))
	time.Sleep(lives) // the workload itself, not a wait for a condition
	population.Paused = true
	require.NoError(t, r.emulator.SetPopulation(population))
	uids, truth := people(users), truthOf(t, r)
	eventually(t, 40*time.Second, "everybody is shown as they are", func() bool { return len(v.differences(truth, uids)) == 0 })
	audit.requireHonest(t, r)

	fired := r.emulator.FaultsFired()
	for name, n := range map[string]int{"lost": fired.CallbackLost, "late": fired.CallbackLate, "repeated": fired.CallbackRepeat,
		"swapped": fired.CallbackSwap, "carried": int(mail.carried.Load()), "withheld": int(mail.withheld.Load())} {
		require.Positive(t, n, name)
	}
	require.Zero(t, r.emulator.Stats().Callbacks.Failed, "every callback was answered with 200")

	told, untold := logins(t, r, audit.all(), known)
	t.Logf("calls waited for, median: %d where callbacks tell, of %d; %d where they do not, of %d; medians of age %v, %v", median(told).calls, len(told),
		median(untold).calls, len(untold), median(told).age, median(untold).age)
	require.Greater(t, min(len(told), len(untold)), 50)
	require.LessOrEqual(t, median(told).calls, 2, "the next call, or the one after it")
	require.GreaterOrEqual(t, median(untold).calls, 4*median(told).calls)
}

// news is how long a login or a logout took to be known.
type news struct {
	age   time.Duration // from the moment to the start of the call that saw it
	calls int           // that started in that time, that one among them
	hint  bool
}

func median(all []news) news {
	slices.SortFunc(all, func(a, b news) int { return cmp.Compare(a.age, b.age) })
	return all[len(all)/2]
}

// logins finds in the log, from a message on, when each login and logout came to be known: of those who are told by
// callbacks, and of the others.
func logins(t *testing.T, r *road, changes []*bridge.Change, from int) (told, untold []news) {
	var calls []int64 // that saw something
	for _, c := range changes {
		calls = append(calls, c.ObservedAt)
	}
	slices.Sort(calls)
	calls = slices.Compact(calls)
	hints := 0
	for _, c := range changes[from:] {
		at, ok := cameOrWent(r.emulator.History(string(c.UID)), c)
		if !ok {
			continue
		}
		first, _ := slices.BinarySearch(calls, at.UnixMilli())
		last, _ := slices.BinarySearch(calls, c.ObservedAt)
		n := news{age: time.UnixMilli(c.ObservedAt).Sub(at), calls: last - first + 1, hint: c.Source == bridge.SourceHint}
		if isOdd(string(c.UID)) {
			require.False(t, n.hint, "%s was hinted at by nobody", c.UID)
			untold = append(untold, n)
			continue
		}
		if n.hint {
			hints++
		}
		told = append(told, n)
	}
	require.Greater(t, hints, len(told)/2, "most of them were found by a hint")
	return told, untold
}

// cameOrWent is the moment of the vendor's that a message tells of, if a device came or went then.
func cameOrWent(history []emulator.Moment, c *bridge.Change) (at time.Time, ok bool) {
	for i, m := range history {
		if i > 0 && bridge.StateOf(m.User.Status, m.User.Ext, m.User.LastTime*1000).Equal(c.State) {
			at, ok = m.At, online(m.User) != online(history[i-1].User)
		}
	}
	return at, ok && at.UnixMilli() <= c.ObservedAt
}

// online lists the devices that are there.
func online(u emulator.User) string {
	var there []string
	for device, value := range u.Status {
		if value != "0" {
			there = append(there, device)
		}
	}
	slices.Sort(there)
	return strings.Join(there, " ")
}

// Ten thousand forged callbacks and ten thousand true ones of one user, who flaps. The forged ones cost no look, the
// true ones two looks a second, and everybody else is looked at as ever.
func TestCallbackFlood(t *testing.T) {
	const users, flood, maxStaleness = 1500, 10_000, 5 * time.Second
	r := build(t, emulator.Options{Users: users, Paused: true, Seed: 8})
	r.rate, r.callbackSecret = 10, ruleSecret // a turn takes 1.5 s
	looks, metrics := &looks{Client: r.client(), last: map[string]time.Time{}}, prometheus.NewRegistry()
	r.pollAs(operators, looks, maxStaleness, metrics)
	h := r.addHub("hub-1")
	v := watchPeople(t, r, h, users)
	looks.begin()
	began := time.Now()

	const flapping = "user-0700"
	answers := r.floodHub(h, 2*flood, func(i int) string {
		if i%2 == 0 {
			return loginOf(flapping, fmt.Sprintf("forged-%d", i), "another-secret")
		}
		r.emulator.SetUser(flapping, map[string]string{"web": fmt.Sprint(i / 2 % 2)}, "")
		return loginOf(flapping, fmt.Sprintf("true-%d", i), ruleSecret)
	})
	require.Equal(t, map[int]int{http.StatusOK: flood, http.StatusUnauthorized: flood}, answers)
	truth := truthOf(t, r)
	eventually(t, 10*time.Second, "the last of it is shown", func() bool { return len(v.differences(truth, []string{flapping})) == 0 })
	for range 2 { // turns, so that who was left out in the cold is found
		seen := looks.everybody()
		eventually(t, 10*time.Second, "a turn", func() bool { return looks.everybody() > seen })
	}
	took := time.Since(began)
	hinted := counted(t, metrics, "presence_bridge_poller_hinted_looks_total")
	t.Logf("%d callbacks in %v: %.0f looks for their sake, longest time without a look %v", 2*flood, took, hinted, looks.longest())
	require.Positive(t, hinted)
	require.LessOrEqual(t, hinted, 2+took.Seconds()/poller.DefaultRevisit.Seconds())
	require.LessOrEqual(t, looks.longest(), maxStaleness)
}

func (r *road) pollAs(operators []string, v poller.Vendor, maxStaleness time.Duration, metrics prometheus.Registerer) {
	_, bus := r.bus()
	p, err := poller.New(bus, v, poller.Config{Operators: operators, Rate: r.rate, MaxStaleness: maxStaleness, ID: "poller-1", Logger: r.log, Registerer: metrics})
	require.NoError(r.t, err)
	r.start("poller", p.Run)
}

// looks notes when the vendor is asked about whom.
type looks struct {
	*easemob.Client
	mu    sync.Mutex
	last  map[string]time.Time
	gap   time.Duration // the longest between two looks at one user
	turns int
	left  map[string]bool // of this turn
}

func (l *looks) GetNow(ctx context.Context, operator string, uids []string) (easemob.Answer, error) {
	l.note(uids, time.Now())
	return l.Client.GetNow(ctx, operator, uids)
}

func (l *looks) note(uids []string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, uid := range uids {
		if last, ok := l.last[uid]; ok {
			l.gap = max(l.gap, now.Sub(last))
		}
		l.last[uid] = now
		delete(l.left, uid)
	}
	if len(l.left) == 0 {
		l.turn()
	}
}

func (l *looks) turn() {
	l.turns++
	l.left = map[string]bool{}
	for uid := range l.last {
		l.left[uid] = true
	}
}

// begin forgets what was before, when not everybody was watched.
func (l *looks) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap = 0
	l.turn()
}

// everybody is how often everybody was looked at.
func (l *looks) everybody() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turns
}

// longest is the longest time without a look at somebody, up to now.
func (l *looks) longest() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := l.gap
	for _, last := range l.last {
		longest = max(longest, time.Since(last))
	}
	return longest
}

// floodHub posts n bodies to a hub as fast as it takes them, and counts its answers by status.
func (r *road) floodHub(h *roadHub, n int, body func(i int) string) map[int]int {
	const clients = 8
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	r.t.Cleanup(transport.CloseIdleConnections)
	var all sync.WaitGroup
	var mu sync.Mutex
	answers := map[int]int{}
	for c := range clients {
		all.Go(func() {
			for i := c; i < n; i += clients {
				request, _ := http.NewRequest(http.MethodPost, h.http(hub.CallbackPath), strings.NewReader(body(i)))
				response, err := transport.RoundTrip(request)
				if err != nil {
					r.t.Errorf("posting: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				mu.Lock()
				answers[response.StatusCode]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return answers
}

func loginOf(uid, id, secret string) string {
	now := time.Now().UnixMilli()
	body, _ := json.Marshal(map[string]any{"callId": id, "reason": "login", "status": "online", "appkey": app.String(), "timestamp": now,
		"user": app.String() + "_" + uid + "@easemob.com/web", "security": fmt.Sprintf("%x", md5.Sum(fmt.Append(nil, id, secret, now)))})
	return string(body)
}

// counted is the sum of a counter over its labels.
func counted(t *testing.T, r *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := r.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// BenchmarkCallback is the time from a login at the vendor to a client's screen, where callbacks tell of it.
func BenchmarkCallback(b *testing.B) {
	for _, users := range []int{200, 5000} {
		b.Run(fmt.Sprintf("%dusers", users), func(b *testing.B) { benchmarkCallback(b, users) })
	}
}

func benchmarkCallback(b *testing.B, users int) {
	var mail post
	r := build(b, emulator.Options{Users: users, Paused: true, Seed: 4, Callback: mail.rule()})
	r.callbackSecret = ruleSecret
	r.addPoller("poller-1")
	h := r.addHub("hub-1")
	mail.mailTo(b, h)
	v := watchPeople(b, r, h, users)
	took := make([]time.Duration, 0, 1024)
	uids := people(users)
	for b.Loop() {
		i := len(took)
		uid, text := uids[(i*7919*2+1)%users], fmt.Sprintf("login %d", i) // of an even number: the post carries it
		at := time.Now()
		r.emulator.SetUser(uid, map[string]string{fmt.Sprintf("web_%d", i): "1"}, text)
		for {
			if p, _ := v.get(uid); p.Ext == text {
				break
			}
			time.Sleep(time.Millisecond)
		}
		took = append(took, time.Since(at))
		time.Sleep(time.Duration(i*37%500) * time.Millisecond) // not in step with the poller
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Milliseconds()), "p99-ms")
}
