package hub

import (
	"context"
	"sync"
)

// clerks do what messages ask for, apart from those who read them: decoding JSON would grow a reader's stack, and that
// would stay so for as long as its connection, 4 KiB. A clerk's stack has grown once. Some wait for work at all times;
// while they are busy, with a vendor who takes his time perhaps, others come for one task each.
type clerks struct {
	tasks    chan func()
	standing int
}

func newClerks(n int) clerks { return clerks{tasks: make(chan func()), standing: n} }

// run has clerks wait for work until ctx is done.
func (c clerks) run(ctx context.Context, all *sync.WaitGroup) {
	for range c.standing {
		all.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case task := <-c.tasks:
					task()
				}
			}
		})
	}
}

// do has a task done, and waits for it.
func (c clerks) do(task func() error) error {
	done := make(chan error, 1)
	work := func() { done <- task() }
	select {
	case c.tasks <- work:
	default:
		go work()
	}
	return <-done
}
