package hub

import (
	"bytes"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestTextThatCannotBeIsNotWaitedFor is 6.4.1 to 6.4.4 of the Autobahn suite: no letter is beyond U+10FFFF, which shows at
// its second byte. The client sends nothing after it, and hears that it is no text. Where all is one frame that comes in
// pieces (6.4.3, 6.4.4) it hears it at the end of the frame: the library reads no less than a frame.
func TestTextThatCannotBeIsNotWaitedFor(t *testing.T) {
	h := serveQuiet(t, quietHub(t))
	const start, rest = `{"type":"ping","id":"κόσμε`, `edited"}`
	const payload = start + "\xF4\x90\x80\x80" + rest
	frame := masked(fin|opText, payload)
	at := len(frame) - len(payload) + len(start)
	for name, c := range map[string]struct {
		parts  []string
		pieces bool // of one frame
	}{
		"6.4.1":                     {[]string{masked(opText, start), masked(opMore, "\xF4\x90\x80\x80")}, false},
		"6.4.2":                     {[]string{masked(opText, start+"\xF4"), masked(opMore, "\x90")}, false},
		"6.4.3":                     {[]string{frame[:at], frame[at : at+4], frame[at+4:]}, true},
		"6.4.4":                     {[]string{frame[:at+1], frame[at+1 : at+2], frame[at+2:]}, true},
		"a letter in three parts":   {[]string{masked(opText, "\xE2"), masked(opMore, "\x82"), masked(opMore, ""), masked(opMore, "x")}, false},
		"no letter after no letter": {[]string{masked(opText, ""), masked(opMore, ""), masked(opMore, "\x80")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := h.wire()
			w.t = t
			w.upgrade("Sec-WebSocket-Protocol: " + Subprotocol)
			require.Equal(t, "says welcome", w.hears())
			for _, part := range c.parts[:len(c.parts)-1] {
				w.send(part)
				if !c.pieces { // what has come so far was read, and may still become text
					w.send(masked(fin|opPing, ""))
					require.Equal(t, `pong ""`, w.hears())
				}
			}
			w.send(c.parts[len(c.parts)-1])
			require.Equal(t, "closes 4400", w.hears())
		})
	}
}

// FuzzText reads bytes that come in parts as text, and holds the verdict after each against all that has come.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"κόσμε", "κόσμε\xF4\x90\x80\x80edited", "a\x80", "\xED\xA0\x80", "😀\xF0\x9F", "\xE2\x82x", "\xC0\xAF"} {
		for size := range byte(4) {
			f.Add([]byte(seed), size)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, size byte) {
		r := &text{Reader: bytes.NewReader(data)}
		part, came := make([]byte, int(size)+1), 0
		for {
			n, err := r.Read(part)
			if err == io.EOF {
				require.Equal(t, utf8.Valid(data), len(r.begun) == 0)
				return
			}
			if err != nil {
				require.Same(t, errNoText, err)
				require.False(t, mayBecomeText(data[:min(came+len(part), len(data))]))
				return
			}
			require.Equal(t, data[came:came+n], part[:n])
			came += n
			require.True(t, mayBecomeText(data[:came]))
		}
	})
}

// mayBecomeText says whether something can follow that makes it UTF-8.
func mayBecomeText(data []byte) bool {
	for n := range min(utf8.UTFMax, len(data)+1) {
		end := data[len(data)-n:]
		if utf8.Valid(data[:len(data)-n]) && (n == 0 || !utf8.FullRune(end)) {
			return true
		}
	}
	return false
}

// TestTextThatBreaksOff: what comes with an error is no text yet, and the error is what counts.
func TestTextThatBreaksOff(t *testing.T) {
	masked := &text{Reader: readerFunc(func(p []byte) (int, error) { return copy(p, "\xff\xfe"), io.ErrUnexpectedEOF })}
	_, err := masked.Read(make([]byte, 8))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
