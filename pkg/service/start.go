package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"time"

	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/audit"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// Start starts a service, and answers when it serves. The context bounds the
// start alone: end the service by Running.Stop. The listeners are the service's
// from then on, also where Start fails.
func Start(ctx context.Context, d Definition, env Environment) (*Running, error) {
	running, err := begin(ctx, d, env)
	if err != nil {
		env.closeListeners()
		return nil, fmt.Errorf("start %s: %w", d.Name, err)
	}
	return running, nil
}

func begin(ctx context.Context, d Definition, env Environment) (*Running, error) {
	if err := errors.Join(env.complete(), d.check()); err != nil {
		return nil, err
	}
	if env.OwnerURL != "" {
		if err := Migrate(ctx, d, env.OwnerURL); err != nil {
			return nil, err
		}
	}
	for name, urls := range env.Databases {
		if urls.Owner == "" {
			continue
		}
		if err := MigrateFurther(ctx, d, name, urls.Owner); err != nil {
			return nil, err
		}
	}
	rt, err := newRuntime(ctx, d, env)
	if err != nil {
		return nil, err
	}
	server := newServer(rt, d, env)
	relay := &eventlog.Relay{Area: d.Area, DB: rt.DB.System, NATS: rt.NATS, Now: rt.Now, Logger: rt.Logger}
	rt.parts.relay, rt.Log.Wake = relay, relay.Wake
	sealer := &audit.Sealer{DB: rt.DB.System, Signer: rt.Issuer, Now: rt.Now, Logger: rt.Logger}
	rt.Go("audit sealer", sealer.Run)
	if err := build(rt, d, server, env); err != nil {
		server.Stop()
		rt.close()
		return nil, err
	}
	return serve(rt, server, relay, env), nil
}

// closeListeners closes what is open. Why one cannot be closed does not matter
// where something else has failed already.
func (env *Environment) closeListeners() {
	for _, l := range []net.Listener{env.Listener, env.AdminListener, env.HTTPListener} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// complete fills in what may be left out, and says what may not.
func (env *Environment) complete() error {
	if env.Listener == nil || env.AppURL == "" || env.SystemURL == "" || env.NATS == nil || env.Issuer == nil || env.Verifier == nil {
		return errors.New("the environment lacks a listener, a database, a broker, an issuer or a verifier")
	}
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Telemetry == nil {
		env.Telemetry = telemetry.Off()
	}
	return nil
}

// Migrate brings the service's database to the newest version, as its owner.
func Migrate(ctx context.Context, d Definition, ownerURL string) error {
	if err := migrate(ctx, ownerURL, eventlog.VersionTable, eventlog.Migrations); err != nil {
		return fmt.Errorf("migrate the event log: %w", err)
	}
	for _, t := range d.Uses {
		if err := migrate(ctx, ownerURL, t.Version, t.Migrations); err != nil {
			return fmt.Errorf("migrate %s of %s: %w", t.Version, d.Name, err)
		}
	}
	if d.Migrations == nil {
		return nil
	}
	if err := migrate(ctx, ownerURL, "schema_version", d.Migrations); err != nil {
		return fmt.Errorf("migrate %s: %w", d.Name, err)
	}
	return nil
}

// MigrateFurther brings one of the service's further databases to the newest
// version, as its owner.
func MigrateFurther(ctx context.Context, d Definition, name, ownerURL string) error {
	files, ok := d.Databases[name]
	if !ok {
		return fmt.Errorf("%s has no database %q", d.Name, name)
	}
	if err := migrate(ctx, ownerURL, "schema_version", files); err != nil {
		return fmt.Errorf("migrate %s of %s: %w", name, d.Name, err)
	}
	return nil
}

// migrate looks for the files at the root, or in the directory that go:embed
// kept.
func migrate(ctx context.Context, ownerURL, version string, files fs.FS) error {
	if _, err := fs.Stat(files, "migrations"); err == nil {
		if files, err = fs.Sub(files, "migrations"); err != nil {
			return err
		}
	}
	return postgres.Migrate(ctx, ownerURL, version, files)
}

func newRuntime(ctx context.Context, d Definition, env Environment) (*Runtime, error) {
	db, err := postgres.Open(ctx, env.AppURL, env.SystemURL, postgres.Options{PageKey: env.PageKey, Configure: env.ConfigurePool, Meters: env.Telemetry.Meters})
	if err != nil {
		return nil, err
	}
	rt := &Runtime{
		Name: d.Name, Area: d.Area, DB: db, Now: env.Now, NATS: env.NATS,
		Places: env.Places, RuleDecisionsKept: env.RuleDecisionsKept, Issuer: env.Issuer, Verifier: env.Verifier, Targets: env.Targets, Connect: env.Connect, Nearby: env.Nearby, ClientTLS: env.ClientTLS,
		Logger:    env.Telemetry.Logger.With("area", d.Area),
		Databases: map[string]*postgres.DB{}, Secrets: env.Secrets, SecretFiles: env.SecretFiles,
		parts: parts{telemetry: env.Telemetry, authenticate: env.Verifier.Verify, mesh: d.Mesh, feed: env.Feed},
	}
	if rt.parts.feed == nil {
		rt.parts.feed = &eventlog.Feed{NATS: env.NATS}
	}
	if err := rt.openFurther(ctx, d, env); err != nil {
		rt.close()
		return nil, err
	}
	if d.Keys == nil {
		rt.Keys = contactKeys(rt)
	} else if rt.Keys, err = d.Keys(ctx, rt); err != nil {
		rt.close()
		return nil, err
	}
	rt.Log = &eventlog.Log{Area: d.Area, Keys: rt.Keys, Now: env.Now}
	return rt, nil
}

// openFurther opens the further databases of the service.
func (rt *Runtime) openFurther(ctx context.Context, d Definition, env Environment) error {
	for name := range d.Databases {
		urls := env.Databases[name]
		if urls.App == "" {
			return fmt.Errorf("the environment lacks the database %q", name)
		}
		if urls.System == "" {
			urls.System = urls.App
		}
		db, err := postgres.Open(ctx, urls.App, urls.System, postgres.Options{PageKey: env.PageKey, Configure: env.ConfigurePool, Meters: env.Telemetry.Meters})
		if err != nil {
			return err
		}
		rt.Databases[name] = db
	}
	return nil
}

// newServer makes the server that Build registers on. What Build sets is asked
// for when a call comes.
func newServer(rt *Runtime, d Definition, env Environment) *rpc.Server {
	policy := logPolicy(d.Area)
	maps.Copy(policy, d.Policy)
	within, streams := rt.within(d)
	server := rpc.NewServer(rpc.Options{
		Policy: policy,
		Authenticate: func(ctx context.Context, token string) (auth.Caller, error) {
			return rt.parts.authenticate(ctx, token)
		},
		Unknown: func(srv any, stream grpc.ServerStream) error {
			if rt.parts.unknown == nil {
				return rpc.ErrMethodUnknown
			}
			return rt.parts.unknown(srv, stream)
		},
		Within: within, WithinStream: streams,
		Callers: d.Mesh.Allows, Places: env.Places, Front: d.Front(),
		TLS: env.ServerTLS, Telemetry: env.Telemetry, Ready: rt.DB.App.Ping,
	})
	rt.Server = server
	return server
}

// within is what runs around every call. What is open to a portal and the rules about
// fields come first, so that they hold for answers that were kept too.
func (rt *Runtime) within(d Definition) (unary []grpc.UnaryServerInterceptor, streams []grpc.StreamServerInterceptor) {
	if d.Portal != nil {
		unary = append(unary, d.Portal.Unary(func(ctx context.Context, caller auth.Caller) (context.Context, error) {
			return rt.parts.admitPortal(ctx, caller)
		}))
	}
	if d.fieldRules() {
		rt.Fields = fieldaccess.NewBook(rt.DB)
		rt.Project(fieldaccess.Projection())
		unary, streams = append(unary, rt.Fields.Unary), append(streams, rt.Fields.Stream)
	}
	return append(unary, record.Repeats(d.Area, rt.DB)), streams
}

// sealed are the keys that the audit log may be sealed with: the one that seals it, and
// those that did before.
func sealed(env Environment) audit.Keys {
	keys := audit.Keys{}
	maps.Copy(keys, env.RetiredKeys)
	maps.Copy(keys, env.Issuer.Public())
	return keys
}

// build runs the service's own part and checks what it made.
func build(rt *Runtime, d Definition, server *rpc.Server, env Environment) error {
	if err := d.Build(rt); err != nil {
		return err
	}
	if env.HTTPListener != nil && rt.parts.http == nil {
		return errors.New("there is a listener for HTTP, and nothing to serve on it")
	}
	if rt.parts.undeclared != nil {
		return rt.parts.undeclared
	}
	if d.Portal != nil && rt.parts.admitPortal == nil {
		return errors.New("it opens a portal, and nobody says whom its callers stand for")
	}
	if err := d.Portal.Check(d.Policy); err != nil {
		return err
	}
	registerLog(server, d.Area, eventlog.Encoded{Reader: &eventlog.Reader{DB: rt.DB.System, Relay: rt.parts.relay}})
	registerAudit(server, d.Area, d.Policy, &audit.Server{DB: rt.DB, Keys: sealed(env)})
	return server.CheckPolicy()
}
