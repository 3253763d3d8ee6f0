package road

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/presence-bridge/presence-bridge/bridge/easemob/emulator"
)

// worldTable is what is printed in the end. A world that has been begun and not ended has failed.
type worldTable struct {
	mu     sync.Mutex
	played map[string]*played
}

func newWorldTable() *worldTable { return &worldTable{played: map[string]*played{}} }

func (l *worldTable) note(w world, p *played) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.played[w.name] = p
}

func (l *worldTable) print(t *testing.T, worlds []world) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-52s %8s %9s %6s %6s %6s %8s  %s\n", "world", "changes", "messages", "get", "subscr", "tokens", "settled", "client = GET = log = vendor")
	for _, w := range worlds {
		p, begun := l.played[w.name]
		if !begun { // -run has chosen others
			continue
		}
		if p == nil {
			fmt.Fprintf(&b, "%-52s %63s %s\n", w.name, "✘", strings.Join(w.is, ", "))
			continue
		}
		calls := p.stats.Calls
		fmt.Fprintf(&b, "%-52s %8d %9d %6d %6d %6d %8s  ✔ %s\n", w.name, p.changes, len(p.audit.all()), calls["get"], calls["subscribe"],
			calls["token"], p.settled.Round(10*time.Millisecond), rejections(p.stats))
		if len(w.is) > 0 {
			fmt.Fprintf(&b, "    %s\n", strings.Join(w.is, ", "))
		}
	}
	t.Log(b.String())
}

// rejections are the refusals that the bridge met on its way.
func rejections(s emulator.Stats) string {
	maps.DeleteFunc(s.Rejected, func(_ string, n int) bool { return n == 0 })
	if len(s.Rejected) == 0 {
		return ""
	}
	return "though refused: " + strings.Trim(fmt.Sprint(s.Rejected), "map[]")
}
