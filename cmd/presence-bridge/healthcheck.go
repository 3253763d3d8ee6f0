package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthcheckCommand is what an image without a shell asks itself with.
type healthcheckCommand struct {
	URL         string        `name:"url" placeholder:"URL" help:"What to get; /readyz of the admin listener when left out."`
	Timeout     time.Duration `default:"3s" help:"How long to wait."`
	AdminListen string        `variable:"ADMIN_LISTEN" default:"127.0.0.1:8081" help:"The admin listener of the bridge that is asked."`
}

func (c *healthcheckCommand) problems() []error {
	return []error{checkListen("ADMIN_LISTEN", c.AdminListen)}
}

func (c *healthcheckCommand) run(ctx context.Context, _ *process) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url(), nil)
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", request.URL.Redacted(), answer.Status)
	}
	return nil
}

func (c *healthcheckCommand) url() string {
	if c.URL != "" {
		return c.URL
	}
	host, port, _ := net.SplitHostPort(c.AdminListen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz"
}
