package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// inside checks what a NATS server inside serve's process needs. Where one runs already, it returns its address.
func (p Plan) inside(ctx context.Context, f *findings) (address string) {
	if p.NATS.Dir == "" {
		return ""
	}
	locked, err := inUse(p.NATS.Dir)
	if err == nil && locked {
		f.fine("data dir", "%s is in use: serve runs, and its NATS is looked at", p.NATS.Dir)
		return "nats://" + reachable(p.NATS.Listen)
	}
	if err == nil {
		err = writable(existing(p.NATS.Dir))
	}
	if err != nil {
		f.fail("data dir", "give serve's user the right to write there, or choose another DATA_DIR", "%s cannot be written: %v", p.NATS.Dir, cause(err))
	} else {
		p.tellRoom(f)
	}
	p.tellNATSPort(ctx, f)
	return ""
}

// inUse says whether another process has taken the directory, as serve does with a lock on a file in it.
func inUse(dir string) (bool, error) {
	name := filepath.Join(dir, "lock")
	if _, err := os.Stat(name); err != nil { // nobody's, or not a directory, which is found out by writing
		return false, nil
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDONLY)) // makes none
	free, err := lock.TryRLock()
	_ = lock.Close() // gives it back as well
	return !free, err
}

// existing is the directory, or the one in which it would be made.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// writable is found out by writing, which leaves nothing: rights alone do not tell of a disk that is full or
// mounted to be read only.
func writable(dir string) error {
	file, err := os.CreateTemp(dir, ".presence-doctor-")
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, 4096))
	return errors.Join(err, file.Close(), os.Remove(file.Name()))
}

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// Space on the disk that is worth a word. A user takes some 10 KiB, with eight messages.
const (
	tightSpace = gibibyte
	tooLittle  = 64 * mebibyte
)

func (p Plan) tellRoom(f *findings) {
	free, known := freeSpace(existing(p.NATS.Dir))
	if !known {
		f.fine("data dir", "%s can be written", p.NATS.Dir)
		return
	}
	tellSpace(f, p.NATS.Dir, free)
}

func tellSpace(f *findings, dir string, free uint64) {
	switch {
	case free < tooLittle:
		f.fail("data dir", "make room, or choose another DATA_DIR", "%s has room for %d MiB only", dir, free/mebibyte)
	case free < tightSpace:
		f.warn("data dir", "make room, or choose another DATA_DIR, before there are many users", "%s can be written, and has room for %d MiB only", dir, free/mebibyte)
	default:
		f.fine("data dir", "%s can be written, and has room for %s GiB", dir, thousands(int(free/gibibyte)))
	}
}

func (p Plan) tellNATSPort(ctx context.Context, f *findings) {
	err := tryListen(ctx, p.NATS.Listen)
	switch {
	case err == nil:
		f.fine("nats port", "%s is free", p.NATS.Listen)
	case errors.Is(err, syscall.EADDRINUSE):
		f.fail("nats port", "stop what listens there, choose another address in NATS_LISTEN, or name it in NATS_URL if it is a NATS server that is to be used",
			"%s is held by another process", p.NATS.Listen)
	default:
		f.fail("nats port", "choose another address in NATS_LISTEN", "%s cannot be listened on: %v", p.NATS.Listen, cause(err))
	}
}
