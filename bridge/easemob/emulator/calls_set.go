package emulator

import (
	"maps"
	"slices"
	"unicode/utf8"
)

// set makes one device of a user what the path says, and the user's ext, of which there is one for all
// devices, what the body says. Whoever is not known yet becomes so: at the vendor users are registered
// beforehand, through another API.
func (s *Server) set(c call, body []byte) (answer, *refusal) {
	ext, no := s.rules.decodeExt(body)
	switch {
	case no != nil:
		return answer{}, no
	case !isStatus(c.value):
		return answer{}, &setFailed
	case len(c.resource) > maxResourceBytes, !utf8.ValidString(c.resource):
		return answer{}, &noSuchDevice
	}
	made := s.people.change(func(at func(string) User) (string, map[string]string, string) {
		status := withDevice(at(c.operator).Status, c.resource, c.value)
		if status == nil {
			return "", nil, ""
		}
		return c.operator, status, ext
	})
	if !made {
		return answer{}, &setFailed
	}
	s.counts.served(kindSet, 1)
	return done, nil
}

// withDevice is a status with one device changed. Devices that are offline stay in it, as they do at the vendor,
// and make room once there are too many; where all are online there is none, and the answer is nil.
func withDevice(status map[string]string, device, value string) map[string]string {
	next := maps.Clone(status)
	if next == nil {
		next = make(map[string]string)
	}
	if _, known := next[device]; !known && len(next) >= maxDevices {
		gone := offline(next)
		if len(gone) == 0 {
			return nil
		}
		delete(next, gone[0])
	}
	next[device] = value
	return next
}

// offline are the devices of a status that are not there, in alphabetical order.
func offline(status map[string]string) []string {
	var devices []string
	for device, value := range status {
		if !isOnline(value) {
			devices = append(devices, device)
		}
	}
	slices.Sort(devices)
	return devices
}
