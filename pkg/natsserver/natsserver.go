// Package natsserver runs the broker inside this process: NATS with JetStream on
// a directory, for the one binary and for tests.
//
// It promises that what was acknowledged is on the disk (every write is synced),
// that no other machine can reach it (loopback only, or no port at all), that it
// refuses new messages instead of filling the disk, and that a directory serves
// one process at a time. It is one server, never a cluster.
package natsserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/broker"
)

const (
	// DefaultMaxStore is the room on disk unless Options say otherwise.
	DefaultMaxStore = 4 << 30
	maxMemory       = 256 << 20
	// maxPayload is the largest message; an event is at most 256 KiB.
	maxPayload   = 1 << 20
	startTimeout = 10 * time.Second
)

// Options say where the broker lives.
type Options struct {
	// Dir holds its files; it is made when missing.
	Dir string
	// Port on 127.0.0.1; -1 takes a free one and 0 opens none, so that only
	// Connect reaches the server.
	Port int
	// MaxStore is the most bytes it may take on disk, which should be less than
	// 70 % of the volume: a full disk stops JetStream until it is restarted, this
	// limit does not. 0 stands for DefaultMaxStore.
	MaxStore int64
	// Users are who may connect, each by its nkey and with permissions of its own;
	// without any, everybody may do everything.
	Users []broker.User
}

// Server is a running broker.
type Server struct {
	nats *server.Server
	lock *os.File
}

// Start starts a broker and waits until it is ready. It fails when another
// process uses the directory.
func Start(o Options) (*Server, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("natsserver: %w", err)
	}
	lock, err := lockFile(filepath.Join(o.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("natsserver: %s is in use by another process: %w", o.Dir, err)
	}
	s, err := start(o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("natsserver: %w", err), lock.Close())
	}
	return &Server{nats: s, lock: lock}, nil
}

func start(o Options) (*server.Server, error) {
	if o.MaxStore == 0 {
		o.MaxStore = DefaultMaxStore
	}
	s, err := server.NewServer(&server.Options{
		ServerName:         "lingkar",
		Host:               "127.0.0.1",
		Port:               o.Port,
		DontListen:         o.Port == 0,
		NoLog:              true,
		NoSigs:             true,
		MaxPayload:         maxPayload,
		JetStream:          true,
		StoreDir:           filepath.Join(o.Dir, "jetstream"),
		JetStreamMaxStore:  o.MaxStore,
		JetStreamMaxMemory: maxMemory,
		SyncAlways:         true,
		Nkeys:              broker.Embedded(o.Users),
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		stop(s)
		return nil, fmt.Errorf("not ready after %s", startTimeout)
	}
	return s, nil
}

// Connect answers a connection that stays inside the process; broker.As has the
// options to be one of its users. It reconnects for ever, as a connection to a
// remote broker would.
func (s *Server) Connect(options ...nats.Option) (*nats.Conn, error) {
	return nats.Connect(nats.DefaultURL, append([]nats.Option{nats.InProcessServer(s.nats), nats.MaxReconnects(-1)}, options...)...)
}

// URL is where the server listens; empty when it opened no port.
func (s *Server) URL() string {
	if s.nats.Addr() == nil {
		return ""
	}
	return s.nats.ClientURL()
}

// Close stops the server and frees the directory.
func (s *Server) Close() error {
	stop(s.nats)
	return s.lock.Close()
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}
