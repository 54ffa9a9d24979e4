package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// patience is how long a store is tried to be started again: one that was killed
// must recover first.
const patience = 60 * time.Second

// Postgres is the database server.
type Postgres struct {
	dir  string
	port int

	mu       sync.Mutex
	server   *pgserver.Server // nil where it was stopped
	latest   *pgserver.Server // the one of the last start, whose port and password stay
	binaries string
}

// Dir holds its files; the cluster itself is in the directory data.
func (p *Postgres) Dir() string { return p.dir }

// UseBinaries makes the next start take the programs in a directory; "" takes the
// installed ones.
func (p *Postgres) UseBinaries(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.binaries = dir
}

// URL leads to a database as the superuser, past every proxy. It stays the same while
// the server is down: then nobody answers there.
func (p *Postgres) URL(database string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest.URL(database)
}

// Running says whether the server runs, paused or not.
func (p *Postgres) Running() bool { return p.pid() != 0 }

// Start starts it, unless it runs.
func (p *Postgres) Start(ctx context.Context) error {
	if p.Running() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(ctx)
	for end := time.Now().Add(patience); ; {
		server, err := pgserver.Start(ctx, pgserver.Options{Dir: p.dir, Port: p.port, Binaries: p.binaries})
		if err == nil {
			p.server, p.latest = server, server
			return nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// release frees the directory of a server that has ended. The lock is held.
func (p *Postgres) release(ctx context.Context) {
	if p.server != nil {
		_ = p.server.Stop(ctx) // it has ended
		p.server = nil
	}
}

// Stop ends it by a fast shutdown.
func (p *Postgres) Stop(ctx context.Context) error {
	p.Resume()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	err := p.server.Stop(ctx)
	p.server = nil
	return err
}

// Kill ends the postmaster by SIGKILL; its children notice and end.
func (p *Postgres) Kill() {
	pid := p.pid()
	if pid == 0 {
		return
	}
	all := p.PIDs()
	_ = syscall.Kill(pid, syscall.SIGKILL)
	for _, child := range all {
		_ = syscall.Kill(child, syscall.SIGCONT) // a paused one could not notice
	}
	<-p.server.Done()
}

// PowerOff ends the server and all its children by SIGKILL while they are paused: none
// does anything more, above all none answers a client.
func (p *Postgres) PowerOff() {
	p.Pause()
	all := p.PIDs()
	for i := len(all) - 1; i >= 0; i-- { // the postmaster, which is the first, last
		_ = syscall.Kill(all[i], syscall.SIGKILL) // fails only where it has just ended
	}
	if len(all) > 0 {
		<-p.server.Done()
	}
}

// moveLog puts the write-ahead log into another directory, as an administrator does:
// by a link.
func (p *Postgres) moveLog(ctx context.Context, to string) error {
	if err := p.Stop(ctx); err != nil {
		return err
	}
	from, moved := filepath.Join(p.dir, "data", "pg_wal"), filepath.Join(to, "pg_wal")
	if out, err := exec.CommandContext(ctx, "cp", "-a", from, moved).CombinedOutput(); err != nil {
		return fmt.Errorf("move the write-ahead log: %w: %s", err, out)
	}
	if err := errors.Join(os.RemoveAll(from), os.Symlink(moved, from)); err != nil {
		return err
	}
	return p.Start(ctx)
}

// Pause stops the server and all its children; Resume lets them go on. The
// postmaster is the first, so that it makes no child that would be missed, and none
// does anything any more when Pause returns.
func (p *Postgres) Pause() {
	postmaster := p.pid()
	if postmaster == 0 {
		return
	}
	pause(postmaster)
	for _, pid := range p.PIDs() {
		pause(pid)
	}
}

// pause stops a process and waits until it is stopped: what it does in the kernel it
// ends first.
func pause(pid int) {
	_ = syscall.Kill(pid, syscall.SIGSTOP) // fails only where it has just ended
	for range 1000 {
		if state := stat(pid); len(state) == 0 || strings.ContainsAny(state[0], "TtZX") {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// stat answers what the kernel tells of a process from its state on, nothing where it
// has ended.
func stat(pid int) []string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	// pid (name) state ppid …; the name may hold anything.
	return strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
}

// Resume lets a paused server go on.
func (p *Postgres) Resume() { p.signal(syscall.SIGCONT) }

func (p *Postgres) signal(s syscall.Signal) {
	for _, pid := range p.PIDs() {
		_ = syscall.Kill(pid, s) // fails only where it has just ended
	}
}

// Backends answers the processes of client connections.
func (p *Postgres) Backends() []int {
	var backends []int
	for _, pid := range p.PIDs() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(string(line), "127.0.0.1(") {
			backends = append(backends, pid)
		}
	}
	return backends
}

// PIDs answers the postmaster and its children.
func (p *Postgres) PIDs() []int {
	postmaster := p.pid()
	if postmaster == 0 {
		return nil
	}
	pids := []int{postmaster}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if fields := stat(pid); len(fields) > 1 && fields[1] == strconv.Itoa(postmaster) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// pid is that of the postmaster, 0 where it does not run.
func (p *Postgres) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return 0
	}
	select {
	case <-p.server.Done():
		return 0
	default:
		return p.server.PID
	}
}

// prepareDatabases makes the databases and their schemas, as `migrate` does.
func (c *Cluster) prepareDatabases(ctx context.Context) error {
	_, passwords, err := c.Secrets.Provision()
	if err != nil {
		return err
	}
	admin := c.Postgres.URL("postgres")
	for _, d := range fleet.All() {
		urls, err := postgres.Provision(ctx, admin, fleet.Database(d.Area), d.Area, passwords[d.Area])
		if err != nil {
			return err
		}
		if err := service.Migrate(ctx, d, urls.Owner); err != nil {
			return err
		}
		for name := range d.Databases {
			further, err := postgres.Provision(ctx, admin, name, name, passwords[name])
			if err != nil {
				return err
			}
			if err := service.MigrateFurther(ctx, d, name, further.Owner); err != nil {
				return err
			}
		}
	}
	return nil
}
