package testkit

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
)

// How the processes of a test run share one PostgreSQL: the first runs its own
// test binary again, detached, as the keeper of the server. Three lock files say
// who is there; the kernel frees them however a process ends.
//
//	clients   held shared by every process that uses the server
//	keeper    held by the keeper
//	start     held while somebody starts the server, or the keeper stops it

// keeperVariable makes a test binary the keeper, for the directory it names.
const keeperVariable = "LINGKAR_TESTKIT_POSTGRES"

const (
	keeperPatience = 60 * time.Second // without clients, before the keeper stops
	startPatience  = 90 * time.Second // for initdb on a busy machine
)

// init runs before the tests of every binary that links this package: it is the
// only place where a test binary can become something else.
func init() {
	dir := os.Getenv(keeperVariable)
	if dir == "" {
		return
	}
	if err := keep(dir, keeperPatience); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// clientLock stays open, and so held, as long as the process lives.
var clientLock *os.File //lint:ignore U1000 a file that nothing refers to is closed

// joinPostgres becomes a client of the shared server.
func joinPostgres() (*PostgresServer, error) {
	dir, err := shareDir()
	if err != nil {
		return nil, err
	}
	if clientLock, err = lockFile(dir, "clients", syscall.LOCK_SH); err != nil {
		return nil, err
	}
	start, err := lockFile(dir, "start", syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer start.Close()
	if !kept(dir) {
		if err := startKeeper(dir); err != nil {
			return nil, err
		}
	}
	url, err := os.ReadFile(filepath.Join(dir, "url"))
	if err != nil {
		return nil, err
	}
	return &PostgresServer{AdminURL: string(url)}, nil
}

// shareDir answers the directory of this user and choice of binaries, which
// nobody else may have made.
func shareDir() (string, error) {
	binaries := crc32.ChecksumIEEE([]byte(os.Getenv("LINGKAR_PG_BIN")))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("lingkar-test-postgres-%d-%x", os.Geteuid(), binaries))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if owner := info.Sys().(*syscall.Stat_t); !info.IsDir() || int(owner.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s belongs to somebody else", dir)
	}
	return dir, nil
}

func lockFile(dir, name string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// kept reports whether a keeper lives.
func kept(dir string) bool {
	f, err := lockFile(dir, "keeper", syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		f.Close()
	}
	return err != nil
}

// startKeeper starts a keeper and waits until its server runs. The keeper shares
// no file with us, so that `go test` does not wait for it.
func startKeeper(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, "url")); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "keeper.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), keeperVariable+"="+dir)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(startPatience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "url")); err == nil {
			return nil
		}
		if ended, err := syscall.Wait4(cmd.Process.Pid, nil, syscall.WNOHANG, nil); ended != 0 || err != nil {
			break
		}
	}
	text, err := os.ReadFile(log.Name())
	return errors.Join(fmt.Errorf("the PostgreSQL for tests did not start: %s", strings.TrimSpace(string(text))), err)
}

// keep runs the server until no client was there for the given time. Every start
// is a fresh cluster: without durability, an old one is not to be trusted.
func keep(dir string, patience time.Duration) error {
	lock, err := lockFile(dir, "keeper", syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return err
	}
	defer lock.Close()
	cluster := filepath.Join(dir, "cluster")
	if err := os.RemoveAll(cluster); err != nil {
		return err
	}
	s, err := pgserver.Start(context.Background(), pgserver.Options{
		Dir: cluster, UnsafeFast: true, MaxConnections: 1000,
	})
	if err != nil {
		return err
	}
	if err := publishURL(dir, s.URL("postgres")); err != nil {
		return errors.Join(err, stopKept(s))
	}
	return watch(dir, s, patience)
}

// publishURL writes the file whole or not at all: its existence says "ready".
func publishURL(dir, url string) error {
	fresh := filepath.Join(dir, "url.new")
	if err := os.WriteFile(fresh, []byte(url), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, filepath.Join(dir, "url"))
}

// watch answers when the server was stopped or died.
func watch(dir string, s *pgserver.Server, patience time.Duration) error {
	tick := time.NewTicker(patience / 60)
	defer tick.Stop()
	lastSeen := time.Now()
	for {
		select {
		case <-s.Done():
			return errors.New("the server ended")
		case <-tick.C:
		}
		if !idle(dir) {
			lastSeen = time.Now()
		}
		if time.Since(lastSeen) < patience {
			continue
		}
		if stopped, err := stopWhenIdle(dir, s); stopped || err != nil {
			return err
		}
	}
}

func idle(dir string) bool {
	f, err := lockFile(dir, "clients", syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// stopWhenIdle stops unless a client came meanwhile: one that has the clients
// lock but waits for the start lock counts.
func stopWhenIdle(dir string, s *pgserver.Server) (bool, error) {
	start, err := lockFile(dir, "start", syscall.LOCK_EX)
	if err != nil {
		return false, err
	}
	defer start.Close()
	if !idle(dir) {
		return false, nil
	}
	err = os.RemoveAll(filepath.Join(dir, "url"))
	return true, errors.Join(err, stopKept(s), os.RemoveAll(filepath.Join(dir, "cluster")))
}

func stopKept(s *pgserver.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.Stop(ctx)
}
