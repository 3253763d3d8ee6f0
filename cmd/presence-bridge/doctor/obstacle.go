package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// inTheWay says in words why there was no answer, and what to do.
func (p Plan) inTheWay(err error, u *url.URL, stage string) (saw, todo string) {
	var network *net.OpError
	if errors.As(err, &network) && network.Op == "proxyconnect" {
		return "the proxy on the way to " + u.Host + " cannot be reached: " + cause(err).Error(), "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
	}
	if saw, todo := distrusted(err, u.Hostname()); saw != "" {
		return saw, todo
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + u.Hostname(), "check the spelling of EASEMOB_URL: the vendor's console shows the host"
	case errors.As(err, &dns):
		return "the name of " + u.Hostname() + " cannot be looked up: " + dns.Err, "check this machine's name servers (/etc/resolv.conf)"
	case errors.Is(err, syscall.ECONNREFUSED):
		return u.Host + " refuses the connection", "nothing listens there: check host and port of EASEMOB_URL"
	case isTimeout(err):
		return p.tooLate(u, stage)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return u.Host + " ends the connection without an answer", "check EASEMOB_URL, and what is between here and there"
	case strings.Contains(err.Error(), "malformed "):
		return "what answers at " + u.Host + " is no HTTP", "check host and port of EASEMOB_URL"
	}
	return u.Host + " cannot be asked: " + cause(err).Error(), "check EASEMOB_URL, and what is between here and there"
}

// tooLate says what was waited for in vain.
func (p Plan) tooLate(u *url.URL, stage string) (saw, todo string) {
	switch stage {
	case lookingUp:
		return "no name server tells where " + u.Hostname() + " is", "check this machine's name servers (/etc/resolv.conf)"
	case connecting, "":
		return u.Host + " does not take the connection within " + inWords(p.patience()), "a firewall is in the way, or EASEMOB_URL names the wrong host"
	case greeting:
		return u.Host + " takes the connection and does not answer to TLS within " + inWords(p.patience()), "check the port of EASEMOB_URL, and what is between here and there"
	}
	return u.Host + " takes the connection and does not answer within " + inWords(p.patience()), "try again later; if it stays so, check EASEMOB_URL"
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// distrusted says what is wrong with a certificate, or with TLS itself.
func distrusted(err error, host string) (saw, todo string) {
	var plain tls.RecordHeaderError
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var named x509.HostnameError
	switch {
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return host + " does not speak TLS there", "check the port, or begin the URL with another scheme"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && time.Now().Before(invalid.Cert.NotBefore):
		return "the certificate of " + host + " begins on " + day(invalid.Cert.NotBefore), "is this machine's clock right?"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate of " + host + " ended on " + day(invalid.Cert.NotAfter), "whoever runs it has to renew it; or is this machine's clock wrong?"
	case errors.As(err, &unknown):
		return "the certificate of " + host + " is signed by nobody whom this machine trusts", "add the signer to this machine's certificates (SSL_CERT_FILE); or is somebody in between?"
	case errors.As(err, &named):
		return "the certificate of " + host + " is for " + others(named.Certificate), "check the spelling of the host"
	case errors.As(err, &invalid):
		return "the certificate of " + host + " is not valid: " + invalid.Error(), "whoever runs it has to renew it"
	}
	return "", ""
}

func others(c *x509.Certificate) string {
	if len(c.DNSNames) == 0 {
		return "another host"
	}
	return names(c.DNSNames)
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
