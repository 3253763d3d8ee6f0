package bridge

import (
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// letter is a message that is written again and again, each time after the last one was sent. Its headers are those of
// CloudEvents 1.0 in the NATS binding's binary mode, and the condition.
type letter struct {
	msg      nats.Msg
	subjects string // what the subjects of the app's users begin with
	at       int64  // what time tells
	scratch  []byte

	id, subject, time, after []string // the values in msg.Header that differ from message to message
}

func newLetter(app App) *letter {
	values := make([]string, 4)
	l := &letter{
		subjects: app.subjectsBegin(),
		id:       values[0:1:1], subject: values[1:2:2], time: values[2:3:3], after: values[3:4:4],
	}
	l.msg.Header = nats.Header{
		"ce-specversion":                    {"1.0"},
		"ce-id":                             l.id,
		"ce-type":                           {"presence.changed.v1"},
		"ce-source":                         {"/presence-bridge/" + EncodeToken(app.Org) + "/" + EncodeToken(app.Name)},
		"ce-subject":                        l.subject,
		"ce-time":                           l.time,
		"content-type":                      {"application/json"},
		jetstream.ExpectedLastSubjSeqHeader: l.after,
	}
	return l
}

// write makes it the letter of a flight, on the condition that nothing was written about the user since. The id is unique:
// only one message of a user can follow a given one. All that differs is one string, cut in pieces: it is one allocation.
func (l *letter) write(f *flight, inbox string, number uint64) {
	b := append(l.scratch[:0], l.subjects...)
	b = appendToken(b, string(f.change.UID))
	subject := len(b)
	b = append(append(b, f.change.UID...), '.')
	after := len(b)
	b = strconv.AppendUint(b, f.after, 10)
	afterEnd := len(b)
	b = strconv.AppendInt(append(b, '.'), f.change.ObservedAt, 10)
	id := len(b)
	b = strconv.AppendUint(append(b, inbox...), number, numberBase)
	l.scratch = b
	s := string(b)
	l.msg.Subject, l.msg.Reply, l.msg.Data = s[:subject], s[id:], f.data
	l.id[0], l.after[0], l.subject[0] = s[subject:id], s[after:afterEnd], string(f.change.UID)
	if at := f.change.ObservedAt; at != l.at || l.time[0] == "" { // those of one look have the same
		l.at, l.time[0] = at, time.UnixMilli(at).UTC().Format(time.RFC3339Nano)
	}
}
