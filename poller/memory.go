package poller

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/presence-bridge/presence-bridge/bridge"
	"github.com/presence-bridge/presence-bridge/poller/schedule"
)

// memory is what was learned of how people change: of everybody together, and of those who are not in line now. It
// outlives terms and processes, so that a restart does not begin from nothing.
type memory struct {
	hazards schedule.Hazards
	records map[bridge.UID]schedule.Record
}

// maxRecords bounds how many are remembered who are not watched.
const maxRecords = 200_000

// keep remembers what was learned of a user. Where there are too many, somebody is forgotten.
func (m *memory) keep(uid bridge.UID, r schedule.Record) {
	if r.Empty() {
		return
	}
	if len(m.records) >= maxRecords {
		for other := range m.records {
			delete(m.records, other)
			break
		}
	}
	m.records[uid] = r
}

// take gives what is remembered of a user away.
func (m *memory) take(uid bridge.UID) schedule.Record {
	r := m.records[uid]
	delete(m.records, uid)
	return r
}

// In writing a memory is memoryHead, the hazards, a record for each user: the length of its name, the name, the record;
// and the checksum of all that.
const memoryHead = "presence-bridge learned 1\n"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	errDamaged = errors.New("what was learned is damaged")
	errForeign = errors.New("what was learned is of another version, or something else")
)

// learned writes down what is known of everybody in line, and of those who are remembered.
func (l *lineup) learned() []byte {
	b := l.schedule.Hazards().Append([]byte(memoryHead))
	for uid, m := range l.members {
		if r := l.schedule.Record(m.number); !r.Empty() {
			b = appendRecord(b, uid, r)
		}
	}
	for uid, r := range l.memory.records {
		b = appendRecord(b, uid, r)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func appendRecord(b []byte, uid bridge.UID, r schedule.Record) []byte {
	return r.Append(append(append(b, byte(len(uid))), uid...))
}

// readMemory reads what learned has written. What it does not understand it takes nothing of.
func readMemory(b []byte) (memory, error) {
	if len(b) < len(memoryHead) || string(b[:len(memoryHead)]) != memoryHead {
		return memory{}, errForeign
	}
	if len(b) < len(memoryHead)+schedule.HazardsSize+4 {
		return memory{}, errDamaged
	}
	b, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(b, castagnoli) != sum {
		return memory{}, errDamaged
	}
	b = b[len(memoryHead):]
	hazards, err := schedule.ReadHazards(b)
	if err != nil {
		return memory{}, fmt.Errorf("reading what was learned of everybody: %w", err)
	}
	records, err := readRecords(b[schedule.HazardsSize:])
	return memory{hazards, records}, err
}

func readRecords(b []byte) (map[bridge.UID]schedule.Record, error) {
	records := map[bridge.UID]schedule.Record{}
	for len(b) > 0 {
		n := 1 + int(b[0])
		if len(b) < n+schedule.RecordSize {
			return nil, errDamaged
		}
		uid, err := bridge.ParseUID(string(b[1:n]))
		if err != nil {
			return nil, fmt.Errorf("reading what was learned of a user: %w", err)
		}
		if records[uid], err = schedule.ReadRecord(b[n:]); err != nil {
			return nil, fmt.Errorf("reading what was learned of %s: %w", uid, err)
		}
		b = b[n+schedule.RecordSize:]
	}
	return records, nil
}
