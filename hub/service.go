package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/presence-bridge/presence-bridge/bridge"
)

const (
	maxServiceBytes = 64 << 10
	maxServiceUIDs  = 1000
	leaseByDefault  = 5 * time.Minute
)

// Requests of backends. Who reaches NATS is trusted: there is no token.
type (
	getRequest struct {
		UIDs []bridge.UID `json:"uids"`
	}
	watchRequest struct {
		Holder string       `json:"holder"`
		UIDs   []bridge.UID `json:"uids"`
		TTL    string       `json:"ttl"`
	}
	unwatchRequest struct {
		Holder string       `json:"holder"`
		UIDs   []bridge.UID `json:"uids"`
	}
	setRequest struct {
		UID      string `json:"uid"`
		Resource string `json:"resource"`
		Status   string `json:"status"`
		Ext      string `json:"ext"`
	}
)

// Answers to backends; that of get is what a client's subscribe is answered.
type (
	watchAnswer struct {
		Watched int   `json:"watched"`
		Until   int64 `json:"until"` // Unix milliseconds
	}
	unwatchAnswer struct {
		Unwatched int `json:"unwatched"`
	}
)

// serveBackends answers what backends ask over NATS, until ctx is done.
func (h *Hub) serveBackends(ctx context.Context) error {
	return h.bus.Serve(ctx, h.version, "who is online, and who is to be watched for a backend",
		endpoint(h, "get", h.backendGets), endpoint(h, "watch", h.backendWatches),
		endpoint(h, "unwatch", h.backendUnwatches), endpoint(h, "set", h.backendSets))
}

// endpoint reads requests of one type, and turns what comes of them into answers.
func endpoint[T any](h *Hub, name string, do func(context.Context, T) (any, error)) bridge.Endpoint {
	return bridge.Endpoint{Name: name, Handle: func(ctx context.Context, body []byte) ([]byte, *bridge.ServiceError) {
		request, err := decodeRequest[T](body)
		if err != nil {
			return nil, h.serviceError(name, err)
		}
		answer, err := do(ctx, request)
		if err != nil {
			return nil, h.serviceError(name, err)
		}
		return encode(answer), nil
	}}
}

// decodeRequest reads the body of a request.
func decodeRequest[T any](body []byte) (request T, err error) {
	switch {
	case len(body) > maxServiceBytes:
		return request, badMessage("the request has %d bytes, %d is the most: ask in parts", len(body), maxServiceBytes)
	case !utf8.Valid(body):
		return request, badMessage("the request is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); errors.Is(err, io.EOF) {
		return request, badMessage("the request is empty: want a JSON object")
	} else if err != nil {
		return request, badMessage("the request has to be one JSON object: %s", jsonProblem(err))
	}
	if _, err := d.Token(); err != io.EOF {
		return request, badMessage("the request has to be one JSON object and nothing after it")
	}
	return request, nil
}

// serviceError is a refusal as backends get it: what browsers are told, and in its body the same for programs.
func (h *Hub) serviceError(name string, err error) *bridge.ServiceError {
	r := refusalOf(err)
	h.metrics.refuse(r.Code)
	if r.Code == "internal" {
		h.log.Error("answering a backend", "endpoint", name, "error", err)
	}
	return &bridge.ServiceError{Code: r.status, Description: r.Message, Body: encode(r)}
}

func (h *Hub) backendGets(ctx context.Context, r getRequest) (any, error) {
	uids, err := parseUIDs(r.UIDs, maxServiceUIDs)
	if err != nil {
		return nil, err
	}
	now, cancel := context.WithCancel(ctx)
	cancel()
	return h.ask(now, ctx, grant{open: true, raw: true}, uids)
}

func (h *Hub) backendWatches(ctx context.Context, r watchRequest) (any, error) {
	uids, err := parseUIDs(r.UIDs, maxServiceUIDs)
	if err != nil {
		return nil, err
	}
	ttl, err := parseTTL(r.TTL)
	if err != nil {
		return nil, err
	}
	until, err := h.bus.Lease(ctx, r.Holder, uids, ttl)
	if err != nil {
		return nil, h.leaseRefusal(err)
	}
	return watchAnswer{Watched: len(uids), Until: until.UnixMilli()}, nil
}

func (h *Hub) backendUnwatches(ctx context.Context, r unwatchRequest) (any, error) {
	uids, err := parseUIDs(r.UIDs, maxServiceUIDs)
	if err != nil {
		return nil, err
	}
	if err := h.bus.Release(ctx, r.Holder, uids); err != nil {
		return nil, h.leaseRefusal(err)
	}
	return unwatchAnswer{Unwatched: len(uids)}, nil
}

func (h *Hub) backendSets(ctx context.Context, r setRequest) (any, error) {
	uid, err := bridge.ParseUID(r.UID)
	switch {
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "bad_uid", "uid: "+err.Error())
	case r.Resource == "" || r.Status == "":
		return nil, badMessage(`set needs a resource, such as "web_1", and a status: "0" is offline, "1" online, other digits are your own`)
	}
	err = h.setPresence(ctx, grant{open: true}, uid, setting{Resource: r.Resource, Status: r.Status, Ext: r.Ext})
	return map[string]string{"result": "ok"}, err
}

func parseTTL(s string) (time.Duration, error) {
	if s == "" {
		return leaseByDefault, nil
	}
	ttl, err := time.ParseDuration(s)
	if err != nil || ttl < bridge.MinLease || ttl > bridge.MaxLease {
		return 0, refuse(http.StatusBadRequest, "bad_ttl", fmt.Sprintf("ttl is a duration such as 10m, from %s to %.0fh", bridge.MinLease, bridge.MaxLease.Hours()))
	}
	return ttl, nil
}

// leaseRefusal says what became of writing leases. What NATS says is for the log.
func (h *Hub) leaseRefusal(err error) error {
	if errors.Is(err, bridge.ErrLease) {
		return refuse(http.StatusBadRequest, "bad_holder", strings.TrimPrefix(err.Error(), bridge.ErrLease.Error()+": "))
	}
	h.log.Warn("writing leases for a backend", "error", err)
	return refuse(http.StatusServiceUnavailable, "nats_away", "NATS did not take all of it; ask for the same once more")
}
