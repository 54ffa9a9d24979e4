//go:build unix

package pgserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/durable"
)

const (
	startTimeout = 60 * time.Second // crash recovery may take a while
	startTries   = 5                // a free port can be taken in between

	invalidPassword = "28P01" // a SQLSTATE of PostgreSQL
)

// state is what a start leaves for the next one, in server.json.
type state struct {
	Port    int `json:"port"`
	PID     int `json:"pid"`
	Version int `json:"version"`
}

// Start runs a server on the directory, making a cluster where there is none,
// and answers when it takes connections. The caller must Stop it.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if o.Dir == "" {
		return nil, errors.New("pgserver: Options.Dir is empty")
	}
	if err := durable.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, dir, o)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

// start does the work of Start under the lock of the directory.
func start(ctx context.Context, dir string, o Options) (*Server, error) {
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	version, err := clusterVersion(data)
	if err != nil {
		return nil, err
	}
	bin, err := binaries(ctx, o, dir, version)
	if err != nil {
		return nil, err
	}
	if err := stopOrphan(data); err != nil {
		return nil, err
	}
	password, err := readPassword(dir)
	if err == nil && password == "" {
		password, err = newPassword(dir, func(password string) error {
			if version == 0 {
				return nil // the cluster is made with it
			}
			return alone(ctx, bin, data, account, "ALTER ROLE "+Superuser+" PASSWORD '"+password+"'")
		})
	}
	if err != nil {
		return nil, err
	}
	if version == 0 {
		if err := initCluster(ctx, bin, dir, password, account, o); err != nil {
			return nil, err
		}
	}
	return run(ctx, &Server{Address: Address{Dir: dir, password: password}, Version: bin.Version}, bin, o, account)
}

// run starts the server on a free port. What a killed server left running may take
// a moment to end, and somebody else may take the port first.
func run(ctx context.Context, s *Server, bin Binaries, o Options, account *account) (*Server, error) {
	patience := time.Now().Add(orphanPatience)
	for try := 1; ; {
		var err error
		s.Port, err = choosePort(s.Dir, o.Port)
		if err != nil {
			return nil, err
		}
		err = s.spawn(ctx, bin, o, account)
		if err == nil {
			return s, writeState(s)
		}
		switch {
		case ctx.Err() == nil && errors.Is(err, errStillInUse) && time.Now().Before(patience):
			time.Sleep(100 * time.Millisecond)
		case try == startTries || ctx.Err() != nil || o.Port != 0 || errors.Is(err, errPassword):
			return nil, err
		default:
			try++
		}
	}
}

// binaries answers the programs to use. A cluster of another version than the
// binaries is an error, never upgraded or wiped.
func binaries(ctx context.Context, o Options, dir string, version int) (Binaries, error) {
	if o.Binaries != "" {
		bin, err := inspect(ctx, o.Binaries)
		return checkVersion(bin, version, err)
	}
	bin, err := Find(ctx, version)
	var missing *NotFoundError
	if !errors.As(err, &missing) {
		return checkVersion(bin, version, err)
	}
	repository := o.Repository
	if repository == "" {
		repository = os.Getenv("LINGKAR_PG_REPOSITORY")
	}
	if repository == "" {
		repository = mavenCentral
	}
	return download(ctx, repository, downloadDir(dir), version)
}

func checkVersion(bin Binaries, version int, err error) (Binaries, error) {
	if err == nil && version != 0 && bin.Version != version {
		err = fmt.Errorf("pgserver: the data directory was made by PostgreSQL %d, but %s holds %d", version, bin.Dir, bin.Version)
	}
	return bin, err
}

// downloadDir is the user's cache; for root, whose home the server's account
// cannot enter, it lies in the server's directory.
func downloadDir(dir string) string {
	if cache, err := os.UserCacheDir(); err == nil && os.Geteuid() != 0 {
		return filepath.Join(cache, "lingkar")
	}
	return filepath.Join(dir, "binaries")
}

// clusterVersion answers the major version that made the cluster, or 0 where
// there is none. A directory that holds anything else is refused.
func clusterVersion(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		return strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	entries, err := os.ReadDir(data)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return 0, nil
	}
	if err == nil {
		err = fmt.Errorf("pgserver: %s is neither empty nor a PostgreSQL cluster", data)
	}
	return 0, err
}

// choosePort answers the wanted port, else that of the last start where it is
// free, else any free one.
func choosePort(dir string, wanted int) (int, error) {
	if wanted != 0 {
		return wanted, nil
	}
	last, _ := readState(dir) // a damaged file costs the old port, nothing else
	for _, port := range []int{last.Port, 0} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port, nil
		}
	}
	return 0, errors.New("pgserver: no free port on 127.0.0.1")
}

// AddressOf answers how to reach the server that another process started on a
// directory.
func AddressOf(dir string) (Address, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Address{}, err
	}
	password, err := readPassword(dir)
	if err != nil {
		return Address{}, err
	}
	last, err := readState(dir)
	return Address{Port: last.Port, Dir: dir, password: password}, err
}

// readState answers what the last start left; nothing where it left nothing.
func readState(dir string) (state, error) {
	var last state
	text, err := os.ReadFile(filepath.Join(dir, "server.json"))
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	return last, err
}

func writeState(s *Server) error {
	text, err := json.Marshal(state{Port: s.Port, PID: s.PID, Version: s.Version})
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(s.Dir, "server.json"), append(text, '\n'), 0o600)
}

// spawn runs the server and waits until it answers a query.
func (s *Server) spawn(ctx context.Context, bin Binaries, o Options, a *account) error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	data := filepath.Join(s.Dir, "data")
	if err := removeSockets(data); err != nil {
		return err
	}
	args := append([]string{"-D", data}, settings(cheapLog(ctx, bin, data, o, a), s.Port, socketDir(data))...)
	child, err := startChild(filepath.Join(bin.Dir, "postgres"), args, log, a)
	if err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	s.child, s.PID = child, child.pid
	if err := s.waitReady(ctx); err != nil {
		child.kill()
		return err
	}
	return nil
}

// removeSockets removes what a killed server left of its socket. PostgreSQL would refuse
// to start where the number of its process is another's by now.
func removeSockets(data string) error {
	left, err := filepath.Glob(filepath.Join(data, socketPrefix+"*"))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

func (s *Server) logPath() string { return filepath.Join(s.Dir, "postgres.log") }

func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == invalidPassword && s.outlives(time.Second) {
			return fmt.Errorf("%w: restore %s, or remove it, and the next start sets a new one", errPassword, passwordPath(s.Dir))
		}
		select {
		case <-tick.C:
		case <-s.child.done:
			return endedEarly(lastLines(s.logPath()))
		case <-ctx.Done():
			return fmt.Errorf("pgserver: the server does not answer: %w; last error: %w", ctx.Err(), err)
		}
	}
}

// outlives says whether the server still runs after a while: one whose port another
// server has ends at once, and it is that other one that answers.
func (s *Server) outlives(d time.Duration) bool {
	select {
	case <-s.child.done:
		return false
	case <-time.After(d):
		return true
	}
}

// endedEarly is why a server could not start, by the end of its log.
func endedEarly(log string) error {
	err := fmt.Errorf("pgserver: the server ended while it started: %s", log)
	if strings.Contains(log, "is still in use") {
		err = fmt.Errorf("%w: %w", errStillInUse, err)
	}
	return err
}

// Stop ends all sessions, writes a checkpoint and ends the server. When ctx ends
// first the server is killed, and recovers at the next start.
func (s *Server) Stop(ctx context.Context) error {
	defer s.lock.Close()
	return s.child.stop(ctx)
}

// lastLines answers the end of a log, for an error message.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}
