package hub

import (
	"strings"

	"github.com/coder/websocket"
)

// closeCode is why a hub closes a socket. The table is the only one: the browser client and the README repeat
// it, and TestCloseCodes compares them.
type closeCode struct {
	code     websocket.StatusCode
	name     string
	comeBack bool // whether the same client may expect a better answer when it connects again
}

// The close codes.
var (
	closeGoingAway   = closeCode{websocket.StatusGoingAway, "going away", true}
	closePolicy      = closeCode{websocket.StatusPolicyViolation, "protocol error", false}
	closeTooLarge    = closeCode{websocket.StatusMessageTooBig, "too large", false}
	closeRestarting  = closeCode{websocket.StatusServiceRestart, "restarting", true}
	closeTooSlow     = closeCode{websocket.StatusTryAgainLater, "too slow", true}
	closeProtocol    = closeCode{4400, "protocol error", false}
	closeToken       = closeCode{4401, "token missing or expired", false}
	closeNotAllowed  = closeCode{4403, "not allowed", false}
	closeOverALimit  = closeCode{4429, "over a limit", true}
	closeCodeEntries = []closeCode{
		closeGoingAway, closePolicy, closeTooLarge, closeRestarting, closeTooSlow,
		closeProtocol, closeToken, closeNotAllowed, closeOverALimit,
	}
)

// closing is an error that ends a connection, and how.
type closing struct {
	closeCode
	reason string // what the peer reads, at most 123 bytes
}

func (c *closing) Error() string { return c.name + ": " + c.reason }

func (c closeCode) because(reason string) *closing {
	if len(reason) > 120 {
		reason = strings.ToValidUTF8(reason[:120], "")
	}
	return &closing{closeCode: c, reason: reason}
}
