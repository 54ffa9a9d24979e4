// Package cluster runs all of Lingkar as separate processes, as operations would:
// PostgreSQL, the broker, and one process or more of each service, with mTLS
// between them and a fault proxy on every arrow.
//
// It promises that everything it started ends with it, also when it is killed
// itself (on Linux), that a service that ends is started again as a container
// runtime would, and that an end that nobody asked for is told. Everything
// listens on loopback.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/proxy"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// The stores, as Options.Volumes and Link name them.
const (
	PostgresName = "postgres"
	BrokerName   = "nats"
	// WALName is the write-ahead log of PostgreSQL: it lies with the data unless it
	// has a volume.
	WALName = "wal"
)

// Volume puts the files of a store on a file system of its own, for faults of
// disks.
type Volume interface {
	// Mount makes dir, which exists and is empty, a file system of its own. It is
	// called before the store starts for the first time.
	Mount(ctx context.Context, dir string) error
	// Unmount ends it, after the store has ended for good.
	Unmount(ctx context.Context) error
}

// Options say what to run.
type Options struct {
	// Dir takes all files; the account that PostgreSQL runs as must reach it.
	Dir string
	// Program is the lingkar binary.
	Program string
	// Replicas is how many processes each service has; 0 stands for 1.
	Replicas int
	// Volumes are file systems for the stores, by PostgresName, WALName and
	// BrokerName.
	Volumes map[string]Volume
	// Environment is added to that of every service, as NAME=value.
	Environment []string
	// Progress is told one line a step; nil tells nobody.
	Progress func(string)
}

// Cluster is all of Lingkar, running apart.
type Cluster struct {
	// Secrets is the tree of secret files.
	Secrets secrets.Tree
	// Postgres and Broker are the stores.
	Postgres *Postgres
	Broker   *Broker
	// Services are the processes of all services.
	Services []*Service
	// HTTP and GRPC lead clients to the gateway.
	HTTP, GRPC *proxy.Proxy

	options Options
	ports   map[int]bool // those given to stores and services
	mu      sync.Mutex
	links   []*proxy.Proxy
	crashes []string
	watched context.CancelFunc
	watcher sync.WaitGroup
	mounted []Volume
}

// Start starts everything and answers when all of it is ready. When it answers an
// error, nothing is left running.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	o.Replicas = max(1, o.Replicas)
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	c := &Cluster{options: o, ports: map[int]bool{}}
	if err := c.start(ctx); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return nil, errors.Join(err, c.Stop(stopping))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	for _, dir := range []string{"logs", PostgresName, BrokerName, "secrets", "services"} {
		if err := os.MkdirAll(c.Path(dir), 0o755); err != nil {
			return err
		}
	}
	for name, v := range c.options.Volumes {
		if err := os.MkdirAll(c.Path(name), 0o755); err != nil {
			return err
		}
		if err := v.Mount(ctx, c.Path(name)); err != nil {
			return fmt.Errorf("prepare the volume of %s: %w", name, err)
		}
		c.mounted = append(c.mounted, v)
	}
	c.options.Progress("starting PostgreSQL and JetStream")
	if err := c.startStores(ctx); err != nil {
		return err
	}
	c.options.Progress("making the databases")
	if err := c.prepareDatabases(ctx); err != nil {
		return err
	}
	if err := c.wire(); err != nil {
		return err
	}
	c.options.Progress(fmt.Sprintf("starting the services, %d of each", c.options.Replicas))
	if err := c.startServices(ctx); err != nil {
		return err
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.watched = cancel
	c.watcher.Go(func() { c.watch(watching) })
	return nil
}

func (c *Cluster) startStores(ctx context.Context) error {
	ports, err := c.freePorts(2)
	if err != nil {
		return err
	}
	c.Secrets = secrets.Tree{Dir: c.Path("secrets"), Postgres: local(ports[0])}
	if _, err := c.Secrets.Make(time.Now()); err != nil {
		return err
	}
	c.Postgres = &Postgres{dir: c.Path(PostgresName), port: ports[0]}
	c.Broker = newBroker(c.options.Program, c.Path(BrokerName), c.Path("logs", BrokerName+".log"), ports[1], c.Secrets)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.startPostgres(ctx) })
	group.Go(func() error { return c.Broker.Start(ctx) })
	return group.Wait()
}

// startPostgres starts the database server, with its log apart where that has a
// volume.
func (c *Cluster) startPostgres(ctx context.Context) error {
	err := c.Postgres.Start(ctx)
	if _, apart := c.options.Volumes[WALName]; !apart || err != nil {
		return err
	}
	return c.Postgres.moveLog(ctx, c.Path(WALName))
}

// startServices starts all processes beside each other.
func (c *Cluster) startServices(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range c.Services {
		group.Go(func() error {
			if err := s.Start(); err != nil {
				return err
			}
			return s.AwaitReady(ctx)
		})
	}
	return group.Wait()
}

// Path is a path below the cluster's directory.
func (c *Cluster) Path(parts ...string) string {
	return filepath.Join(append([]string{c.options.Dir}, parts...)...)
}

// Replicas is how many processes each service has.
func (c *Cluster) Replicas() int { return c.options.Replicas }

// Of answers the processes of a service, by its area.
func (c *Cluster) Of(area string) []*Service {
	var of []*Service
	for _, s := range c.Services {
		if s.Area == area {
			of = append(of, s)
		}
	}
	return of
}

// Links answers the arrows that lead to a store or an area, those of all
// processes; "" answers every arrow.
func (c *Cluster) Links(to string) []*proxy.Proxy {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*proxy.Proxy
	for _, l := range c.links {
		if to == "" || strings.HasSuffix(l.Name, ">"+to) {
			found = append(found, l)
		}
	}
	return found
}

// LinksOf answers the arrows that lead away from a process.
func (c *Cluster) LinksOf(from string) []*proxy.Proxy {
	var found []*proxy.Proxy
	for _, l := range c.Links("") {
		if strings.HasPrefix(l.Name, from+">") {
			found = append(found, l)
		}
	}
	return found
}

// Link answers the arrow from a process to a store or an area, such as from
// "contact-1" to "postgres"; nil where there is none.
func (c *Cluster) Link(from, to string) *proxy.Proxy {
	for _, l := range c.LinksOf(from) {
		if strings.HasSuffix(l.Name, ">"+to) {
			return l
		}
	}
	return nil
}

// Crashes answers which processes ended without being asked to, and how.
func (c *Cluster) Crashes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.crashes)
}

// watch starts services again that ended by themselves.
func (c *Cluster) watch(ctx context.Context) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, s := range c.Services {
			how, explained := s.process.ended()
			if how == "" {
				continue
			}
			if !explained {
				c.mu.Lock()
				c.crashes = append(c.crashes, s.Name+": "+how)
				c.mu.Unlock()
			}
			_ = s.Start() // tried again at the next tick
		}
	}
}

// Stop ends everything, whatever state it is in.
func (c *Cluster) Stop(ctx context.Context) error {
	if c.watched != nil {
		c.watched()
		c.watcher.Wait()
	}
	group := new(errgroup.Group)
	for _, s := range c.Services {
		group.Go(func() error { s.process.kill(); return nil })
	}
	err := group.Wait()
	for _, l := range c.Links("") {
		err = errors.Join(err, l.Close())
	}
	if c.Broker != nil {
		err = errors.Join(err, c.Broker.Stop(ctx))
	}
	if c.Postgres != nil {
		err = errors.Join(err, c.Postgres.Stop(ctx))
	}
	for _, v := range c.mounted {
		err = errors.Join(err, v.Unmount(ctx))
	}
	return err
}

// wire makes the arrows and the processes that use them, and starts none yet.
func (c *Cluster) wire() error {
	definitions := fleet.All()
	ends := map[string][]string{} // area to the addresses of its processes
	for _, d := range definitions {
		for n := range c.options.Replicas {
			ports, err := c.freePorts(3)
			if err != nil {
				return err
			}
			s := &Service{
				Name: d.Name + "-" + strconv.Itoa(n+1), Area: d.Area, service: d.Name, front: d.Front(),
				grpc: local(ports[0]), admin: local(ports[1]), http: local(ports[2]),
			}
			c.Services = append(c.Services, s)
			ends[d.Area] = append(ends[d.Area], s.grpc)
			if d.Front() {
				ends["http"] = append(ends["http"], s.http)
			}
		}
	}
	var err error
	if c.HTTP, err = c.link("clients", "http", ends["http"]...); err != nil {
		return err
	}
	if c.GRPC, err = c.link("clients", "grpc", ends["platform"]...); err != nil {
		return err
	}
	for _, s := range c.Services {
		if err := c.equip(s, ends); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) link(from, to string, targets ...string) (*proxy.Proxy, error) {
	p, err := proxy.Listen(from+">"+to, targets...)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.links = append(c.links, p)
	return p, nil
}
