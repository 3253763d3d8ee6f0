package hub

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// wireCase is what a client sends, and what it has to hear: a regular expression for the words of wire.hears, joined
// by "; ". Of a case that ends in alive the connection is asked for one more answer. The hub counts each that it ends.
type wireCase struct {
	name, send, hears string
	chopped           bool // each byte is a write of its own
	leaves            bool // the client says goodbye, or goes: nothing is to be counted
}

// What a hub says of what it does not take. RFC 6455 has codes for two of them (1002, 1007) where the hub's own table
// has 4400; which of them it is depends on who finds out, the library or the hub.
const (
	alive    = "says pong end"
	broken   = "closes (1002|4400); ends"
	badText  = "closes (1007|4400); ends"
	noText   = "closes (1003|4400); ends"
	tooLarge = "closes 1009; ends"
	cutOff   = "(closes 1002; )?ends" // where the RFC wants no close frame
)

func isAlive(before string) string { return before + alive }

// sized is a message that the hub answers, of so many bytes.
func sized(n int) string { return `{"type":"ping"` + strings.Repeat(" ", n-15) + `}` }

// named is one whose answer has the id, which is not looked at for what it is.
func named(id string) string { return `{"type":"ping","id":"` + id + `"}` }

func wireCases() (all []wireCase) {
	add := func(name, hears string, send ...string) *wireCase {
		all = append(all, wireCase{name: name, hears: hears, send: strings.Join(send, "")})
		return &all[len(all)-1]
	}
	framing(add)
	controls(add)
	reserved(add)
	fragments(add)
	texts(add)
	farewells(add)
	return all
}

type adder = func(name, hears string, send ...string) *wireCase

// framing: every way to write a length, and its limits.
func framing(add adder) {
	for _, n := range []int{15, 125, 126, 127, 128, 65535, 65536} {
		add(fmt.Sprintf("text of %d bytes", n), isAlive("says pong; "), masked(fin|opText, sized(n)))
	}
	add("text of no bytes", "closes 4400; ends", masked(fin|opText, ""))
	add("text above MAX_MESSAGE_BYTES", tooLarge, masked(fin|opText, sized(65537)))
	add("text far above it", tooLarge, masked(fin|opText, sized(1<<20)))
	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
		add(fmt.Sprintf("binary of %d bytes", n), noText, masked(fin|opBinary, strings.Repeat("\xFE", n)))
	}
	add("text byte by byte", isAlive("says pong; "), masked(fin|opText, sized(300))).chopped = true
	add("two texts in one write", isAlive("says pong 1; says pong 2; "), masked(fin|opText, named("1")), masked(fin|opText, named("2")))
	add("a length below nought", cutOff, "\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00")
	add("text without a mask", cutOff, unmasked(fin|opText, sized(15)))
	add("a ping without a mask", cutOff, unmasked(fin|opPing, "a"))
	add("a goodbye without a mask", cutOff, unmasked(fin|opClose, closeWith(1000, "")))
	add("HTTP on a socket", cutOff, "GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
	add("TLS on a socket", cutOff, "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03")
	add("who goes in the middle of a frame", "ends", masked(fin|opText, sized(100))[:50]).leaves = true
}

// controls: pings and pongs.
func controls(add adder) {
	full := strings.Repeat("p", 125)
	for _, payload := range []string{"", "hello", "\x00\xFF\xFE\xFD\x00", full} {
		add(fmt.Sprintf("a ping of %d bytes", len(payload)), isAlive("pong "+regexp.QuoteMeta(fmt.Sprintf("%q", payload))+"; "), masked(fin|opPing, payload))
		add(fmt.Sprintf("a pong of %d bytes that nobody asked for", len(payload)), isAlive(""), masked(fin|opPong, payload))
	}
	add("a ping byte by byte", isAlive(`pong "`+full+`"; `), masked(fin|opPing, full)).chopped = true
	add("a ping of 126 bytes", broken, masked(fin|opPing, full+"p"))
	add("a pong of 126 bytes", broken, masked(fin|opPong, full+"p"))
	var pings, pongs string
	for i := range 10 {
		pings += masked(fin|opPing, fmt.Sprint(i))
		pongs += fmt.Sprintf(`pong "%d"; `, i)
	}
	add("ten pings", isAlive(pongs), pings)
	add("ten pings byte by byte", isAlive(pongs), pings).chopped = true
	add("a pong, then a ping", isAlive(`pong "b"; `), masked(fin|opPong, "a"), masked(fin|opPing, "b"))
}

// reserved: bits and codes that nobody has agreed about, with and without a payload, after something good.
func reserved(add adder) {
	good := masked(fin|opText, named("good"))
	for _, bits := range []byte{rsv1, rsv2, rsv3, rsv1 | rsv2, rsv1 | rsv3, rsv2 | rsv3, rsv1 | rsv2 | rsv3} {
		for op, payload := range map[byte]string{opText: sized(20), opPing: "", opPong: "a", opClose: closeWith(1000, "")} {
			add(fmt.Sprintf("reserved bits %#x on %#x", bits, op), broken, masked(fin|bits|op, payload))
		}
	}
	add("a reserved bit on what continues a message", broken, masked(opText, `{"type":`), masked(fin|rsv1|opMore, `"ping"}`))
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		add(fmt.Sprintf("reserved code %d", op), broken, masked(fin|op, ""))
		add(fmt.Sprintf("reserved code %d with a payload", op), broken, masked(fin|op, sized(20)))
		add(fmt.Sprintf("reserved code %d after a message", op), "(says pong good; )?"+broken, good, masked(fin|op, "x"))
	}
}

// fragments: messages in parts, and what may come between.
func fragments(add adder) {
	one, two := `{"type":"ping",`, `"id":"parts"}`
	whole := "says pong parts; "
	add("a ping in parts", broken, masked(opPing, "a"), masked(fin|opMore, "b"))
	add("a pong in parts", broken, masked(opPong, "a"), masked(fin|opMore, "b"))
	add("a goodbye in parts", broken, masked(opClose, closeWith(1000, "")), masked(fin|opMore, "b"))
	add("text in two parts", isAlive(whole), masked(opText, one), masked(fin|opMore, two))
	add("text in two parts byte by byte", isAlive(whole), masked(opText, one), masked(fin|opMore, two)).chopped = true
	add("empty parts", isAlive(whole), masked(opText, ""), masked(opMore, one), masked(opMore, ""), masked(opMore, two), masked(fin|opMore, ""))
	add("nothing but empty parts", "closes 4400; ends", masked(opText, ""), masked(opMore, ""), masked(fin|opMore, ""))
	var letters, pings, pongs string
	for i := range one + two {
		letters += masked(opMore, (one + two)[i:i+1])
	}
	add("a letter a part", isAlive(whole), masked(opText, ""), letters, masked(fin|opMore, ""))
	add("a ping between", isAlive(`pong "between"; `+whole), masked(opText, one), masked(fin|opPing, "between"), masked(fin|opMore, two))
	add("a ping between byte by byte", isAlive(`pong "between"; `+whole), masked(opText, one), masked(fin|opPing, "between"), masked(fin|opMore, two)).chopped = true
	add("a pong between", isAlive(whole), masked(opText, one), masked(fin|opPong, "between"), masked(fin|opMore, two))
	for i := range 8 {
		pings += masked(fin|opPing, fmt.Sprint(i)) + masked(opMore, "")
		pongs += fmt.Sprintf(`pong "%d"; `, i)
	}
	add("many pings between", isAlive(pongs+whole), masked(opText, one), pings, masked(fin|opMore, two))
	add("a goodbye between", "closes 1000; ends", masked(opText, one), masked(fin|opClose, closeWith(1000, "")), masked(fin|opMore, two)).leaves = true
	add("an end without a beginning", broken, masked(fin|opMore, sized(20)))
	add("a middle without a beginning", broken, masked(opMore, "a"), masked(fin|opMore, "b"))
	add("an end after a message in one", "(says pong good; )?"+broken, masked(fin|opText, named("good")), masked(fin|opMore, "a"))
	add("an end after a message in two", "(says pong parts; )?"+broken, masked(opText, one), masked(fin|opMore, two), masked(fin|opMore, two))
	add("two beginnings", broken, masked(opText, one), masked(fin|opText, two))
	add("two beginnings that go on", broken, masked(opText, one), masked(opText, one), masked(fin|opMore, two))
	add("a beginning of another kind", broken, masked(opText, one), masked(fin|opBinary, two))
	add("binary in two parts", noText, masked(opBinary, one), masked(fin|opMore, two))
	add("a long message in two parts", isAlive("says pong; "), masked(opText, sized(65536)[:40000]), masked(fin|opMore, sized(65536)[40000:]))
	add("one that is too long together", tooLarge, masked(opText, sized(65537)[:40000]), masked(fin|opMore, sized(65537)[40000:]))
	add("one that is too long and never ends", tooLarge, masked(opText, sized(40000)), masked(opMore, sized(40000)), masked(opMore, sized(40000)))
}

// texts: UTF-8, and what is not. How soon it is noticed is TestTextThatCannotBeIsNotWaitedFor.
func texts(add adder) {
	for _, id := range []string{"κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "𝄞😀", "\U0010FFFF", "\u0080\u07FF\u0800\uD7FF\uE000\uFFFD", "\uFFFE\uFFFF", "\U00010000\U000FFFFF"} {
		hears := isAlive("says pong " + regexp.QuoteMeta(id) + "; ")
		add(fmt.Sprintf("%q", id), hears, masked(fin|opText, named(id)))
		add(fmt.Sprintf("%q byte by byte", id), hears, masked(fin|opText, named(id))).chopped = true
		parts := masked(opText, "")
		for i := range len(named(id)) {
			parts += masked(opMore, named(id)[i:i+1])
		}
		add(fmt.Sprintf("%q cut between all bytes", id), hears, parts, masked(fin|opMore, ""))
	}
	whole := named("ab😀cd")
	at := strings.Index(whole, "😀") + 2
	add("a ping in the middle of a letter", isAlive(`pong "\\xf0"; says pong ab😀cd; `), masked(opText, whole[:at]), masked(fin|opPing, "\xF0"), masked(fin|opMore, whole[at:]))
	for _, bad := range []string{
		"\x80", "\xBF", "\xBF\x80", "\xC0", "\xCE", "\xE0", "\xE2\x82", "\xF0\x9F\x98", "\xFE", "\xFF", "\xFE\xFF", // no letters, and parts of letters
		"\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xF0\x80\x80\xAF", "\xF0\x8F\xBF\xBF", "\xC0\x80", // longer than they need to be
		"\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80", "\xF4\x90\x80\x80", "\xF7\xBF\xBF\xBF", // beyond all letters
		"\xED\xA0\x80", "\xED\xBF\xBF", "\xED\xA0\x80\xED\xB0\x80", // halves of UTF-16, and both
	} {
		add(fmt.Sprintf("not text: %q", bad), badText, masked(fin|opText, named("κ"+bad+"x")))
		half := strings.Index(named("κ"+bad), bad) + len(bad)/2
		add(fmt.Sprintf("not text: %q in two parts", bad), badText, masked(opText, named("κ" + bad)[:half]), masked(fin|opMore, named("κ" + bad)[half:]))
	}
	add("a letter that is never finished", badText, masked(opText, `{"type":"ping"}`), masked(fin|opMore, "\xF0\x9F"))
	add("not text, and a good message after it", badText, masked(fin|opText, named("\xFF")), masked(fin|opText, named("good")))
}

// goodbyes: the closing handshake. The answer repeats the code, and nothing comes after it.
func farewells(add adder) {
	bye := func(name, hears, payload string, more ...string) {
		add(name, hears, append([]string{masked(fin|opClose, payload)}, more...)...).leaves = hears != broken
	}
	long := strings.Repeat("r", 123)
	bye("a goodbye", "closes 1000; ends", closeWith(1000, ""))
	bye("a goodbye with no code", "closes( 1000)?; ends", "")
	bye("a goodbye of one byte", broken, "\x03")
	bye("a goodbye with a reason", "closes 1000; ends", closeWith(1000, "going home"))
	bye("a goodbye with the longest reason", "closes 1000; ends", closeWith(1000, long))
	bye("a goodbye with a longer one", broken, closeWith(1000, long+"r"))
	bye("two goodbyes", "closes 1000; ends", closeWith(1000, ""), masked(fin|opClose, closeWith(1001, "")))
	bye("a ping after the goodbye", "closes 1000; ends", closeWith(1000, ""), masked(fin|opPing, "late"))
	bye("text after the goodbye", "closes 1000; ends", closeWith(1000, ""), masked(fin|opText, sized(20)))
	bye("the rest of a message after the goodbye", "closes 1000; ends", closeWith(1000, ""), masked(fin|opMore, "a"))
	bye("a quarter of a MiB after the goodbye", "(closes 1000; )?ends", closeWith(1000, ""), masked(fin|opText, sized(1<<18))) // it may be reset
	// The library repeats a reason that is no text to whoever has sent it.
	bye("a reason that is no text", "closes (1000|1002|1007); ends", closeWith(1000, "\xCE\xFF"))
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		bye(fmt.Sprintf("a goodbye with %d", code), fmt.Sprintf("closes (%d|1000); ends", code), closeWith(code, "why"))
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		bye(fmt.Sprintf("a goodbye with %d, which is no code", code), broken, closeWith(code, ""))
	}
}

// TestFraming has one client after the other break the protocol, or go to its limits, in raw bytes over TCP. Each hears
// what it has to, each that the hub ends is counted, and somebody else on the same hub goes on as if nothing were.
func TestFraming(t *testing.T) {
	w := newWorld(t)
	w.look.say(bridge.FeedLive)
	w.look.see("alice", online("before"))
	metrics := prometheus.NewRegistry()
	h := w.hub(func(c *Config) { c.Auth, c.Registerer = hmacAuth, metrics })
	h.hears(bridge.FeedLive)
	h.follows(w.look)
	good := token(t, fields{"sub": "honest", "watch": "*"})
	honest := h.dial(withToken(good))
	honest.expect("welcome")
	honest.subscribe("alice")
	for _, c := range wireCases() {
		t.Run(c.name, func(t *testing.T) {
			ended := sum(t, metrics, "closed_total", "")
			require.Regexp(t, "^"+c.hears+"$", h.tryWire(t, c))
			if strings.HasSuffix(c.hears, "ends") && !c.leaves {
				ended++
			}
			require.Eventually(t, func() bool { return sum(t, metrics, "closed_total", "") == ended }, soon, often, "counted")
		})
		w.look.see("alice", online(c.name))
		require.Equal(t, c.name, honest.expect("changes").Presences[0].Ext, "somebody else")
	}
	h.until(func() bool { return h.sessions.len() == 1 && len(h.subjects) == 1 })
}

// TestWhatComesWithTheHandshake: a client may speak before it has read that it was accepted, a little or a lot.
func TestWhatComesWithTheHandshake(t *testing.T) {
	h := serveQuiet(t, quietHub(t))
	for _, n := range []int{20, readBuffer, 3000, 20_000} {
		w := h.wire()
		w.send(handshake() + masked(fin|opText, sized(n)) + masked(fin|opText, named("end")))
		require.Equal(t, http.StatusSwitchingProtocols, w.answer().StatusCode)
		for _, want := range []string{"says welcome", "says pong", alive} {
			require.Equal(t, want, w.hears(), n)
		}
		require.NoError(t, w.conn.Close())
	}
}

// tryWire plays one case and tells in words what was heard after the welcome.
func (h *testHub) tryWire(t *testing.T, c wireCase) string {
	w := h.wire()
	w.t = t
	defer w.conn.Close()
	w.upgrade("Sec-WebSocket-Protocol: " + Subprotocol + ", bearer." + token(t, fields{"sub": "peer", "watch": "*"}))
	require.Equal(t, "says welcome", w.hears())
	if c.chopped {
		for i := range len(c.send) {
			w.send(c.send[i : i+1])
		}
	} else {
		w.send(c.send)
	}
	if strings.HasSuffix(c.hears, alive) {
		w.send(masked(fin|opText, named("end")))
	} else if c.leaves && c.hears == "ends" {
		closeWrite(t, w)
	}
	return strings.Join(w.hearsUntil(alive), "; ")
}
