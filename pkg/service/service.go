// Package service is the one shape of every process of Lingkar: what it is made
// of (Definition), what it gets (Runtime), where it stands (Environment), and how
// it starts and stops.
//
// Start opens the database, makes the log, builds the service, refuses to go on
// when an RPC has no policy entry, then runs the relay, the projections and the
// loops and serves. Stop goes the other way: it tells health, waits for the
// callers to notice, stops what consumes, lets calls end, then closes the
// database. Main does that for a process that reads its environment; a test and
// the one binary call Start with an Environment of their own.
package service

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/portal"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// Definition is what a service is made of.
type Definition struct {
	// Name is that of the process and its directory, such as
	// "sales-force-automation".
	Name string
	// Area is the part of the contracts it serves, such as "sales".
	Area string
	// Migrations are the files NNNNN_x.sql of its database.
	Migrations fs.FS
	// Databases are further databases of its own, by name, with the migrations of
	// each: contact keeps the sealing keys in one.
	Databases map[string]fs.FS
	// Secrets names what it needs of secret files beyond every service's own, such
	// as "keys_kek".
	Secrets []string
	// Uses are the tables of packages that the service builds on, such as those
	// of imports. With those of fieldaccess the service follows the tenants' rules about
	// fields, and holds every call to them.
	Uses []Tables
	// Policy says who may call what. The RPCs of the area's EventLogService
	// and health need no entry.
	Policy auth.Policy
	// Portal is what the service opens to portal callers, where its policy lets them in
	// (auth.Self); Build says by Runtime.AdmitPortalBy whom they stand for.
	Portal *portal.Window
	// Mesh says what each service needs of the others; the service holds itself and
	// its callers to it. Without one it needs nobody, and no other service may call.
	Mesh mesh.Mesh
	// Keys answers the keys that seal personal fields. Nil stands for those of
	// the contact service, which itself brings its own.
	Keys func(ctx context.Context, rt *Runtime) (eventlog.Keys, error)
	// Lists answers the tables that its list RPCs read, by their SQL names, with what
	// they declare: for tools that measure them. Nil where it has none.
	Lists func() map[string]postgres.Lister
	// Build registers the servers and projections and starts the loops. It may
	// use everything in Runtime; nothing is served before it returns.
	Build func(rt *Runtime) error
}

// Front says that callers from outside may connect, who show no certificate: the
// gateway.
func (d Definition) Front() bool { return d.Mesh[d.Name].Front }

// check refuses a definition that its own mesh does not know.
func (d Definition) check() error {
	if d.Mesh == nil {
		return nil
	}
	if needs := d.Mesh[d.Name]; needs.Area != d.Area {
		return fmt.Errorf("the mesh has the area %q for it, not %q", needs.Area, d.Area)
	}
	return d.Mesh.Check()
}

// FieldRules are the tables of the tenants' rules about fields.
var FieldRules = Tables{Version: fieldaccess.VersionTable, Migrations: fieldaccess.Migrations}

func (d Definition) fieldRules() bool {
	return slices.ContainsFunc(d.Uses, func(t Tables) bool { return t.Version == fieldaccess.VersionTable })
}

// Tables are the migrations that a package brings, and the table that keeps their
// version.
type Tables struct {
	Version    string
	Migrations fs.FS
}

// Environment is where a service stands. Main fills it in from environment
// variables and files, tests and the one binary from what they started.
type Environment struct {
	// Listener takes gRPC.
	Listener net.Listener
	// AdminListener takes metrics, health and profiles over HTTP and gRPC reflection
	// over HTTP/2 without TLS, for the operator's own network; nil leaves them out.
	AdminListener net.Listener
	// HTTPListener takes the handler given to Runtime.HandleHTTP: the gateway
	// has one.
	HTTPListener net.Listener
	// AppURL, SystemURL and OwnerURL lead to the service's database as the roles
	// app, relay and owner. Without OwnerURL the database must be migrated.
	AppURL, SystemURL, OwnerURL string
	// Databases lead to those of Definition.Databases, by name. Role app is needed;
	// with role owner the service migrates when it starts.
	Databases map[string]postgres.URLs
	// Secrets are the contents of those of Definition.Secrets, by name; SecretFiles
	// says where each was read, for messages.
	Secrets     map[string][]byte
	SecretFiles map[string]string
	// ConfigurePool may change the settings of the pools of all its databases; nil
	// leaves them.
	ConfigurePool func(*pgxpool.Config)
	// PageKey authenticates page tokens; the same in all replicas.
	PageKey []byte
	// NATS is the connection to the broker.
	NATS *nats.Conn
	// Feed brings events to the projections; nil stands for one over NATS. Services that
	// run in the same process share one.
	Feed *eventlog.Feed
	// Targets are the addresses of the other services, by area.
	Targets map[string]string
	// Connect connects to one of the Targets; nil stands for TCP.
	Connect func(ctx context.Context, target string) (net.Conn, error)
	// Nearby are the services that run in the same process, by area, to which it adds
	// itself; nil where it stands alone.
	Nearby *rpc.Nearby
	// Issuer mints the service's own tokens, and seals its audit log.
	Issuer *auth.Issuer
	// RetiredKeys are the public keys of issuers before it, by their ids: what they sealed
	// of the audit log stays proven. They verify no token.
	RetiredKeys map[string]ed25519.PublicKey
	// Verifier knows callers by their tokens.
	Verifier *auth.Verifier
	// ServerTLS and ClientTLS secure the calls between services; nil is
	// plaintext, for one machine.
	ServerTLS, ClientTLS *tls.Config
	// Now is the clock; nil stands for time.Now.
	Now func() time.Time
	// Telemetry is where logs, traces and metrics go; nil stands for errors on
	// standard error.
	Telemetry *telemetry.Telemetry
	// Places is how many calls are worked on at a time; 0 stands for
	// admission.DefaultPlaces.
	Places int
	// Drain is how long the service tells callers that it stops before it does;
	// 0 stands for not at all.
	Drain time.Duration
	// RuleDecisionsKept is how long decisions of rules are kept; 0 stands for
	// rules.DecisionsKept.
	RuleDecisionsKept time.Duration
}

// Runtime is what a service gets to be built with.
type Runtime struct {
	// Name and Area are those of the Definition.
	Name, Area string
	// DB is the service's database.
	DB *postgres.DB
	// Databases are its further databases, Secrets its further secrets, by name;
	// SecretFiles says where each secret was read.
	Databases   map[string]*postgres.DB
	Secrets     map[string][]byte
	SecretFiles map[string]string
	// Log records its events.
	Log *eventlog.Log
	// Keys open and seal personal fields.
	Keys eventlog.Keys
	// Fields answers the tenants' rules about fields; nil where the service does not
	// follow them.
	Fields *fieldaccess.Book
	// RuleDecisionsKept is how long decisions of rules are kept; 0 where nothing was said.
	RuleDecisionsKept time.Duration
	// Server takes the RPC servers.
	Server grpc.ServiceRegistrar
	// Now is the clock: what a domain rule is told.
	Now func() time.Time
	// Logger is for what an operator must know.
	Logger *slog.Logger
	// NATS is the connection to the broker.
	NATS *nats.Conn
	// Places is that of the Environment.
	Places int
	// Issuer mints tokens of our own.
	Issuer *auth.Issuer
	// Verifier knows callers by their tokens.
	Verifier *auth.Verifier
	// Targets are the addresses of the other services, by area.
	Targets map[string]string
	// Connect connects to one of them; nil stands for TCP.
	Connect func(ctx context.Context, target string) (net.Conn, error)
	// Nearby are those in the same process; nil where there are none.
	Nearby *rpc.Nearby
	// ClientTLS secures calls to them; nil is plaintext.
	ClientTLS *tls.Config

	parts parts
}
