package doctor

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// places checks whether the addresses can be had that serve takes for browsers and operators.
func (p Plan) places(ctx context.Context, f *findings) {
	for _, at := range []struct{ check, variable, address string }{
		{"public port", "LISTEN", p.Listen},
		{"admin port", "ADMIN_LISTEN", p.AdminListen},
	} {
		switch at.address {
		case "":
		case "systemd":
			f.skip(at.check, "not checked: systemd holds it, and hands it over to serve")
		default:
			p.checkPlace(ctx, f, at.check, at.variable, at.address)
		}
	}
}

func (p Plan) checkPlace(ctx context.Context, f *findings, check, variable, address string) {
	err := tryListen(ctx, address)
	switch {
	case err == nil:
		f.fine(check, "%s is free", address)
	case errors.Is(err, syscall.EADDRINUSE):
		p.holder(ctx, f, check, variable, address)
	case errors.Is(err, fs.ErrPermission):
		f.fail(check, "choose a port of 1024 or more in "+variable+", or give serve the right to take it", "%s is not ours to take: %v", address, cause(err))
	default:
		f.fail(check, "choose another address in "+variable, "%s cannot be listened on: %v", address, cause(err))
	}
}

// holder finds out who listens where serve wants to: a bridge that runs already is no mistake.
func (p Plan) holder(ctx context.Context, f *findings, check, variable, address string) {
	ctx, cancel := context.WithTimeout(ctx, p.patience())
	defer cancel()
	where := "http://" + reachable(address)
	status, body, err := ask(ctx, where+"/healthz")
	if err != nil || status != http.StatusOK || body != "ok" {
		f.fail(check, "stop what listens there, or choose another address in "+variable, "%s is held by something that is no presence-bridge", address)
		return
	}
	status, body, err = ask(ctx, where+"/readyz")
	switch {
	case err == nil && status == http.StatusOK:
		f.fine(check, "%s is held by a presence-bridge that is ready", address)
	case err == nil && status == http.StatusServiceUnavailable:
		f.warn(check, "read its log", "%s is held by a presence-bridge that is not ready: %s", address, body)
	default:
		f.warn(check, "read its log", "%s is held by a presence-bridge that does not say whether it is ready", address)
	}
}

// ask gets a page of a few words.
func ask(ctx context.Context, url string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1024))
	return answer.StatusCode, strings.TrimSpace(string(text)), err
}

func tryListen(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}

// reachable is where this machine reaches what listens on an address.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// cause is the innermost of an error: what the system said.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
