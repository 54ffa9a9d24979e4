//go:build unix

package pgserver

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is who the server runs as; nil is the current user. PostgreSQL refuses
// to run as root.
type account struct{ uid, gid uint32 }

// serverAccount answers nil, or for root the account "postgres", else "nobody".
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		return &account{uid: uint32(uid), gid: uint32(gid)}, errors.Join(errUID, errGID)
	}
	return nil, errors.New("pgserver: PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

func (a *account) mkdir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil || a == nil {
		return err
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

func (a *account) writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil || a == nil {
		return err
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// canReach refuses a directory below one that the account may not enter, such as
// the home of root.
func (a *account) canReach(dir string) error {
	if a == nil {
		return nil
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		if info.Mode().Perm()&0o001 == 0 && owner.Uid != a.uid && owner.Gid != a.gid {
			return errors.New("pgserver: started by root, PostgreSQL runs as another user, and that one cannot enter " + dir + ": choose another data directory")
		}
	}
	return nil
}

// child is a process that is waited for.
type child struct {
	pid  int
	done chan struct{}
}

// startChild starts a program whose life is bound to this process where the
// system offers that. The kernel binds it to the thread that forks, so one thread
// stays with the child until it ends.
func startChild(program string, args []string, log *os.File, a *account) (*child, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = environment()
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = a.attributes()
	cmd.SysProcAttr.Setpgid = true // Ctrl-C is for us: we stop it in order
	bindToParent(cmd.SysProcAttr)
	c := &child{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err == nil {
			c.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			// How it ended is in its log; that it ended is in done.
			_ = cmd.Wait()
			close(c.done)
		}
	}()
	return c, <-started
}

// stop asks for a fast shutdown, and kills when ctx ends first.
func (c *child) stop(ctx context.Context) error {
	c.signal(syscall.SIGINT)
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		c.kill()
		return ctx.Err()
	}
}

// kill ends the server at once: SIGQUIT makes the postmaster take its children
// along, SIGKILL would leave them.
func (c *child) kill() {
	c.signal(syscall.SIGQUIT)
	select {
	case <-c.done:
	case <-time.After(5 * time.Second):
		c.signal(syscall.SIGKILL)
		<-c.done
	}
}

func (c *child) signal(s syscall.Signal) {
	select {
	case <-c.done:
	default:
		// The only failure is that it just ended.
		_ = syscall.Kill(c.pid, s)
	}
}

// lockDir makes the directory ours until the file is closed or we die.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &InUseError{Dir: dir, PID: readPID(f.Name())}
		}
		return nil, err
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// readPID reads the number on the first line of a file, 0 where there is none.
func readPID(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0
	}
	return pid
}
