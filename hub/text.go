package hub

import (
	"io"
	"unicode/utf8"
)

var errNoText = closeProtocol.because("text has to be UTF-8")

// text reads a text message. It fails with errNoText at the first byte that no UTF-8 has there, however far away the end
// of the message is: what cannot become a message is not waited for. A letter that is never finished is the reader's to see.
type text struct {
	io.Reader
	begun []byte // of a letter whose other bytes have yet to come, up to three
}

func (t *text) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if err != nil && err != io.EOF {
		return n, err // coder/websocket has not unmasked what comes with it
	}
	if !t.goOn(p[:n]) {
		return 0, errNoText
	}
	return n, err
}

// goOn says whether p may follow what came before it.
func (t *text) goOn(p []byte) bool {
	for len(t.begun) > 0 && len(p) > 0 {
		t.begun, p = append(t.begun, p[0]), p[1:]
		if utf8.FullRune(t.begun) { // or it can be no rune any more
			if !utf8.Valid(t.begun) {
				return false
			}
			t.begun = t.begun[:0]
		}
	}
	whole := len(p) - unfinished(p)
	t.begun = append(t.begun, p[whole:]...)
	return utf8.Valid(p[:whole])
}

// unfinished is how many bytes at the end of p begin a letter that goes on after it.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}
