package bridge

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// appendChange writes a change as encoding/json does, to the byte. A poller writes thousands a second, and maps cost
// encoding/json an allocation for each key and value.
func appendChange(b []byte, c *Change) []byte {
	b = appendString(append(b, `{"uid":`...), string(c.UID))
	b = appendState(append(b, ','), c.State)
	b = strconv.AppendInt(append(b, `,"observed_at":`...), c.ObservedAt, 10)
	b = strconv.AppendInt(append(b, `,"not_before":`...), c.NotBefore, 10)
	b = appendStrings(append(b, `,"changed":`...), c.Changed)
	if c.Prev != nil {
		b = append(appendState(append(b, `,"prev":{`...), *c.Prev), '}')
	}
	return append(appendString(append(b, `,"source":`...), string(c.Source)), '}')
}

// AppendPresence writes a presence as encoding/json does, to the byte. Hubs write each state once for all who watch.
func AppendPresence(b []byte, p Presence) []byte {
	b = appendString(append(b, `{"uid":`...), string(p.UID))
	b = appendState(append(b, ','), p.State)
	return append(strconv.AppendInt(append(b, `,"observed_at":`...), p.ObservedAt, 10), '}')
}

// appendState writes the fields of a state without its braces.
func appendState(b []byte, s State) []byte {
	b = strconv.AppendBool(append(b, `"online":`...), s.Online)
	b = appendStatus(append(b, `,"status":`...), s.Status)
	b = appendString(append(b, `,"ext":`...), s.Ext)
	return strconv.AppendInt(append(b, `,"last_time":`...), s.LastTime, 10)
}

func appendStatus(b []byte, status map[string]string) []byte {
	if status == nil {
		return append(b, "null"...)
	}
	var few [8]string // what users have of devices, nearly always
	devices := few[:0]
	for device := range status {
		devices = append(devices, device)
	}
	slices.Sort(devices)
	b = append(b, '{')
	for i, device := range devices {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, device), ':')
		b = appendString(b, status[device])
	}
	return append(b, '}')
}

func appendStrings(b []byte, list []string) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendString leaves to encoding/json what is not written as it is.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if escaped(s[i]) {
			quoted, _ := json.Marshal(s) // a string: it cannot fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// escaped says whether encoding/json may write a byte otherwise than as it is.
func escaped(c byte) bool {
	return c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f
}
