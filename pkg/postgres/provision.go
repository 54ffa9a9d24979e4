package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Passwords of the three roles of a service.
type Passwords struct{ Owner, App, Relay string }

// URLs are the three ways into a service's database. They hold passwords: keep
// them out of logs.
type URLs struct {
	// Owner migrates: it may change the schema.
	Owner string
	// App serves requests, bound by row-level security.
	App string
	// System is role relay: all tenants, no schema changes.
	System string
}

// ServiceURLs answers the URLs of a service's database on the server of adminURL.
func ServiceURLs(adminURL, database, service string, p Passwords) (URLs, error) {
	admin, err := url.Parse(adminURL)
	if err != nil || admin.Scheme == "" {
		return URLs{}, errors.New("postgres: the administrator's address is not a URL")
	}
	as := func(role, password string) string {
		u := *admin
		u.User = url.UserPassword(service+"_"+role, password)
		u.Path = "/" + database
		return u.String()
	}
	return URLs{Owner: as("owner", p.Owner), App: as("app", p.App), System: as("relay", p.Relay)}, nil
}

// serviceName is what may become part of role names.
var serviceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// Provision creates the database and the roles <service>_owner, <service>_app
// and <service>_relay, or brings existing ones to this state; data is never
// touched. The convention of the names is what lingkar_secure goes by. The
// administrator needs CREATEDB and CREATEROLE. Passwords are sent as SCRAM
// verifiers only.
func Provision(ctx context.Context, adminURL, database, service string, p Passwords) (URLs, error) {
	if !serviceName.MatchString(service) {
		return URLs{}, fmt.Errorf("postgres: %q cannot name roles", service)
	}
	urls, err := ServiceURLs(adminURL, database, service, p)
	if err != nil {
		return URLs{}, err
	}
	if err := provisionCluster(ctx, adminURL, database, service, p); err != nil {
		return URLs{}, fmt.Errorf("postgres: provision %s: %w", database, err)
	}
	if err := provisionSchema(ctx, urls.Owner, service); err != nil {
		return URLs{}, fmt.Errorf("postgres: provision %s: %w", database, err)
	}
	return urls, nil
}

// provisionCluster makes the roles and the database, one process at a time.
func provisionCluster(ctx context.Context, adminURL, database, service string, p Passwords) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Released with the session.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lockID("provision "+service)); err != nil {
		return err
	}
	for role, password := range map[string]string{"owner": p.Owner, "app": p.App, "relay": p.Relay} {
		if err := provisionRole(ctx, conn, service+"_"+role, password); err != nil {
			return err
		}
	}
	return provisionDatabase(ctx, conn, database, service)
}

// lockID makes the number of an advisory lock from its meaning.
func lockID(meaning string) int64 {
	h := fnv.New64a()
	h.Write([]byte(meaning))
	return int64(h.Sum64())
}

func provisionRole(ctx context.Context, conn *pgx.Conn, role, password string) error {
	var exists bool
	err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&exists)
	if err != nil {
		return err
	}
	verifier, err := scramVerifier(password)
	if err != nil {
		return err
	}
	verb := "CREATE"
	if exists {
		verb = "ALTER"
	}
	// The verifier is base64 and punctuation without quotes.
	_, err = conn.Exec(ctx, fmt.Sprintf(
		"%s ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '%s'",
		verb, quote(role), verifier))
	return err
}

// provisionDatabase makes the database with comparison by bytes, so that order
// is the same on every machine and indexes stay valid when its libraries change.
func provisionDatabase(ctx context.Context, conn *pgx.Conn, database, service string) error {
	owner := quote(service + "_owner")
	var exists, superuser bool
	err := conn.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1),
		       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`, database).Scan(&exists, &superuser)
	if err != nil {
		return err
	}
	if !superuser {
		if _, err := conn.Exec(ctx, "GRANT "+owner+" TO CURRENT_USER"); err != nil {
			return err
		}
	}
	if !exists {
		_, err := conn.Exec(ctx, fmt.Sprintf(
			"CREATE DATABASE %s OWNER %s TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'C'",
			quote(database), owner))
		if err != nil {
			return err
		}
	}
	return GrantConnect(ctx, conn, database, service)
}

// GrantConnect leaves the database to the roles of the service. A copy of a
// database needs it again: CREATE DATABASE … TEMPLATE does not take these rights
// along.
func GrantConnect(ctx context.Context, admin *pgx.Conn, database, service string) error {
	db := quote(database)
	_, err := admin.Exec(ctx, fmt.Sprintf(`
		REVOKE ALL ON DATABASE %s FROM PUBLIC;
		GRANT CONNECT ON DATABASE %s TO %s, %s`,
		db, db, quote(service+"_app"), quote(service+"_relay")))
	return err
}

// provisionSchema runs as the owner of the database, who may act for the owner
// of schema public.
func provisionSchema(ctx context.Context, ownerURL, service string) error {
	conn, err := pgx.Connect(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, fmt.Sprintf(`
		REVOKE ALL ON SCHEMA public FROM PUBLIC;
		GRANT USAGE ON SCHEMA public TO %s, %s`,
		quote(service+"_app"), quote(service+"_relay")))
	return err
}

// quote makes an SQL identifier.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
