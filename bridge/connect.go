package bridge

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// Connect connects to a NATS server and keeps at it for ever once it was reached: what happens to the
// connection meanwhile is logged, and told by [Bus.Connected]. creds is a credentials file or empty; a nil
// logger says nothing.
func Connect(address, creds string, logger *slog.Logger, more ...nats.Option) (*nats.Conn, error) {
	logger = orSilent(logger)
	opts := []nats.Option{
		nats.Name("presence-bridge"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, time.Second),
		nats.PingInterval(5 * time.Second), // a dead link is noticed within 15 s, not minutes
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // nil: we closed it ourselves
				logger.Warn("NATS is away", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { logger.Info("NATS is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { logger.Warn("NATS complains", "error", err) }),
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
