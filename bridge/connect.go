package bridge

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// reconnectWait and as much again by chance is between two attempts to come back. It is short, since browsers are shown
// stale states meanwhile, and few processes are at one NATS server.
const reconnectWait = 250 * time.Millisecond

// Connect connects to a NATS server and keeps at it for ever once it was reached: that it is away, and that it is back,
// is a line in the log each, and told by [Bus.Connected]. creds is a credentials file or empty; a nil logger says
// nothing.
func Connect(address, creds string, logger *slog.Logger, more ...nats.Option) (*nats.Conn, error) {
	logger = orSilent(logger)
	var left time.Time // owned by the handlers, which are called one at a time
	opts := []nats.Option{
		nats.Name("presence-bridge"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.PingInterval(5 * time.Second), // a dead link is noticed within 15 s, not minutes
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: we closed it ourselves
				left = time.Now()
				logger.Warn("NATS is away: what clients see grows stale until it is back", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			logger.Info("NATS is back", "away_for", time.Since(left).Round(time.Millisecond), "server", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, err error) {
			if nc.IsConnected() { // else it was told that NATS is away, of which this comes
				logger.Warn("NATS complains", "error", err)
			}
		}),
	}
	if creds != "" {
		opts = append(opts, nats.UserCredentials(creds))
	}
	nc, err := nats.Connect(address, append(opts, more...)...)
	var malformed *url.Error
	if errors.As(err, &malformed) {
		err = malformed.Err // the URL itself may hold a password
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w (NATS_URL says where, NATS_CREDS who we are)", err)
	}
	return nc, nil
}

func orSilent(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}
