package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// over is the emulator behind TLS.
func over(t *testing.T, certificate tls.Certificate) string {
	t.Helper()
	s, _ := played(t, emulator.Options{})
	server := httptest.NewUnstartedServer(s)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// trusting lets the plan's client trust a signer, as it would one of the machine's.
func trusting(pool *x509.CertPool) func(*Plan) {
	return func(p *Plan) {
		p.Vendor.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}
	}
}

func TestCertificates(t *testing.T) {
	s := newSigner(t)
	now := time.Now()
	for name, test := range map[string]struct {
		certificate tls.Certificate
		pool        *x509.CertPool
		says        []string
	}{
		"a good one": {s.sign("", now.Add(-time.Hour), now.Add(90*24*time.Hour+time.Minute)), s.pool(), []string{
			"✔ vendor        HOST answers in DURATION; its certificate is good for 90 days", "✔ operators     the app knows user-0001"}},
		"it ends soon": {s.sign("", now.Add(-time.Hour), now.Add(9*24*time.Hour+time.Minute)), s.pool(), []string{
			"! vendor        HOST answers in DURATION; its certificate ends in 9 days\n" +
				"                → whoever runs it has to renew the certificate", "✔ operators     the app knows user-0001"}},
		"it ended": {s.sign("", year(2019), year(2020)), s.pool(), []string{
			"✘ vendor        the certificate of 127.0.0.1 ended on 2020-03-04\n" +
				"                → whoever runs it has to renew it; or is this machine's clock wrong?", noneOfIt}},
		"it has yet to begin": {s.sign("", year(2090), year(2091)), s.pool(), []string{
			"✘ vendor        the certificate of 127.0.0.1 begins on 2090-03-04\n" +
				"                → is this machine's clock right?"}},
		"of another host": {s.sign("other.example", now.Add(-time.Hour), year(2090)), s.pool(), []string{
			"✘ vendor        the certificate of 127.0.0.1 is for other.example\n" +
				"                → check the spelling of the host"}},
		"signed by nobody": {s.sign("", now.Add(-time.Hour), year(2090)), x509.NewCertPool(), []string{
			"✘ vendor        the certificate of 127.0.0.1 is signed by nobody whom this machine trusts\n" +
				"                → add the signer to this machine's certificates (SSL_CERT_FILE); or is somebody in between?"}},
	} {
		t.Run(name, func(t *testing.T) {
			asked(t, over(t, test.certificate), trusting(test.pool)).says(test.says...)
		})
	}
}

// speaking takes a connection, says some words and ends it.
func speaking(t *testing.T, words string) (address string) {
	t.Helper()
	return serving(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 512))
		_, _ = c.Write([]byte(words))
	})
}

func TestWhatIsInTheWay(t *testing.T) {
	_, vendor := played(t, emulator.Options{})
	s := newSigner(t)
	for name, test := range map[string]struct{ url, says string }{
		"no TLS": {strings.Replace(vendor.URL, "http:", "https:", 1), "✘ vendor        127.0.0.1 does not speak TLS there\n" +
			"                → check the port, or begin the URL with another scheme"},
		"TLS alone": {strings.Replace(over(t, s.sign("", year(2019), year(2090))), "https:", "http:", 1), "✘ vendor        HOST wants TLS, and EASEMOB_URL says http\n" +
			"                → begin EASEMOB_URL with https://"},
		"no HTTP": {"http://" + speaking(t, "\x00\xffSSH-2.0-hello\r\n"), "✘ vendor        what answers at HOST is no HTTP\n" +
			"                → check host and port of EASEMOB_URL"},
		"it hangs up": {"http://" + speaking(t, ""), "✘ vendor        HOST ends the connection without an answer\n" +
			"                → check EASEMOB_URL, and what is between here and there"},
		"half an answer": {"http://" + speaking(t, "HTTP/1.1 200 OK\r\nContent-"), "✘ vendor        what answers at HOST is no HTTP\n" +
			"                → check host and port of EASEMOB_URL"},
		"no URL":           {"a1.easemob.com", "– vendor        not checked: EASEMOB_URL has to be set first"},
		"a password in it": {"https://me:hush-url@a1.easemob.com", "– vendor        not checked: EASEMOB_URL has to be set first"},
		// The last one: what is free before would be given to one of the others.
		"nobody listens": {"http://" + closed(t), "✘ vendor        HOST refuses the connection\n" +
			"                → nothing listens there: check host and port of EASEMOB_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			asked(t, test.url, nil).says(test.says, noneOfIt)
		})
	}
}

func TestItNeverAnswers(t *testing.T) {
	asked(t, "http://"+hanging(t), impatient).says("✘ vendor        HOST takes the connection and does not answer within 300 ms\n"+
		"                → try again later; if it stays so, check EASEMOB_URL", noneOfIt)
}

// TestNames is a name server that knows nobody, one that is broken, and one that never answers.
func TestNames(t *testing.T) {
	for name, test := range map[string]struct {
		code byte // of the answer; 255: none
		says string
	}{
		"there is no such name": {3, "✘ vendor        there is no host a1.easemob.test\n" +
			"                → check the spelling of EASEMOB_URL: the vendor's console shows the host"},
		"it is broken": {2, "✘ vendor        the name of a1.easemob.test cannot be looked up: server misbehaving\n" +
			"                → check this machine's name servers (/etc/resolv.conf)"},
		"it never answers": {255, "✘ vendor        no name server tells where a1.easemob.test is\n" +
			"                → check this machine's name servers (/etc/resolv.conf)"},
	} {
		t.Run(name, func(t *testing.T) {
			asks := &asking{address: nameServer(t, test.code)}
			t.Cleanup(asks.stop)
			resolver := &net.Resolver{PreferGo: true, Dial: asks.dial}
			asked(t, "https://a1.easemob.test", func(p *Plan) {
				if test.code == 255 {
					impatient(p)
				}
				p.Vendor.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Resolver: resolver}).DialContext}}
			}).says(test.says, noneOfIt)
		})
	}
}

// asking ends what the resolver goes on with by itself when nobody waits for it any more.
type asking struct {
	address string

	mu      sync.Mutex
	conns   []net.Conn
	stopped bool
}

func (a *asking) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return nil, net.ErrClosed
	}
	c, err := new(net.Dialer).DialContext(ctx, "udp", a.address)
	a.conns = append(a.conns, c)
	return c, err
}

func (a *asking) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopped = true
	for _, c := range a.conns {
		_ = c.Close()
	}
}

// nameServer says the same of every name.
func nameServer(t *testing.T, code byte) (address string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		query := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(query)
			if err != nil {
				return
			}
			if code != 255 && n > 4 {
				query[2], query[3] = query[2]|0x80, code // an answer, with this code and nothing in it
				_, _ = c.WriteTo(query[:n], from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-done
	})
	return c.LocalAddr().String()
}

// TestTheProxyIsAway holds that the proxy is named, and not the vendor behind it, and its password is not.
func TestTheProxyIsAway(t *testing.T) {
	proxy := closed(t)
	asked(t, "https://a1.easemob.com", func(p *Plan) {
		p.Vendor.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
			return url.Parse("http://me:hush-proxy@" + proxy)
		}}}
	}).says("✘ vendor        the proxy on the way to a1.easemob.com cannot be reached: connection refused\n" +
		"                → check HTTPS_PROXY, HTTP_PROXY and NO_PROXY")
}

// TestHowFarItCame is the words for each stage at which a request can be stuck.
func TestHowFarItCame(t *testing.T) {
	u, err := url.Parse("https://a1.easemob.com")
	require.NoError(t, err)
	for stage, want := range map[string]string{
		lookingUp:  "no name server tells where a1.easemob.com is",
		connecting: "a1.easemob.com does not take the connection within 4.0 s",
		greeting:   "a1.easemob.com takes the connection and does not answer to TLS within 4.0 s",
		waiting:    "a1.easemob.com takes the connection and does not answer within 4.0 s",
	} {
		saw, todo := Plan{}.tooLate(u, stage)
		require.Equal(t, want, saw)
		require.NotEmpty(t, todo)
	}
}
