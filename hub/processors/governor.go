package processors

const (
	full   = 0.9 // of a processor used: there may be work for another
	spare  = 0.5 // processors of the machine that nobody uses: much of another would be had
	slack  = 0.6 // of half of the processors used: half of them do
	slowly = 10  // times in a row before there are fewer
)

// governor decides how many processors there are to be.
type governor struct {
	now, most int
	quiet     int // for how many times in a row fewer would have done
}

// next takes how many processors this process has used since the last time, and how many of the machine's were idle.
func (g *governor) next(used, idle float64) int {
	switch {
	case used >= full*float64(g.now):
		g.quiet = 0
		if idle >= spare {
			g.now = min(2*g.now, g.most)
		}
	case g.now > 1 && used < slack*float64(g.now)/2:
		if g.quiet++; g.quiet == slowly {
			g.now, g.quiet = (g.now+1)/2, 0
		}
	default:
		g.quiet = 0
	}
	return g.now
}
