package hub

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/presence-bridge/presence-bridge/bridge/easemob"
)

// refusal is an answer that says no: the code is for programs, the message for people. On a WebSocket it is
// an error message, over HTTP the body of a response.
type refusal struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, Code: code, Message: message}
}

// refusalOf is the one place that turns errors into what clients see. What it does not know is ours to read in
// the log, not theirs.
func refusalOf(err error) *refusal {
	var known *refusal
	var http4xx *echo.HTTPError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, errToken):
		return refuse(http.StatusUnauthorized, "token", err.Error())
	case errors.Is(err, errLater):
		return refuse(http.StatusServiceUnavailable, "no_keys", err.Error())
	case errors.As(err, &http4xx) && http4xx.Code < 500:
		return refuse(http4xx.Code, "request", http.StatusText(http4xx.Code))
	}
	return refuse(http.StatusInternalServerError, "internal", "the hub could not answer; its log says why")
}

// vendorRefusal says what became of a call at the vendor.
func vendorRefusal(err error) *refusal {
	var said *easemob.Error
	switch {
	case errors.Is(err, easemob.ErrOnlineOnly):
		return refuse(http.StatusNotImplemented, "online_only", "this bridge runs with EASEMOB_STATUS=online, which asks the vendor who is online and no more: nobody's presence can be set")
	case easemob.IsThrottled(err):
		return refuse(http.StatusServiceUnavailable, "busy", "the vendor takes no more calls just now; try again in a second")
	case easemob.IsRetryable(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return refuse(http.StatusBadGateway, "vendor_away", "the vendor did not answer in time; try again")
	case easemob.IsNotActivated(err), easemob.IsUnauthorized(err), easemob.IsOverPlan(err):
		return refuse(http.StatusBadGateway, "vendor_refused", "the vendor does not let this bridge set presence; its operator has to mend that")
	case errors.As(err, &said) && said.Status >= 400 && said.Status < 500:
		return refuse(http.StatusBadRequest, "refused", "the vendor refuses this: "+said.Message)
	case errors.Is(err, easemob.ErrInvalid):
		return refuse(http.StatusBadRequest, "invalid", easemob.WhyInvalid(err))
	}
	return refuse(http.StatusBadGateway, "vendor_failed", "the vendor's answer was of no use; the hub's log says what it was")
}

const retryAfter = "1" // s

// httpError is the server's error handler.
func (h *Hub) httpError(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		return // nobody is left to be answered
	}
	r := refusalOf(err)
	h.metrics.refuse(r.Code)
	if r.Code == "internal" {
		h.log.Error("answering", "path", c.Path(), "error", err)
	}
	switch r.status {
	case http.StatusUnauthorized:
		c.Response().Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable: // another hub may do at once; this one in a moment
		c.Response().Header().Set("Retry-After", retryAfter)
	}
	_ = c.JSON(r.status, r)
}
