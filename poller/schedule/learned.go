package schedule

import (
	"encoding/binary"
	"errors"
	"math"
)

// What has been learned is written down little-endian, as float32: it is an estimate to begin with.
const (
	HazardsSize = 2 * 2 * ages * 4 // bytes of [Hazards] in writing
	RecordSize  = 4 * 4            // bytes of a [Record]
)

var errLearned = errors.New("not something that can be learned: every count is finite, and more than nothing")

// Hazards is what has been learned of everybody.
func (s *Schedule) Hazards() Hazards { return s.hazards.Hazards }

// Record is what has been learned of a user.
func (s *Schedule) Record(id int32) Record { return s.users[id].record }

// Empty says that nothing worth keeping has been learned of the user.
func (r Record) Empty() bool {
	return r.events[0]+r.events[1]+r.expected[0]+r.expected[1] < leastRecord
}

// leastRecord is how many changes, seen or expected, tell anything of one user.
const leastRecord = 0.25

// Append writes what was learned of everybody behind b.
func (h Hazards) Append(b []byte) []byte {
	for _, table := range [...]*[2][ages]float64{&h.events, &h.exposure} {
		for state := range table {
			for _, x := range table[state] {
				b = appendFloat(b, float32(x))
			}
		}
	}
	return b
}

// ReadHazards reads what Append has written: the first HazardsSize bytes.
func ReadHazards(b []byte) (h Hazards, err error) {
	if len(b) < HazardsSize {
		return Hazards{}, errLearned
	}
	for _, table := range [...]*[2][ages]float64{&h.events, &h.exposure} {
		for state := range table {
			for a := range table[state] {
				x := float64(readFloat(b))
				if !(x > 0) || math.IsInf(x, 1) {
					return Hazards{}, errLearned
				}
				table[state][a], b = x, b[4:]
			}
		}
	}
	return h, nil
}

// Append writes what was learned of the user behind b.
func (r Record) Append(b []byte) []byte {
	for state := range 2 {
		b = appendFloat(appendFloat(b, r.events[state]), r.expected[state])
	}
	return b
}

// ReadRecord reads what Append has written: the first RecordSize bytes.
func ReadRecord(b []byte) (r Record, err error) {
	if len(b) < RecordSize {
		return Record{}, errLearned
	}
	for state := range 2 {
		r.events[state], r.expected[state] = readFloat(b[8*state:]), readFloat(b[8*state+4:])
		if !(r.events[state] >= 0 && r.expected[state] >= 0 && r.events[state]+r.expected[state] <= frailtyMemory) {
			return Record{}, errLearned
		}
	}
	return r, nil
}

func appendFloat(b []byte, x float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
}

func readFloat(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
