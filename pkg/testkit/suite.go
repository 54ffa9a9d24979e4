package testkit

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io/fs"
	"maps"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// gateway is the name of the definition that serves HTTP.
const gateway = "gateway"

const (
	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
	tokenLife    = time.Hour
)

// Suite is services that run in this process as they do in production: with their
// interceptors, on loopback, over PostgreSQL and JetStream. Only the clock is the
// test's own.
type Suite struct {
	// Tenant and Other are two tenants. Tests write in the first, and look from
	// the second, which must see nothing.
	Tenant, Other uuid.UUID
	// Clock is what the services take for the time.
	Clock *Clock
	// Issuer signs tokens that the services trust.
	Issuer *auth.Issuer
	// Verifier trusts them.
	Verifier *auth.Verifier
	// NATS is a connection to the broker, as its operator. The services have others,
	// with the permissions that they have in production.
	NATS *nats.Conn
	// HTTP is the gateway's base URL, such as "http://127.0.0.1:4711"; empty where
	// no gateway runs.
	HTTP string
	// Telemetry takes the logs and metrics of the services.
	Telemetry *telemetry.Telemetry
	// Trips counts the round trips of the services to their databases.
	Trips *Trips
	// Services are what runs, by area.
	Services map[string]*service.Running
	// Targets are the addresses of the services, by area.
	Targets map[string]string

	conns    map[string]*grpc.ClientConn
	postgres *PostgresServer
	broker   *Broker
	// environments are those of the services, by area.
	environments map[string]service.Environment
}

// Start starts the services, and stops them when the test ends. Where the contact
// service is not among them, its KeyService alone is stood in for.
//
// The test fails when a call was answered "internal error" because nobody mapped
// its cause, when a call panicked, or when a service does not stop by itself.
func Start(t testing.TB, defs ...service.Definition) *Suite {
	t.Helper()
	return startSuite(t, Postgres(t), plaintext{}, defs)
}

// StartOn is Start with the databases on a server of the test's choice.
func StartOn(t testing.TB, databases *PostgresServer, defs ...service.Definition) *Suite {
	t.Helper()
	return startSuite(t, databases, plaintext{}, defs)
}

// startSuite starts the services on a database server, with what secures the calls
// between them.
func startSuite(t testing.TB, databases *PostgresServer, by security, defs []service.Definition) *Suite {
	t.Helper()
	issuer := auth.NewIssuer(ed25519.NewKeyFromSeed([]byte("thirty-two bytes, for tests only")))
	verifier, err := auth.NewVerifier(issuer.Trusted())
	if err != nil {
		t.Fatal(err)
	}
	broker := StartBroker(t, meshOf(defs))
	s := &Suite{
		Tenant: uuid.Must(uuid.NewV7()), Other: uuid.Must(uuid.NewV7()), Clock: &Clock{},
		Issuer: issuer, Verifier: verifier, NATS: broker.Connect(t, mesh.Operator),
		Services: map[string]*service.Running{}, Targets: map[string]string{}, conns: map[string]*grpc.ClientConn{},
		postgres: databases, broker: broker, environments: map[string]service.Environment{}, Trips: &Trips{},
	}
	s.Telemetry = collectLogs(t)
	feed := &eventlog.Feed{NATS: s.NATS, Areas: meshOf(defs).Followed()}
	listeners := map[string]net.Listener{}
	for _, d := range defs {
		listeners[d.Area] = listen(t)
		s.Targets[d.Area] = listeners[d.Area].Addr().String()
	}
	if _, ok := listeners[contactArea]; !ok {
		s.Targets[contactArea] = standInKeys(t, verifier)
	}
	for _, d := range defs {
		serverTLS, clientTLS := by.of(t, d)
		s.start(t, d, service.Environment{
			ServerTLS: serverTLS, ClientTLS: clientTLS, Places: places,
			Listener: listeners[d.Area], NATS: broker.Connect(t, d.Name), Feed: feed, Targets: maps.Clone(s.Targets), Issuer: issuer, Verifier: verifier,
			Now: s.Clock.Now, PageKey: []byte("sixteen bytes or more, for tests"), Telemetry: s.Telemetry,
		})
	}
	s.dial(t, by.caller(t))
	demandNoSurprise(t)
	return s
}

// places is how many calls a service of a suite works on at a time: more than a
// test makes, because a slow machine is no overload. Admission has tests of its own.
const places = 4096

// bePatient gives the sessions of a suite the time that a slow machine takes: calls
// that race for one row are to be decided by the row, not by who waited too long
// for a connection or for its lock. Those limits have tests of their own.
func bePatient(pool *pgxpool.Config) {
	pool.MaxConns = 32
	for _, limit := range []string{"lock_timeout", "statement_timeout"} {
		if _, limited := pool.ConnConfig.RuntimeParams[limit]; limited {
			pool.ConnConfig.RuntimeParams[limit] = strconv.FormatInt(time.Minute.Milliseconds(), 10)
		}
	}
}

// meshOf answers the needs of the services. One without a mesh needs nobody.
func meshOf(defs []service.Definition) mesh.Mesh {
	m := mesh.Mesh{}
	for _, d := range defs {
		needs := d.Mesh[d.Name]
		needs.Area = d.Area
		m[d.Name] = needs
	}
	return m
}

// start starts one service on a database of its own.
func (s *Suite) start(t testing.TB, d service.Definition, env service.Environment) {
	t.Helper()
	files := []fs.FS{eventlog.Migrations}
	for _, used := range d.Uses {
		files = append(files, used.Migrations)
	}
	if d.Migrations != nil {
		files = append(files, d.Migrations)
	}
	urls := s.postgres.database(t, d.Area, func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, d, ownerURL)
	}, files)
	env.AppURL, env.SystemURL = urls.App, urls.System
	env.Databases, env.Secrets = s.further(t, d)
	env.ConfigurePool = func(pool *pgxpool.Config) {
		s.Trips.Trace(pool)
		bePatient(pool)
	}
	if d.Name == gateway {
		env.HTTPListener = listen(t)
		s.HTTP = "http://" + env.HTTPListener.Addr().String()
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	running, err := service.Start(ctx, d, env)
	if err != nil {
		t.Fatal(err)
	}
	s.Services[d.Area], s.environments[d.Area] = running, env
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := running.Stop(ctx); err != nil {
			t.Errorf("stop %s: %v", d.Name, err)
		}
	})
}

// further makes the databases and the secrets that a service has beyond its own.
func (s *Suite) further(t testing.TB, d service.Definition) (map[string]postgres.URLs, map[string][]byte) {
	t.Helper()
	databases, secrets := map[string]postgres.URLs{}, map[string][]byte{}
	for name, files := range d.Databases {
		urls := s.postgres.database(t, name, func(ctx context.Context, ownerURL string) error {
			return service.MigrateFurther(ctx, d, name, ownerURL)
		}, []fs.FS{files})
		urls.Owner = "" // it is migrated
		databases[name] = urls
	}
	for _, name := range d.Secrets {
		sum := sha256.Sum256([]byte(name))
		secrets[name] = []byte(hex.EncodeToString(sum[:]))
	}
	return databases, secrets
}

// dial connects to every service.
func (s *Suite) dial(t testing.TB, secured *tls.Config) {
	t.Helper()
	for area, target := range s.Targets {
		conn, err := rpc.Dial(target, rpc.DialOptions{TLS: secured})
		if err != nil {
			t.Fatal(err)
		}
		s.conns[area] = conn
		t.Cleanup(func() {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// demandNoSurprise fails the test for errors that nobody mapped and for panics.
// They are counted for the whole process: of tests that run at once, any may be
// the one that tells.
func demandNoSurprise(t testing.TB) {
	unmapped, panics := rpc.UnmappedErrors(), rpc.Panics()
	t.Cleanup(func() {
		if n := rpc.UnmappedErrors() - unmapped; n != 0 {
			t.Errorf("%d calls were answered %q because nobody mapped their errors", n, "internal error")
		}
		if n := rpc.Panics() - panics; n != 0 {
			t.Errorf("%d calls panicked", n)
		}
	})
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// As answers a caller of Tenant with the roles. Callers with the same roles are
// the same user; name one by User to have several.
func (s *Suite) As(roles ...auth.Role) auth.Caller {
	return s.User(s.Tenant, rolesName(roles), roles...)
}

// AsOther answers a caller of the other tenant.
func (s *Suite) AsOther(roles ...auth.Role) auth.Caller {
	return s.User(s.Other, rolesName(roles), roles...)
}

// User answers the user "users/<name>" of a tenant. Set Teams on it where teams
// matter. In the role portal it stands for a contact that there is not: Portal answers
// one that stands for another.
func (s *Suite) User(tenant uuid.UUID, name string, roles ...auth.Role) auth.Caller {
	c := auth.Caller{Tenant: tenant, Subject: "users/" + name, Roles: roles}
	if c.Has(auth.Portal) {
		c.Contact = uuid.Must(uuid.NewV7())
	}
	return c
}

// Portal answers whoever comes in as the contact, "contacts/{uuid}", with a token that
// was made for the access, "portalAccesses/{uuid}".
func (s *Suite) Portal(tenant uuid.UUID, contact, access string) auth.Caller {
	return auth.Caller{
		Tenant: tenant, Subject: access, Roles: []auth.Role{auth.Portal},
		Contact: uuid.MustParse(strings.TrimPrefix(contact, "contacts/")), Access: uuid.MustParse(strings.TrimPrefix(access, "portalAccesses/")),
	}
}

// AsService answers the service of that name, in Tenant.
func (s *Suite) AsService(name string) auth.Caller {
	return auth.Caller{Tenant: s.Tenant, Subject: "services/" + name, Roles: []auth.Role{auth.Service}}
}

func rolesName(roles []auth.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(append(names, "1"), "-")
}

// Token answers a token that says who the caller is, valid for an hour.
func (s *Suite) Token(c auth.Caller) string {
	token, err := s.Issuer.Mint(c, tokenLife)
	if err != nil {
		panic("testkit: " + err.Error()) // a caller of the test's own that no JSON can hold
	}
	return token
}

// Conn answers a connection to one area, over which every call is the caller's. A
// caller without a subject is nobody: its calls carry no token.
func (s *Suite) Conn(area string, c auth.Caller) grpc.ClientConnInterface {
	return s.as(c, func(string) string { return area })
}

// Route answers a connection that takes each call to the area of its method.
func (s *Suite) Route(c auth.Caller) grpc.ClientConnInterface { return s.as(c, areaOf) }

func (s *Suite) as(c auth.Caller, area func(method string) string) grpc.ClientConnInterface {
	if c.Subject != "" {
		c.Token = s.Token(c)
	}
	return &callerConn{suite: s, caller: c, area: area}
}
