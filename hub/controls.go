package hub

import "context"

// What a client's ping or pong is made of (RFC 6455, 5.2 and 5.5).
const (
	controlHead = 2    // bytes before the key
	maskedBit   = 0x80 // of the second byte: there is a key
	maskKey     = 4    // bytes of the key
	maxControl  = 125  // bytes after it
)

// controls handles the pings and pongs that come next, whole frames between messages. coder/websocket would go on to wait
// for a message: it handles those amid one, and all that is no good.
func (k *socket) controls() error {
	for {
		head, err := k.in.Peek(controlHead)
		if err != nil {
			return err
		}
		n := int(head[1] &^ maskedBit)
		if head[0] != finalPing && head[0] != finalPong || head[1]&maskedBit == 0 || n > maxControl {
			return nil
		}
		frame, err := k.in.Peek(controlHead + maskKey + n)
		if err != nil {
			return err
		}
		k.control(frame[0], frame[controlHead:controlHead+maskKey], frame[controlHead+maskKey:])
		if _, _ = k.in.Discard(len(frame)); k.in.Buffered() == 0 {
			return nil
		}
	}
}

// control handles a ping or a pong, and unmasks what came with it.
func (k *socket) control(kind byte, key, payload []byte) {
	if kind == finalPong {
		k.ponged(context.Background(), payload)
		return
	}
	for i := range payload {
		payload[i] ^= key[i%maskKey]
	}
	k.pinged(context.Background(), payload)
}
