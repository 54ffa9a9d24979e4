package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is a child that runs one part, again and again.
type process struct {
	// name is what it is called in logs and reports; log is the file that takes
	// what it prints.
	name, log string
	program   string
	args, env []string

	mu      sync.Mutex
	cmd     *exec.Cmd
	done    chan struct{} // of the present run; closed when it has ended
	started time.Time
	wanted  bool // that it runs: an end that nobody asked for is a crash
}

// start starts it, unless it runs.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs() {
		return nil
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.program, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	cmd.SysProcAttr = attributes()
	done := make(chan struct{})
	failed := make(chan error)
	go func() {
		// The kernel ends the child with the thread that started it.
		runtime.LockOSThread()
		err := cmd.Start()
		failed <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is asked for in ProcessState
			close(done)
		}
	}()
	if err := <-failed; err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.done, p.started, p.wanted = cmd, done, time.Now(), true
	return nil
}

// runs says whether it runs, paused or not. The lock is held.
func (p *process) runs() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// pid is its number, 0 where it does not run.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.runs() {
		return 0
	}
	return p.cmd.Process.Pid
}

// signal sends a signal, where it runs.
func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs() {
		_ = p.cmd.Process.Signal(s) // fails only where it has just ended
	}
}

// kill ends it by SIGKILL, which a paused one obeys too, and waits.
func (p *process) kill() {
	p.mu.Lock()
	p.wanted = false
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
	p.wait(context.Background())
}

// stop asks it to end and answers how long that took. It is killed when the
// context ends first, which is an error.
func (p *process) stop(ctx context.Context) (time.Duration, error) {
	p.mu.Lock()
	p.wanted = false
	p.mu.Unlock()
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT)
	if p.wait(ctx) {
		return time.Since(begun), nil
	}
	p.signal(syscall.SIGKILL)
	p.wait(context.Background())
	return time.Since(begun), fmt.Errorf("%s did not end by itself within %s", p.name, time.Since(begun).Round(time.Millisecond))
}

// wait waits for the end of the present run; false when the context ends first.
func (p *process) wait(ctx context.Context) bool {
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done == nil {
		return true
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// ended answers how it ended, where nobody asked it to, and whether a fault explains
// that; "" where it runs or was asked to.
func (p *process) ended() (how string, explained bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wanted || p.done == nil || p.runs() {
		return "", false
	}
	return p.cmd.ProcessState.String(), p.asked()
}

// failpointExit is the exit code of a process that a failpoint ended.
const failpointExit = 137

// asked says whether the end of the last run was a drill's doing, or that of a
// service that could not start because of one: it says so and is started again.
func (p *process) asked() bool {
	code := p.cmd.ProcessState.ExitCode()
	return code == failpointExit || code == 1 && time.Since(p.started) < startLimit
}

// startLimit is how long a start may take before it is given up; a service that
// ends by exit code 1 after it is no start that failed.
const startLimit = 2 * time.Minute
