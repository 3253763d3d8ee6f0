package emulator

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
)

const (
	oldKeys = 3 // keys of earlier page loads that stay in a status as "0"

	// A person's hazards are compared with this; no sum of them comes near it.
	ceiling = 6.0
)

// habit is how a kind of device is used: how readily its owner logs in where they are awake, and out where
// they are not, in logins and logouts per chance given.
type habit struct {
	arrive      float64 // times how awake the owner is
	leave       float64 // always
	leaveAsleep float64 // times how asleep the owner is
}

var (
	phone   = habit{arrive: 0.9, leave: 1.2}                     // short sessions, quick returns
	desktop = habit{arrive: 0.25, leave: 0.04, leaveAsleep: 0.3} // on for the day
	browser = habit{arrive: 0.3, leave: 0.15, leaveAsleep: 0.25} // a tab now and then
)

// A device is something its owner logs in with.
type device struct {
	habit    habit
	key      string   // in the status; "" before a fresh one is first used
	platform string   // of a fresh one
	fresh    bool     // a new key for each page load, as of the web SDK without a fixed device id
	loaded   int64    // fresh: when the page was last loaded, Unix milliseconds of nobody's clock
	old      []string // fresh: keys of earlier loads, oldest first
	login    int      // which of its owner's logins was its last
	gone     int      // which vanishing took it off the network, while it is still shown; 0: none
}

// A person has a character, drawn once. What they look like now is kept by people, not here; here is only
// what nobody can see.
type person struct {
	number   int // from 1
	uid      string
	weight   float64 // how lively
	peak     float64 // hour of the day at which they are most awake
	chatty   float64
	texts    []string // what they write into ext
	devices  []device
	atOnce   int  // devices of one platform that can be logged in
	logins   int  // so many so far
	restless bool // left by phone a moment ago, and soon to be back
}

var (
	phrases = []string{
		"in a meeting", "busy", "回头见", "on a train 🚄", "lunch", "开会中", "brb", "working from home", "☕", "🎧 focus",
		"back at 3", "do not disturb", "déjà vu", `<away> & "soon" back`, "on call", "出差", "🏖️", "école", "reviewing", "在路上",
	}
	moods = []string{"1", "100", "101", "102"} // custom states of an app: there, busy, away, do not disturb
)

// newPerson draws the i-th person, from 1.
func newPerson(seed uint64, i int) (*person, *rand.Rand) {
	rng := rand.New(rand.NewPCG(seed, uint64(i)))
	p := &person{
		number: i,
		uid:    fmt.Sprintf("user-%04d", i),
		weight: min(max(math.Exp(0.7*rng.NormFloat64()), 0.2), 5),
		peak:   math.Mod(14+3*rng.NormFloat64()+24, 24),
		chatty: rng.Float64(),
	}
	if rng.IntN(8) == 0 {
		p.peak = math.Mod(p.peak+9, 24) // a night owl
	}
	for range 2 + rng.IntN(4) {
		p.texts = append(p.texts, phrases[rng.IntN(len(phrases))])
	}
	p.devices = drawDevices(rng)
	return p, rng
}

// drawDevices gives a phone to nearly everybody, and a computer or a second device to many.
func drawDevices(rng *rand.Rand) []device {
	var devices []device
	if rng.IntN(10) > 0 {
		devices = append(devices, drawPhone(rng))
	}
	if rng.IntN(2) == 0 {
		devices = append(devices, device{habit: desktop, key: "win_" + drawUUID(rng)})
	}
	if rng.IntN(5) < 2 || len(devices) == 0 {
		devices = append(devices, drawBrowser(rng))
	}
	if rng.IntN(8) == 0 {
		devices = append(devices, drawPhone(rng))
	}
	return devices
}

func drawPhone(rng *rand.Rand) device {
	switch rng.IntN(10) {
	case 0:
		return device{habit: phone, key: "android"} // a key may be a bare type (SEED)
	case 1, 2, 3, 4:
		return device{habit: phone, key: "ios_" + drawUUID(rng)}
	}
	return device{habit: phone, key: "android_" + drawUUID(rng)}
}

// drawBrowser names a tab as the web SDK does: webim_<platform>_<ms>, kept for good or new for each load (JS).
func drawBrowser(rng *rand.Rand) device {
	platforms := []string{"chrome", "firefox", "safari"}
	d := device{habit: browser, platform: platforms[rng.IntN(len(platforms))], fresh: rng.IntN(2) == 0}
	d.loaded = 1_700_000_000_000 + rng.Int64N(1e10)
	if !d.fresh {
		d.key = fmt.Sprintf("webim_%s_%d", d.platform, d.loaded)
	}
	return d
}

func drawUUID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(a>>32), a>>52, b&0xfff, b>>16)
}

// awake is how likely the person is to be about at an hour of the day, 0.1 to 1.
func (p *person) awake(hour float64) float64 {
	wave := (1 + math.Cos(2*math.Pi*(hour-p.peak)/24)) / 2
	return 0.1 + 0.9*math.Pow(wave, 1.5)
}

// start is how the person is found at an hour: each device on or off as it would be in the long run. A few
// people have never logged in.
func (p *person) start(rng *rand.Rand, hour float64) (status map[string]string, ext string) {
	status = make(map[string]string)
	if rng.IntN(30) == 0 {
		return status, ""
	}
	awake := p.awake(hour)
	for i := range p.devices {
		d := &p.devices[i]
		d.load(rng, status)
		status[d.key] = "0"
		if in, out := d.habit.arrive*awake, d.habit.out(awake); rng.Float64() < in/(in+out) {
			p.logIn(d, status)
		}
	}
	if rng.Float64() < p.chatty/2 {
		ext = p.texts[rng.IntN(len(p.texts))]
	}
	return status, ext
}

func (h habit) out(awake float64) float64 { return h.leave + h.leaveAsleep*(1-awake) }

// load opens the page anew in a browser that has a key for each load, and retires the key before; those
// that are too old leave the status. Other devices keep their key.
func (d *device) load(rng *rand.Rand, status map[string]string) {
	if !d.fresh {
		return
	}
	if d.key != "" {
		d.old = append(d.old, d.key)
	}
	if len(d.old) > oldKeys {
		delete(status, d.old[0])
		d.old = d.old[1:]
	}
	d.loaded += 1 + rng.Int64N(1e8)
	d.key = fmt.Sprintf("webim_random_%s_%d", d.platform, d.loaded)
}

// logIn makes a device that is off be there. Where no more of its platform can be, the one that logged in first
// has to go (ED+ callback_login_logout: with a login too many "one of the devices is kicked out").
func (p *person) logIn(d *device, status map[string]string) {
	if first, n := p.earliest(platformOf(d.key), status); n >= p.atOnce {
		status[first.key] = "0"
	}
	p.logins++
	status[d.key], d.login, d.gone = "1", p.logins, 0
}

// earliest returns the device of a platform that has been there the longest, and how many are there.
func (p *person) earliest(platform string, status map[string]string) (first *device, n int) {
	for i := range p.devices {
		d := &p.devices[i]
		if platformOf(d.key) != platform || !isOnline(status[d.key]) {
			continue
		}
		if n++; first == nil || d.login < first.login {
			first = d
		}
	}
	return first, n
}

// A move is one thing that a person might do next, and how much they are inclined to.
type move struct {
	hazard float64
	do     func(rng *rand.Rand, status map[string]string, ext string) string // changes status, returns ext
	quits  *device                                                           // that is logged out by it
}

// moves are what the person can do in a state. There is always one, unless their devices are off the network
// and nobody has noticed: a device that is off can be switched on, and the other way round. Devices that are
// none of theirs (set by somebody through the API) they leave alone.
func (p *person) moves(now User, hour float64) []move {
	var moves []move
	awake := p.awake(hour)
	online := 0.0
	for i := range p.devices {
		d := &p.devices[i]
		if value := now.Status[d.key]; isOnline(value) {
			if d.gone != 0 {
				continue
			}
			online++
			moves = append(moves, move{d.habit.out(awake), p.leave(d), d}, move{0.08 * p.chatty, p.mood(d, value), nil})
			continue
		}
		eager := d.habit.arrive * awake
		if p.restless && d.habit == phone {
			eager *= 3
		}
		moves = append(moves, move{eager, p.arrive(d), nil})
	}
	if online > 0 {
		moves = append(moves, move{0.2 * p.chatty, p.say, nil})
	}
	return moves
}

func (p *person) arrive(d *device) func(*rand.Rand, map[string]string, string) string {
	return func(rng *rand.Rand, status map[string]string, ext string) string {
		d.load(rng, status)
		p.logIn(d, status)
		p.restless = false
		return ext
	}
}

func (p *person) leave(d *device) func(*rand.Rand, map[string]string, string) string {
	return func(rng *rand.Rand, status map[string]string, ext string) string {
		status[d.key] = "0"
		p.restless = d.habit == phone && rng.IntN(5) < 3
		return ext
	}
}

func (p *person) mood(d *device, now string) func(*rand.Rand, map[string]string, string) string {
	return func(rng *rand.Rand, status map[string]string, ext string) string {
		status[d.key] = otherThan(now, moods, rng)
		return ext
	}
}

// say writes a text, or takes the one that is there away.
func (p *person) say(rng *rand.Rand, _ map[string]string, ext string) string {
	if ext != "" && rng.IntN(5) < 2 {
		return ""
	}
	return otherThan(ext, p.texts, rng)
}

// otherThan draws one that is not the present one, so that a change always is one. Where there is no other,
// it is nothing at all, or, after nothing, a full stop.
func otherThan(now string, from []string, rng *rand.Rand) string {
	start := rng.IntN(len(from))
	for i := range from {
		if s := from[(start+i)%len(from)]; s != now {
			return s
		}
	}
	if now != "" {
		return ""
	}
	return "."
}

// do is what a move makes of a state; the state itself stays as it is.
func (m move) from(now User, rng *rand.Rand) (map[string]string, string) {
	status := maps.Clone(now.Status)
	if status == nil {
		status = make(map[string]string)
	}
	ext := m.do(rng, status, now.Ext)
	return status, ext
}
