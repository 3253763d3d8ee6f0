package hub

import (
	"bytes"
	"sync"

	"github.com/presence-bridge/presence-bridge/bridge"
)

// rooms are for messages while they are read and answered: most fit into one that is there already.
var rooms = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 4<<10)) }}

// giveBack lets others have a room, unless one huge message has made it huge.
func giveBack(room *bytes.Buffer) {
	if room.Cap() <= 64<<10 {
		room.Reset()
		rooms.Put(room)
	}
}

// lists are for the uids of messages, while they are answered.
var lists = sync.Pool{New: func() any { return new([]bridge.UID) }}

// putList lets others have a list, or what it has grown into, unless it is huge. It lets go of what is in it.
func putList(list *[]bridge.UID, grown []bridge.UID) {
	if cap(grown) > cap(*list) {
		*list = grown
	}
	if room := (*list)[:cap(*list)]; len(room) <= 1<<10 {
		clear(room)
		*list = room[:0]
		lists.Put(list)
	}
}
