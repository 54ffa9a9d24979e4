// Package suite runs all of Lingkar in one process: an embedded PostgreSQL and an
// embedded JetStream on the data directory, the five services and the gateway.
//
// Services call each other through the same servers, tokens and interceptors as when
// they run apart; only the network and TLS between them are left out. What a caller was
// told is done is on the disk: it survives kill -9.
package suite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/natsserver"
	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

const loopback = "127.0.0.1:0"

// Options say what to run.
type Options struct {
	// Home is the data directory, locked.
	Home *home.Home
	// HTTP and GRPC are where the gateway listens; port 0 takes a free one.
	HTTP, GRPC string
	// Telemetry takes logs and metrics; nil leaves them out.
	Telemetry *telemetry.Telemetry
	// Progress is told one line a step; nil tells nobody.
	Progress func(string)
}

// Suite is all of Lingkar, running.
type Suite struct {
	// State is where it is reached, with the token to try it.
	State home.State

	logger   *slog.Logger
	postgres *pgserver.Server
	broker   *natsserver.Server
	ring     *broker.Ring
	conns    []*nats.Conn
	running  []*service.Running
	failed   chan error
}

// Start starts everything and answers when it serves. When it answers an error,
// nothing is left running.
func Start(ctx context.Context, o Options) (*Suite, error) {
	if o.Telemetry == nil {
		o.Telemetry = telemetry.Off()
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	s := &Suite{logger: o.Telemetry.Logger, failed: make(chan error, 1)}
	if err := s.start(ctx, o); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopping))
	}
	return s, nil
}

func (s *Suite) start(ctx context.Context, o Options) error {
	front, err := listen(o.HTTP, o.GRPC)
	if err != nil {
		return err
	}
	defer front.closeUnused()
	o.Progress("starting PostgreSQL and JetStream")
	if err := s.startStores(ctx, o.Home); err != nil {
		return err
	}
	o.Progress("preparing the databases")
	databases, err := provision(ctx, o.Home, s.postgres.SocketURL("postgres"))
	if err != nil {
		return err
	}
	env, err := s.environment(o)
	if err != nil {
		return err
	}
	if err := s.updateStream(ctx); err != nil {
		return err
	}
	o.Progress("starting the services")
	if err := s.startServices(ctx, o.Home, env, databases, front); err != nil {
		return err
	}
	return s.introduce(ctx, o.Home)
}

// startStores starts the database server and the broker beside each other.
func (s *Suite) startStores(ctx context.Context, h *home.Home) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		s.postgres, err = pgserver.Start(ctx, pgserver.Options{Dir: h.Path("postgres")})
		return err
	})
	group.Go(func() (err error) {
		if s.ring, err = broker.NewRing(wiring.Mesh); err != nil {
			return err
		}
		s.broker, err = natsserver.Start(natsserver.Options{Dir: h.Path("nats"), Users: s.ring.Users})
		return err
	})
	return group.Wait()
}

// environment is what all services have in common.
func (s *Suite) environment(o Options) (service.Environment, error) {
	key, err := o.Home.SigningKey()
	if err != nil {
		return service.Environment{}, err
	}
	page, err := o.Home.Secret("page.key", 32)
	if err != nil {
		return service.Environment{}, err
	}
	issuer := auth.NewIssuer(key)
	verifier, err := auth.NewVerifier(issuer.Trusted())
	return service.Environment{
		PageKey: page, Issuer: issuer, Verifier: verifier, Telemetry: o.Telemetry,
	}, err
}

// connect answers a connection to the broker as one of its users.
func (s *Suite) connect(name string) (*nats.Conn, error) {
	options, err := s.ring.As(name)
	if err != nil {
		return nil, err
	}
	conn, err := s.broker.Connect(options...)
	if err != nil {
		return nil, err
	}
	s.conns = append(s.conns, conn)
	return conn, nil
}

// feed brings the events of all areas to all services, over a connection of the front: it
// may follow every area.
func (s *Suite) feed(definitions []service.Definition) (*eventlog.Feed, error) {
	front := definitions[slices.IndexFunc(definitions, service.Definition.Front)]
	conn, err := s.connect(front.Name)
	return &eventlog.Feed{NATS: conn, Areas: front.Mesh.Followed()}, err
}

// updateStream brings the stream to the settings of this version.
func (s *Suite) updateStream(ctx context.Context) error {
	conn, err := s.connect(mesh.Operator)
	if err != nil {
		return err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	_, err = eventlog.UpdateStream(ctx, js)
	return err
}

// startServices starts all services beside each other, each on its own listeners.
func (s *Suite) startServices(ctx context.Context, h *home.Home, env service.Environment, databases map[string]postgres.URLs, front *listeners) error {
	definitions := fleet.All()
	inside := pipes{}
	env.Connect, env.Nearby, env.Targets, s.State.Private = inside.connect, &rpc.Nearby{}, map[string]string{}, map[string]string{}
	var err error
	if env.Feed, err = s.feed(definitions); err != nil {
		return err
	}
	own := make([]service.Environment, len(definitions))
	for i, d := range definitions {
		own[i] = env
		urls := databases[d.Area]
		own[i].AppURL, own[i].SystemURL, own[i].OwnerURL = urls.App, urls.System, urls.Owner
		if err := extras(h, d, &own[i], databases); err != nil {
			return err
		}
		if own[i].NATS, err = s.connect(d.Name); err != nil {
			return err
		}
		if d.Front() {
			own[i].Listener, own[i].HTTPListener = front.take()
			env.Targets[d.Area] = own[i].Listener.Addr().String()
		} else {
			own[i].Listener, env.Targets[d.Area] = inside.listen(d.Area)
		}
		if own[i].AdminListener, err = net.Listen("tcp", loopback); err != nil {
			return err
		}
		s.State.Private[d.Name] = own[i].AdminListener.Addr().String()
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for i, d := range definitions {
		group.Go(func() error {
			running, err := service.Start(ctx, d, own[i])
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			s.running = append(s.running, running)
			go s.watch(d.Name, running)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.State.Platform = home.Database{App: databases[platformArea].App, System: databases[platformArea].System}
	s.State.HTTP, s.State.GRPC = "http://"+front.http, front.grpc
	s.State.Docs = s.State.HTTP + "/docs"
	return nil
}

// watch passes on that a service ended by itself.
func (s *Suite) watch(name string, running *service.Running) {
	if err := <-running.Failed(); err != nil {
		select {
		case s.failed <- fmt.Errorf("%s ended: %w", name, err):
		default:
		}
	}
}

// Failed is told when a part of the suite ended by itself.
func (s *Suite) Failed() <-chan error { return s.failed }

// AdminURL answers how to reach a database as the administrator. It holds a
// password: keep it out of logs.
func (s *Suite) AdminURL(database string) string { return s.postgres.SocketURL(database) }

// Database is closed when the database server has ended.
func (s *Suite) Database() <-chan struct{} { return s.postgres.Done() }

// Stop stops everything: calls in flight end, then the services, then the stores.
func (s *Suite) Stop(ctx context.Context) error {
	group := new(errgroup.Group)
	for _, running := range s.running {
		group.Go(func() error { return running.Stop(ctx) })
	}
	err := group.Wait()
	for _, conn := range s.conns {
		conn.Close()
	}
	if s.broker != nil {
		err = errors.Join(err, s.broker.Close())
	}
	if s.postgres != nil {
		err = errors.Join(err, s.postgres.Stop(ctx))
	}
	return err
}
