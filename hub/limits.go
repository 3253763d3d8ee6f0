package hub

import (
	"errors"
	"fmt"
)

// Limits bound what a hub carries. The zero value of each is its default.
type Limits struct {
	MaxConnections           int   // WebSockets and event streams; 100,000
	MaxConnectionsPerSubject int   // of one token subject; 50
	MaxUIDsPerConnection     int   // watched by one connection; 1,000
	MaxUIDsPerSubject        int   // watched by all connections of one subject; 5,000
	MaxMessagesPerSecond     int   // from one connection; 20
	MaxMessageBytes          int64 // of one message; 65,536
}

func (l Limits) withDefaults() Limits {
	return Limits{
		MaxConnections:           orDefault(l.MaxConnections, 100_000),
		MaxConnectionsPerSubject: orDefault(l.MaxConnectionsPerSubject, 50),
		MaxUIDsPerConnection:     orDefault(l.MaxUIDsPerConnection, 1000),
		MaxUIDsPerSubject:        orDefault(l.MaxUIDsPerSubject, 5000),
		MaxMessagesPerSecond:     orDefault(l.MaxMessagesPerSecond, 20),
		MaxMessageBytes:          orDefault(l.MaxMessageBytes, 65_536),
	}
}

// Validate tells every limit that is below what a hub can work with.
func (l Limits) Validate() error {
	var wrong []error
	for _, limit := range []struct {
		name     string
		got, min int64
	}{
		{"MAX_CONNECTIONS", int64(l.MaxConnections), 1},
		{"MAX_CONNECTIONS_PER_SUBJECT", int64(l.MaxConnectionsPerSubject), 1},
		{"MAX_UIDS_PER_CONNECTION", int64(l.MaxUIDsPerConnection), 1},
		{"MAX_UIDS_PER_SUBJECT", int64(l.MaxUIDsPerSubject), 1},
		{"MAX_MESSAGES_PER_SECOND", int64(l.MaxMessagesPerSecond), 1},
		{"MAX_MESSAGE_BYTES", l.MaxMessageBytes, 256},
	} {
		if limit.got != 0 && limit.got < limit.min {
			wrong = append(wrong, fmt.Errorf("%s is %d, %d is the least", limit.name, limit.got, limit.min))
		}
	}
	return errors.Join(wrong...)
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
