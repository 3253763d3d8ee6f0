//go:build linux

package chaos

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a program that runs.
type process struct {
	*exec.Cmd
	said  *said
	ended chan struct{} // closed when it is over and waited for
}

func spawn(said *said, env []string, path string, args ...string) (*process, error) {
	p := &process{Cmd: exec.Command(path, args...), said: said, ended: make(chan struct{})}
	p.Env, p.Stderr = append(os.Environ(), env...), said
	p.WaitDelay = time.Second
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait() // how it ended is in ProcessState
	}()
	return p, nil
}

func (p *process) pid() int { return p.Process.Pid }

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// signal sends one to a process that has not been waited for, which no other can be mistaken for.
func (p *process) signal(s syscall.Signal) { _ = p.Process.Signal(s) }

// kill ends it at once, and waits for that.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// killed says that it was ended by SIGKILL.
func (p *process) killed() bool {
	status, ok := p.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// end asks it to stop, and waits.
func (p *process) end() {
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.kill()
	}
}

// stopped says that the process is stopped, by what the kernel says of it.
func (p *process) stopped() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid()))
	if err != nil {
		return false
	}
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return len(after) > 0 && after[0] == 'T'
}

const keepLines = 4000

// said is what processes of one name have said, line by line, the newest of it.
type said struct {
	mu    sync.Mutex
	lines []string
	rest  string // of a line that has not ended
	total int    // lines ever
	hear  func(line string)
}

func (s *said) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := strings.Split(s.rest+string(text), "\n")
	s.rest = lines[len(lines)-1]
	for _, line := range lines[:len(lines)-1] {
		s.total++
		s.lines = append(s.lines, line)
		if s.hear != nil {
			s.hear(line)
		}
	}
	if over := len(s.lines) - keepLines; over > 0 {
		s.lines = s.lines[over:]
	}
	return len(text), nil
}

// tail is the newest lines.
func (s *said) tail(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines[max(0, len(s.lines)-n):], "\n")
}

// count is how many lines hold a text, of those that are kept.
func (s *said) count(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}
