package doctor

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// inWords is a duration as people say it.
func inWords(d time.Duration) string {
	if d < 0 {
		return "-" + inWords(-d)
	}
	switch {
	case d < time.Millisecond:
		return "less than 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%s days", thousands(int(d.Hours()/24)))
}

// between is a span that is not known exactly.
func between(least, most time.Duration) string {
	if a, b := inWords(least), inWords(most); a != b {
		return a + " to " + b
	}
	return inWords(least)
}

// counted writes 1 user, 12,000 users.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return thousands(n) + " processes"
}

// thousands writes 12000 as 12,000.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// tenths is a span in seconds, as it is reckoned with.
func tenths(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s" }

// figure is a number with as many digits as mean something.
func figure(x float64) string {
	if x >= 10 {
		return thousands(int(math.Round(x)))
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

// inHours is a lifetime as settings are written, without minutes and seconds that are none.
func inHours(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return d.String()
}

// size is bytes in MiB or GiB.
func size(bytes int) string {
	if bytes >= gibibyte {
		return strconv.FormatFloat(float64(bytes)/gibibyte, 'f', 1, 64) + " GiB"
	}
	return fmt.Sprintf("%d MiB", parts(bytes, mebibyte))
}
