package progress

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLongWorkShowsProgress, and short work is silent.
func TestLongWorkShowsProgress(t *testing.T) {
	for each, want := range map[time.Duration]string{
		time.Millisecond: "",
		time.Second: `msg="reading the log" users=2 of=5` + "\n" + `msg="reading the log" users=4 of=5` + "\n" +
			`msg="reading the log" users=6 of=6` + "\n" + `msg="the log has been read" users=6 took=6s` + "\n",
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		now := time.Unix(0, 0)
		p := Begin(log, "reading the log", "the log has been read", 5, now)
		for range 6 {
			now = now.Add(each)
			p.Step(now)
		}
		p.End(now)
		var lines strings.Builder
		for line := range strings.Lines(out.String()) {
			_, line, _ = strings.Cut(line, "level=INFO ")
			lines.WriteString(line)
		}
		require.Equal(t, want, lines.String())
	}
}
