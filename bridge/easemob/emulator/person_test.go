package emulator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A browser without a fixed device id has a new key for each page load, and the keys before stay as "0", the
// last three of them; any other device keeps its key (JS).
func TestPageLoadsLeaveKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := &person{atOnce: 4, devices: []device{{habit: browser, platform: "chrome", fresh: true, loaded: 1_700_000_000_000},
		{habit: browser, platform: "chrome", key: "webim_chrome_1700000000001"}}}
	status := make(map[string]string)
	var keys []string
	for i := range 6 {
		for j := range p.devices {
			p.arrive(&p.devices[j])(rng, status, "")
		}
		key := p.devices[0].key
		check(t, strings.HasPrefix(key, "webim_random_chrome_17") && !slices.Contains(keys, key), "key %s after %v", key, keys)
		want := map[string]string{key: "1", "webim_chrome_1700000000001": "1"}
		for _, old := range keys[max(0, i-oldKeys):] {
			want[old] = "0"
		}
		equal(t, status, want)
		keys = append(keys, key)
		for j := range p.devices {
			p.leave(&p.devices[j])(rng, status, "")
		}
	}
}

// replacements plays a crowd, and counts changes in which a device made room for another of its platform.
func replacements(t *testing.T, atOnce int) (n int) {
	truth := make(map[string]User)
	p := newPopulation(2, atOnce, 0)
	p.resize(200, func(uid string, status map[string]string, ext string, _ float64) {
		truth[uid] = User{Status: status, Ext: ext}
	})
	for range 20_000 {
		turn := p.next(func(uid string) User { return truth[uid] })
		before := truth[turn.who.uid].Status
		there := make(map[string]int) // platform -> devices
		gone := 0
		for device, value := range turn.status {
			if isOnline(value) {
				there[platformOf(device)]++
			} else if isOnline(before[device]) {
				gone++
			}
		}
		for platform, n := range there {
			check(t, n <= atOnce, "%s has %d of %s", turn.who.uid, n, platform)
		}
		if gone > 0 && fmt.Sprint(slices.Sorted(maps.Values(turn.status))) == fmt.Sprint(slices.Sorted(maps.Values(before))) {
			n++
		}
		truth[turn.who.uid] = User{Status: turn.status, Ext: turn.ext}
	}
	return n
}

func TestTooManyDevicesReplaceOneAnother(t *testing.T) {
	check(t, replacements(t, 1) > 50, "only %d replacements where one device is allowed", replacements(t, 1))
	equal(t, replacements(t, 4), 0) // nobody here has so many
}

// The one that goes is the one that came first.
func TestTheFirstIsReplaced(t *testing.T) {
	p := &person{atOnce: 2, devices: []device{{key: "ios_1"}, {key: "ios_2"}, {key: "ios_3"}, {key: "win_1"}}}
	status := make(map[string]string)
	for _, i := range []int{1, 3, 0, 2} {
		p.logIn(&p.devices[i], status)
	}
	equal(t, status, map[string]string{"ios_1": "1", "ios_2": "0", "ios_3": "1", "win_1": "1"})
}
