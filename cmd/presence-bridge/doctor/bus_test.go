package doctor

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// linked examines NATS with a plan that is sound but for what change does to it.
func linked(t *testing.T, url string, change func(*Plan)) report {
	t.Helper()
	p := sound("", url)
	if change != nil {
		change(&p)
	}
	return chapterOf(t, p.bus)
}

const noneOfNATS = "– jetstream     not checked: NATS has to be reached first\n" +
	"– permissions   not checked: NATS has to be reached first"

func withPassword(url string) string {
	return strings.Replace(url, "nats://", "nats://me:"+hushPassword+"@", 1)
}

// TestNATSCannotBeReached is every way in which a connection does not come about.
func TestNATSCannotBeReached(t *testing.T) {
	s := newSigner(t)
	guarded := natsServer(t, server.Options{Username: "other", Password: "hush-other"})
	plain := natsServer(t, server.Options{})
	ended := s.sign("", year(2019), year(2020))
	secured := natsServer(t, server.Options{TLS: true, TLSTimeout: 2, TLSConfig: &tls.Config{Certificates: []tls.Certificate{ended}}})
	for name, test := range map[string]struct{ url, says string }{
		"a password that is wrong": {withPassword(guarded.ClientURL()), "✘ nats          HOST does not let us in: Authorization Violation\n" +
			"                → name a user in NATS_URL (nats://user:password@host:4222), or a credentials file in NATS_CREDS"},
		"no password": {guarded.ClientURL(), "✘ nats          HOST does not let us in: Authorization Violation\n" +
			"                → name a user in NATS_URL (nats://user:password@host:4222), or a credentials file in NATS_CREDS"},
		"noise": {"nats://" + chattering(t, "\x00\x01\xff noise\r\n"), "✘ nats          what answers at HOST is no NATS server\n" +
			"                → check host and port of NATS_URL"},
		"no TLS": {strings.Replace(plain.ClientURL(), "nats:", "tls:", 1), "✘ nats          HOST does not speak TLS\n" +
			"                → begin NATS_URL with nats:// instead of tls://"},
		"a certificate that nobody knows": {secured.ClientURL(), "✘ nats          the certificate of 127.0.0.1 ended on 2020-03-04\n" +
			"                → whoever runs it has to renew it; or is this machine's clock wrong?"},
		// The last one: what is free before would be given to one of the others.
		"nobody listens": {"nats://" + closed(t) + ",nats://" + closed(t), "✘ nats          no server takes a connection: HOST: connection refused; HOST: connection refused\n" +
			"                → start NATS, or check NATS_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			linked(t, test.url, nil).says(test.says, noneOfNATS,
				"– budget        not checked: NATS has to be reached first; 40 calls a second are enough for 120,000 users within 30s")
		})
	}
}

// TestAServerThatStops greets as NATS does and then says no more.
func TestAServerThatStops(t *testing.T) {
	ended := make(chan struct{})
	address := serving(t, func(c net.Conn) {
		_, _ = c.Write([]byte("INFO {\"server_id\":\"x\",\"version\":\"2.15.2\",\"max_payload\":1048576,\"headers\":true}\r\n"))
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write([]byte("PONG\r\n"))
		<-ended
	})
	t.Cleanup(func() { close(ended) })
	began := time.Now()
	defer func() { require.Less(t, time.Since(began), 5*time.Second) }()
	linked(t, "nats://"+address, impatient).says("✘ nats          HOST took the connection and answers no more\n"+
		"                → look at the server's log", noneOfNATS)
	linked(t, "nats://"+hanging(t), impatient).says("✘ nats          HOST takes the connection and does not answer within 300 ms\n"+
		"                → check NATS_URL, and whether the server is well", noneOfNATS)
}

func TestJetStreamIsOff(t *testing.T) {
	off := "✘ jetstream     it is off\n                → start the NATS server with -js, or switch JetStream on for this account"
	linked(t, natsServer(t, server.Options{}).ClientURL(), nil).says(off, "– stream        not checked: JetStream has to be reached first")

	account := server.NewAccount("A")
	s := natsServer(t, server.Options{JetStream: true, Accounts: []*server.Account{account},
		Users: []*server.User{{Username: "me", Password: hushPassword, Account: account}}})
	linked(t, withPassword(s.ClientURL()), nil).says(off)

	url := natsServer(t, server.Options{}).ClientURL() // where somebody answers in JetStream's place, as a server that has just switched it off
	nc, err := nats.Connect(url)
	require.NoError(t, err)
	defer nc.Close()
	_, err = nc.Subscribe("$JS.API.STREAM.INFO."+bridge.StreamName, func(m *nats.Msg) {
		_ = m.Respond([]byte(`{"error":{"code":503,"err_code":10076,"description":"JetStream not enabled"}}`))
	})
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	linked(t, url, nil).says(off)
}

// permitted is a server whose one user may not do some things, and where the bridge has made all that it needs.
func permitted(t *testing.T, made bool, p server.Permissions) (url string, s *server.Server) {
	t.Helper()
	s = natsServer(t, server.Options{JetStream: true, Users: []*server.User{
		{Username: "me", Password: hushPassword, Permissions: &p}, {Username: "root", Password: "root"}}})
	if made {
		nc, err := nats.Connect(strings.Replace(s.ClientURL(), "nats://", "nats://root:root@", 1))
		require.NoError(t, err)
		defer nc.Close()
		_, err = bridge.Open(t.Context(), nc, demoApp, bridge.Settings{}, nil)
		require.NoError(t, err)
	}
	return withPassword(s.ClientURL()), s
}

func TestPermissions(t *testing.T) {
	const permit = "\n                → permit it to the user of NATS_URL or NATS_CREDS"
	for name, test := range map[string]struct {
		publish, subscribe []string // that are denied
		made               bool
		says               []string
	}{
		"changes":           {publish: []string{"presence.v1.>"}, made: true, says: []string{"✘ permissions   this user may not publish to presence.v1.demo.presence.*" + permit}},
		"changes, too soon": {publish: []string{"presence.v1.>"}, says: []string{"✘ permissions   this user may not publish to presence.v1.demo.presence.*" + permit}},
		"buckets": {publish: []string{"$KV.>"}, made: true, says: []string{
			"✘ permissions   this user may not publish to $KV.presence_watch.>" + permit,
			"✘ permissions   this user may not publish to $KV.presence_holders.>" + permit,
			"✘ permissions   this user may not publish to $KV.presence_subscriptions.>" + permit,
			"✘ permissions   this user may not publish to $KV.presence_roles.>" + permit,
			"✘ permissions   this user may not publish to $KV.presence_leases.>" + permit,
			"✘ permissions   this user may not publish to $KV.presence_learned.>" + permit}},
		"feed and hints": {publish: []string{"presence.feed.>", "presence.hint.>"}, made: true, says: []string{
			"✘ permissions   this user may not publish to presence.feed.v1.demo.presence" + permit,
			"✘ permissions   this user may not publish to presence.hint.v1.demo.presence" + permit}},
		"hearing": {subscribe: []string{"presence.>", "$SRV.>"}, made: true, says: []string{
			"✘ permissions   this user may not subscribe to presence.feed.v1.demo.presence" + permit,
			"✘ permissions   this user may not subscribe to presence.api.*" + permit,
			"✘ permissions   this user may not subscribe to $SRV.>" + permit,
			"✘ permissions   this user may not subscribe to presence.hint.v1.demo.presence" + permit}},
		"consumers": {publish: []string{"$JS.API.CONSUMER.>"}, made: true, says: []string{
			"✘ permissions   this user may not publish to $JS.API.CONSUMER.CREATE.>" + permit,
			"✔ stream        PRESENCE is as it must be",
			"– capacity      not checked: a consumer has to be permitted first, to read the buckets"}},
		"asking": {publish: []string{"$JS.API.>"}, made: true, says: []string{
			"✘ jetstream     it may not be asked: it is not permitted\n" +
				"                → permit this user to publish to $JS.API.> and to subscribe to _INBOX.>"}},
		"answers": {subscribe: []string{"_INBOX.>"}, made: true, says: []string{
			"✘ jetstream     it may not be asked: it is not permitted\n" +
				"                → permit this user to publish to $JS.API.> and to subscribe to _INBOX.>"}},
		"making": {publish: []string{"$JS.API.STREAM.CREATE.>"}, says: []string{
			"✘ stream        PRESENCE is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.PRESENCE, or let one who may run serve once",
			"✘ buckets       presence_watch is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.KV_presence_watch, or let one who may run serve once",
			"✘ buckets       presence_holders is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.KV_presence_holders, or let one who may run serve once",
			"✘ buckets       presence_subscriptions is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.KV_presence_subscriptions, or let one who may run serve once",
			"✘ buckets       presence_roles is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.KV_presence_roles, or let one who may run serve once",
			"✘ buckets       presence_leases is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.KV_presence_leases, or let one who may run serve once",
			"✘ buckets       presence_learned is not there, and this user may not make it\n" +
				"                → permit this user to publish to $JS.API.STREAM.CREATE.KV_presence_learned, or let one who may run serve once"}},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := permitted(t, test.made, server.Permissions{
				Publish: &server.SubjectPermission{Deny: test.publish}, Subscribe: &server.SubjectPermission{Deny: test.subscribe}})
			linked(t, url, nil).says(test.says...)
		})
	}
}

// TestNothingIsThereYet holds that what serve makes is no mistake, and that looking does not make it.
func TestNothingIsThereYet(t *testing.T) {
	s := natsServer(t, server.Options{JetStream: true})
	linked(t, s.ClientURL(), nil).says(
		"✔ permissions   all that serve does is permitted",
		"✔ stream        PRESENCE is not there yet: serve makes it",
		"✔ buckets       not there yet, serve makes them: presence_watch, presence_holders, presence_subscriptions, presence_roles, presence_leases, presence_learned",
		"– nats clock    not checked: no answer said what time it is",
		"✔ budget        nobody is watched now; 40 calls a second are enough for 120,000 users within 30s")
	for name := range jetStreamAt(t, s.ClientURL()).StreamNames(t.Context()).Name() {
		t.Errorf("%s was made", name)
	}
}

// TestOthersMadeIt is a stream and a bucket that somebody made by hand.
func TestOthersMadeIt(t *testing.T) {
	s := natsServer(t, server.Options{JetStream: true})
	js := jetStreamAt(t, s.ClientURL())
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: bridge.StreamName, Subjects: []string{bridge.StreamSubjects},
		MaxMsgsPerSubject: 3, MaxAge: time.Hour})
	require.NoError(t, err)
	_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: bridge.HoldersBucket})
	require.NoError(t, err)
	_, err = js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: bridge.RolesBucket, TTL: 10 * time.Second, LimitMarkerTTL: time.Minute})
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KV_" + bridge.WatchBucket})
	require.NoError(t, err)
	linked(t, s.ClientURL(), nil).says(
		"✘ stream        PRESENCE: it keeps 3 messages a subject, want 8 (nats stream edit PRESENCE --max-msgs-per-subject=8)",
		"✘ stream        PRESENCE: direct get is off (nats stream edit PRESENCE --allow-direct)",
		"✘ stream        PRESENCE: it forgets messages after 1h0m0s, and with them users (nats stream edit PRESENCE --max-age=0)",
		"✘ buckets       presence_holders: its keys live for 0s, want 30s; the marks of its deleted keys stay for ever\n"+
			"                → delete it (nats kv del presence_holders) and let the bridge make it anew",
		"✘ buckets       presence_watch: it is no bucket: delete it (nats stream rm KV_presence_watch) and let the bridge make it anew",
		"✔ buckets       not there yet, serve makes them: presence_subscriptions, presence_leases, presence_learned",
		"✔ buckets       as they must be: presence_roles",
		"✔ nats clock    ours and the NATS server's agree within 2 s")
}

func TestReplicas(t *testing.T) {
	url, _ := opened(t)
	linked(t, url, func(p *Plan) { p.NATS.Settings.Replicas = 3 }).says(
		"✘ replicas      NATS_REPLICAS is 3, and this server is alone\n" +
			"                → set NATS_REPLICAS=1, or NATS_URL to a cluster of 3")
}

// chattering says some words to everybody who comes, at once.
func chattering(t *testing.T, words string) (address string) {
	t.Helper()
	return serving(t, func(c net.Conn) {
		_, _ = c.Write([]byte(words))
		_, _ = c.Read(make([]byte, 512))
	})
}
