package hub

import (
	"context"
	"io"
	"sync"
)

// clerks do what messages ask for, apart from those who wait for them: to read a message, let alone to answer it, would
// grow the stack of who waits, and that would stay so for as long as the connection, 2 KiB or more. A clerk's stack has
// grown once. Some wait for work at all times; while they are busy, with a vendor or a client who takes his time perhaps,
// others come for one task each.
type clerks struct {
	tasks    chan *errand
	standing int
	errands  *sync.Pool
}

// errand is a task, and what came of it.
type errand struct {
	task func() error
	err  error
	done chan struct{} // holds one token when it is done
}

func newClerks(n int) clerks {
	errands := &sync.Pool{New: func() any { return &errand{done: make(chan struct{}, 1)} }}
	return clerks{make(chan *errand), n, errands}
}

// run has clerks wait for work until ctx is done.
func (c clerks) run(ctx context.Context, all *sync.WaitGroup) {
	for range c.standing {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case e := <-c.tasks:
					e.run()
				}
			}
		})
	}
}

func (e *errand) run() {
	e.err = e.task()
	e.done <- struct{}{}
}

// do has a task done, and waits for it.
func (c clerks) do(task func() error) error {
	e := c.errands.Get().(*errand)
	e.task = task
	select {
	case c.tasks <- e:
	default:
		go e.run()
	}
	<-e.done
	err := e.err
	e.task, e.err = nil, nil
	c.errands.Put(e)
	return err
}

// listen has a clerk handle what has begun to arrive at a socket.
func (c clerks) listen(k *socket) (rest io.Reader, err error) {
	err = c.do(func() (err error) {
		rest, err = k.listen()
		return err
	})
	return rest, err
}
