//go:build unix

package pgserver

import (
	"bufio"
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
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// parentVariable makes the test binary a parent that starts a server on the
// directory it names, says so, and waits to be killed.
const parentVariable = "PGSERVER_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		if _, err := Start(context.Background(), Options{Dir: dir}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("ready")
		select {}
	}
	os.Exit(m.Run())
}

// tempDir is a directory that the server's account may enter: that of t.TempDir
// is private.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func startServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopServer(t, s) })
	return s
}

func stopServer(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var answer string
	if err := conn.QueryRow(t.Context(), sql).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func TestStart_isDurableAndBoundToThisMachine(t *testing.T) {
	t.Parallel()
	s := startServer(t, Options{Dir: tempDir(t)})
	for setting, want := range map[string]string{
		"fsync":              "on",
		"full_page_writes":   "on",
		"synchronous_commit": "on",
		"data_checksums":     "on",
		"max_connections":    "300",
		"listen_addresses":   "127.0.0.1",
		"server_encoding":    "UTF8",
	} {
		if got := query(t, s, "SELECT current_setting('"+setting+"')"); got != want {
			t.Errorf("%s = %s, want %s", setting, got, want)
		}
	}
	if got := query(t, s, "SELECT (CASE WHEN 'lz4' = ANY(enumvals) THEN 'lz4' ELSE 'pglz' END = setting)::text FROM pg_settings WHERE name = 'wal_compression'"); got != "true" {
		t.Error("pages in the log are not compressed by what costs least here")
	}
	if got := query(t, s, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'"); got != "C" {
		t.Errorf("collation %s", got)
	}
	wrong := *s
	wrong.password = "guess"
	if conn, err := pgx.Connect(t.Context(), wrong.URL("postgres")); err == nil {
		conn.Close(t.Context())
		t.Error("a wrong password was let in")
	}
}

// The socket is the owner's alone, asks for the password too, and is made again where a
// killed server left one.
func TestSocketURL(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first := startServer(t, Options{Dir: dir})
	socket := filepath.Join(dir, "data", socketPrefix+strconv.Itoa(first.Port))
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("socket %v, err %v", info, err)
	}
	over := func(a Address) error {
		conn, err := pgx.Connect(t.Context(), a.SocketURL("postgres"))
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		var port any
		err = conn.QueryRow(t.Context(), "SELECT inet_server_port()").Scan(&port)
		if err == nil && port != nil {
			err = fmt.Errorf("connected by TCP, port %v", port)
		}
		return err
	}
	other, err := AddressOf(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []Address{first.Address, other} {
		if err := over(a); err != nil {
			t.Error(err)
		}
	}
	wrong := first.Address
	wrong.password = "guess"
	if over(wrong) == nil {
		t.Error("a wrong password was let in")
	}
	stopServer(t, first)
	for _, left := range []string{socket, socket + ".lock"} {
		if err := os.WriteFile(left, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := over(startServer(t, Options{Dir: dir}).Address); err != nil {
		t.Errorf("after a crash: %v", err)
	}
	if missing := (Address{Dir: tempDir(t)}); missing.SocketURL("postgres") != missing.URL("postgres") {
		t.Error("a socket that is not there")
	}
	deep := filepath.Join(tempDir(t), strings.Repeat("deep/", 20))
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := over(startServer(t, Options{Dir: deep}).Address); err == nil || !strings.Contains(err.Error(), "by TCP") {
		t.Errorf("where no socket can be: %v", err)
	}
}

func TestSharedBuffers(t *testing.T) {
	t.Parallel()
	for gigabytes, want := range map[uint64]uint64{0: 256, 2: 256, 8: 512, 24: 1536, 512: 2048} {
		if got := sharedBuffers(gigabytes << 30); got != want {
			t.Errorf("%d MB of %d GB, want %d", got, gigabytes, want)
		}
	}
}

func TestStart_keepsTheClusterAndThePort(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	first := startServer(t, Options{Dir: dir})
	query(t, first, "SELECT lo_from_bytea(4711, 'kept')::text")
	stopServer(t, first)
	second := startServer(t, Options{Dir: dir})
	if got := query(t, second, "SELECT convert_from(lo_get(4711), 'UTF8')"); got != "kept" {
		t.Errorf("read %q", got)
	}
	if second.Port != first.Port {
		t.Errorf("port %d after %d", second.Port, first.Port)
	}
}

func TestStart_refusesASecondServer(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	startServer(t, Options{Dir: dir})
	_, err := Start(t.Context(), Options{Dir: dir})
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Fatalf("err %v", err)
	}
}

func TestStart_neverWipes(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct{ path, text string }{
		"foreign directory": {"data/precious.txt", "precious"},
		"other version":     {"data/PG_VERSION", "9\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			path := filepath.Join(dir, file.path)
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(file.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := Start(t.Context(), Options{Dir: dir}); err == nil {
				stopServer(t, s)
				t.Error("started over foreign files")
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != file.text {
				t.Errorf("%s: %q, %v", path, text, err)
			}
		})
	}
}

func TestStart_afterTheParentWasKilled(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("parent said %q, %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Fatal("the parent ended well, though killed")
	}
	s := startServer(t, Options{Dir: dir})
	if got := query(t, s, "SELECT 'alive'"); got != "alive" {
		t.Error(got)
	}
}

func TestStart_stopsWhatWasLeftBehind(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	stopServer(t, startServer(t, Options{Dir: dir}))
	orphan := leaveBehind(t, dir)
	s := startServer(t, Options{Dir: dir})
	select {
	case <-orphan.done:
	default:
		t.Error("the orphan still runs")
	}
	if got := query(t, s, "SELECT 'alive'"); got != "alive" {
		t.Error(got)
	}
}

// leaveBehind runs a server on the cluster as a parent that is gone would have
// left it: with its pid file, and nobody holding the lock.
func leaveBehind(t *testing.T, dir string) *child {
	t.Helper()
	bin, err := Find(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	a, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	port, err := choosePort(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "orphan.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	data := filepath.Join(dir, "data")
	args := append([]string{"-D", data}, settings(Options{}, port, "")...)
	orphan, err := startChild(filepath.Join(bin.Dir, "postgres"), args, log, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(orphan.kill)
	for readPID(filepath.Join(data, "postmaster.pid")) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	return orphan
}

// The backends of a postmaster that was killed may still write for a while. A second
// server beside them would destroy the cluster.
func TestStart_waitsForTheBackendsOfAKilledServer(t *testing.T) {
	t.Parallel()
	for name, reused := range map[string]bool{"the process is gone": false, "its number is another's": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tempDir(t)
			first := startServer(t, Options{Dir: dir})
			conn, err := pgx.Connect(t.Context(), first.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			backend := int(conn.PgConn().PID())
			if err := errors.Join(syscall.Kill(backend, syscall.SIGSTOP), syscall.Kill(first.PID, syscall.SIGKILL)); err != nil {
				t.Fatal(err)
			}
			resume := sync.OnceFunc(func() { syscall.Kill(backend, syscall.SIGCONT) })
			t.Cleanup(resume)
			<-first.Done()
			first.lock.Close()
			if reused {
				giveAway(t, filepath.Join(dir, "data", "postmaster.pid"))
			}
			started := make(chan error, 1)
			go func() {
				s, err := Start(context.Background(), Options{Dir: dir})
				if err == nil {
					err = s.Stop(context.Background())
				}
				started <- err
			}()
			select {
			case err := <-started:
				t.Fatalf("did not wait for the backend: %v", err)
			case <-time.After(time.Second):
			}
			resume()
			if err := <-started; err != nil {
				t.Error(err)
			}
		})
	}
}

// giveAway puts the number of another process of the server's account into a pid
// file.
func giveAway(t *testing.T, file string) {
	t.Helper()
	a, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	other, err := startChild("sleep", []string{"60"}, nil, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.signal(syscall.SIGKILL) })
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	if err := os.WriteFile(file, []byte(strconv.Itoa(other.pid)+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A power cut may leave the file of the password empty, all zeros, or not at all.
func TestStart_repairsALostPassword(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	s := startServer(t, Options{Dir: dir})
	query(t, s, "SELECT lo_from_bytea(4711, 'kept')::text")
	stopServer(t, s)
	for name, text := range map[string][]byte{"empty": {}, "zeros": make([]byte, 27), "missing": nil} {
		if err := os.Remove(passwordPath(dir)); err != nil {
			t.Fatal(err)
		}
		if text != nil {
			if err := os.WriteFile(passwordPath(dir), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, next := range []string{"the repair", "the start after it"} {
			s, err := Start(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Fatalf("%s, %s: %v", name, next, err)
			}
			if got := query(t, s, "SELECT convert_from(lo_get(4711), 'UTF8')"); got != "kept" {
				t.Errorf("%s, %s: read %q", name, next, got)
			}
			stopServer(t, s)
		}
	}
}

// A password that is not the cluster's is never overwritten: somebody may have the
// right one.
func TestStart_saysThatThePasswordIsWrong(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	stopServer(t, startServer(t, Options{Dir: dir}))
	if err := os.WriteFile(passwordPath(dir), []byte("guess\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Options{Dir: dir})
	if err == nil {
		stopServer(t, s)
	}
	if !errors.Is(err, errPassword) || !strings.Contains(err.Error(), passwordPath(dir)) {
		t.Errorf("err %v", err)
	}
	if text, err := os.ReadFile(passwordPath(dir)); err != nil || string(text) != "guess\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestStart_passesOverAReusedPID(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	stopServer(t, startServer(t, Options{Dir: dir}))
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	if err := os.WriteFile(pidFile, fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), filepath.Join(dir, "data")), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, Options{Dir: dir})
	if got := query(t, s, "SELECT 'alive'"); got != "alive" {
		t.Error(got)
	}
}

func TestDone_tellsOfACrash(t *testing.T) {
	t.Parallel()
	s := startServer(t, Options{Dir: tempDir(t), UnsafeFast: true})
	if err := syscall.Kill(s.PID, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done is still open")
	}
}
