package hub

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// TestCloseCodes compares the table of the code with the client's and the one in web/PROTOCOL.md.
func TestCloseCodes(t *testing.T) {
	want := map[string]string{}
	for _, c := range closeCodeEntries {
		want[fmt.Sprint(int(c.code))] = fmt.Sprint(c.name, " ", c.comeBack)
	}
	require.Len(t, want, 9)

	js, err := os.ReadFile("../web/client/frames.js") // what presence.js is made of
	require.NoError(t, err)
	client := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\s+(\d{4}): \{ name: "([^"]+)", comeBack: (true|false) \},`).FindAllStringSubmatch(string(js), -1) {
		client[m[1]] = m[2] + " " + m[3]
	}
	require.Equal(t, "connection lost true", client["1006"], "what browsers make of no close frame is no code of ours")
	delete(client, "1006")
	require.Equal(t, want, client)

	document, err := os.ReadFile("../web/PROTOCOL.md")
	require.NoError(t, err)
	described := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\|\s*(\d{4})\s*\|\s*([^|]+?)\s*\|\s*(yes|no)\b[^|]*\|`).FindAllStringSubmatch(string(document), -1) {
		described[m[1]] = m[2] + " " + fmt.Sprint(m[3] == "yes")
	}
	require.Equal(t, want, described)
}

// TestCloseReasonsFit: a reason that is cut stays text, or browsers would see no close code at all.
func TestCloseReasonsFit(t *testing.T) {
	for n := range 200 {
		reason := closeToken.because(strings.Repeat("x", n) + strings.Repeat("ü€", 60)).reason
		require.LessOrEqual(t, len(reason), 123)
		require.True(t, utf8.ValidString(reason))
	}
}

// TestTheFirstReasonCounts: what ends a connection that ends already changes nothing.
func TestTheFirstReasonCounts(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, h *bubbleHub) {
		c := h.dial()
		c.expect("welcome")
		h.peek(func() {
			for s := range h.sessions.all() {
				h.Hub.end(s, closeToken.because("first"))
				h.Hub.end(s, closeRestarting.because("second"))
			}
		})
		require.Equal(t, "first", c.expectClose(closeToken))
	})
}
