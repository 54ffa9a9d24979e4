package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// Broker is the NATS server.
type Broker struct {
	dir     string
	port    int
	secrets secrets.Tree
	process *process
}

func newBroker(program, dir, log string, port int, s secrets.Tree) *Broker {
	return &Broker{dir: dir, port: port, secrets: s, process: &process{
		name: BrokerName, log: log, program: program, env: []string{"PATH=" + os.Getenv("PATH")},
		args: []string{"drill", "broker", dir, strconv.Itoa(port), s.Dir},
	}}
}

// ServeBroker is what the broker's process does: it serves the users of a tree of
// secrets until the context ends.
func ServeBroker(ctx context.Context, dir string, port int, tree secrets.Tree) error {
	users, err := tree.BrokerUsers()
	if err != nil {
		return err
	}
	s, err := natsserver.Start(natsserver.Options{Dir: dir, Port: port, Users: users})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return s.Close()
}

// Dir holds its files.
func (b *Broker) Dir() string { return b.dir }

// PID is its number, 0 where it does not run.
func (b *Broker) PID() int { return b.process.pid() }

// Start starts it, unless it runs, and answers when it takes connections.
func (b *Broker) Start(ctx context.Context) error {
	if err := b.process.start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := b.Connect()
		if err == nil {
			conn.Close()
			return nil
		}
		if ctx.Err() != nil || b.process.pid() == 0 {
			return fmt.Errorf("start the broker: %w; see %s", err, b.process.log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Connect answers a connection as the operator, past every proxy.
func (b *Broker) Connect() (*nats.Conn, error) {
	seed, err := b.secrets.OperatorSeed()
	if err != nil {
		return nil, err
	}
	options, err := broker.As(mesh.Operator, seed)
	if err != nil {
		return nil, err
	}
	return nats.Connect("nats://"+local(b.port), append(options, nats.RetryOnFailedConnect(false), nats.NoReconnect(), nats.Timeout(time.Second))...)
}

// Kill ends it by SIGKILL.
func (b *Broker) Kill() { b.process.kill() }

// Pause and Resume stop it for a while.
func (b *Broker) Pause() { b.process.signal(syscall.SIGSTOP) }

// Resume lets a paused broker go on.
func (b *Broker) Resume() { b.process.signal(syscall.SIGCONT) }

// Stop ends it in order.
func (b *Broker) Stop(ctx context.Context) error {
	_, err := b.process.stop(ctx)
	return err
}

// Wipe removes all its files; it must not run.
func (b *Broker) Wipe() error {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "lost+found" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(b.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
