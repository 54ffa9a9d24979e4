// Package secrets makes the tree of secret files that the processes of a suite
// read when they run apart, as under docker compose: one directory a service, in
// which nothing lies that another one needs.
//
// Everything is made once; what is there is left as it is, so that making the
// tree again mends a tree that is not whole. Certificates are renewed when they
// are due.
package secrets

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/pkg/durable"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/internal/wiring"
)

// The files of a service's directory.
const (
	AppURL    = "app_url"
	SystemURL = "system_url"
	OwnerURL  = "owner_url"
	KeysURL   = "keys_url"
	KEK       = "kek"
	PageKey   = "page_key"
	IssuerKey = "issuer.pem"
	Password  = "password"
	// NATSSeed is by which the broker knows the service, NATSUsers what the broker
	// is told of all.
	NATSSeed  = "nats.seed"
	NATSUsers = "users.conf"
)

// Operator is the directory of what only operators need.
const Operator = mesh.Operator

// Tree is such a tree.
type Tree struct {
	// Dir is its root.
	Dir string
	// Postgres is where the database server will be: host:port.
	Postgres string
}

// Make makes what is missing, and answers the names of the services that got a
// new certificate.
func (t Tree) Make(now time.Time) ([]string, error) {
	admin, err := t.text(0o644, "postgres", Password)
	if err != nil {
		return nil, err
	}
	if _, err := t.text(0o644, "grafana", Password); err != nil {
		return nil, err
	}
	adminURL := t.adminURL(admin)
	if err := t.write(0o600, []byte(adminURL), Operator, "admin_url"); err != nil {
		return nil, err
	}
	for _, d := range fleet.All() {
		if err := t.databases(adminURL, d.Name, d.Area); err != nil {
			return nil, err
		}
	}
	if err := t.contactKeys(adminURL); err != nil {
		return nil, err
	}
	// What a lost one of the gateway's sealed is made anew by RotateWebhookEndpointSecret.
	if _, err := t.text(0o600, "gateway", KEK); err != nil {
		return nil, err
	}
	if err := errors.Join(t.shared(), t.brokerUsers()); err != nil {
		return nil, err
	}
	return t.certificates(now)
}

// databases writes how a service reaches its database in its three roles.
func (t Tree) databases(adminURL, name, role string) error {
	urls, err := t.urls(adminURL, fleet.Database(role), role)
	if err != nil {
		return err
	}
	return errors.Join(
		t.write(0o600, []byte(urls.App), name, AppURL),
		t.write(0o600, []byte(urls.System), name, SystemURL),
		t.write(0o600, []byte(urls.Owner), Operator, role+"_"+OwnerURL),
	)
}

// contactKeys writes what contact alone has: its database of sealing keys and the
// key that wraps them.
func (t Tree) contactKeys(adminURL string) error {
	urls, err := t.urls(adminURL, fleet.Keys, fleet.Keys)
	if err != nil {
		return err
	}
	if err := t.lost(); err != nil {
		return err
	}
	if _, err := t.text(0o600, "contact", KEK); err != nil {
		return err
	}
	return errors.Join(
		t.write(0o600, []byte(urls.App), "contact", KeysURL),
		t.write(0o600, []byte(urls.Owner), Operator, fleet.Keys+"_"+OwnerURL),
	)
}

// lost says that the key-encryption key was made once and is gone: keys that it wraps
// may be stored, and a new one would not open them. The file that is written after
// it tells.
func (t Tree) lost() error {
	path, after := t.path("contact", KEK), t.path("contact", KeysURL)
	_, err := os.Stat(path)
	_, made := os.Stat(after)
	if made == nil && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the key-encryption key %s is missing: restore it from its backup, or, where no contact was ever stored, remove %s too", path, after)
	}
	return nil
}

func (t Tree) urls(adminURL, database, role string) (postgres.URLs, error) {
	p, err := t.passwords(role)
	if err != nil {
		return postgres.URLs{}, err
	}
	return postgres.ServiceURLs(adminURL, database, role, p)
}

// passwords answers the passwords of the roles of one database.
func (t Tree) passwords(role string) (postgres.Passwords, error) {
	owner, err1 := t.text(0o600, Operator, role+"_owner")
	app, err2 := t.text(0o600, Operator, role+"_app")
	relay, err3 := t.text(0o600, Operator, role+"_relay")
	return postgres.Passwords{Owner: owner, App: app, Relay: relay}, errors.Join(err1, err2, err3)
}

// Provision is the administrator's URL and, by role, the passwords: what is needed
// to make the databases.
func (t Tree) Provision() (adminURL string, passwords map[string]postgres.Passwords, err error) {
	raw, err := os.ReadFile(t.path(Operator, "admin_url"))
	if err != nil {
		return "", nil, fmt.Errorf("%s holds no secrets yet; make them with `lingkar setup`: %w", t.Dir, err)
	}
	passwords = map[string]postgres.Passwords{}
	roles := []string{fleet.Keys}
	for _, d := range fleet.All() {
		roles = append(roles, d.Area)
	}
	for _, role := range roles {
		if passwords[role], err = t.passwords(role); err != nil {
			return "", nil, err
		}
	}
	return strings.TrimSpace(string(raw)), passwords, nil
}

// OperatorSeed is by which the broker knows an operator.
func (t Tree) OperatorSeed() ([]byte, error) { return os.ReadFile(t.path(Operator, NATSSeed)) }

// shared writes what all services have in common: the key that signs the suite's
// own tokens and the one that authenticates page tokens.
func (t Tree) shared() error {
	issuer, err := t.once(0o600, newIssuer, Operator, IssuerKey)
	if err != nil {
		return err
	}
	page, err := t.text(0o600, Operator, PageKey)
	if err != nil {
		return err
	}
	for _, name := range fleet.Names() {
		err := errors.Join(t.write(0o600, issuer, name, IssuerKey), t.write(0o600, []byte(page), name, PageKey))
		if err != nil {
			return err
		}
	}
	return nil
}

// BrokerUsers are who the broker knows: each service and the operator by the public
// half of its seed, which is made where it is missing.
func (t Tree) BrokerUsers() ([]broker.User, error) {
	return broker.Users(wiring.Mesh, func(name string) (string, error) {
		seed, err := t.once(0o600, func() ([]byte, error) {
			seed, _, err := broker.NewSeed()
			return seed, err
		}, name, NATSSeed)
		if err != nil {
			return "", err
		}
		return broker.PublicKey(seed)
	})
}

// brokerUsers writes each service's seed for the broker, and the operator's; to the
// broker go their public halves with what each may do.
func (t Tree) brokerUsers() error {
	users, err := t.BrokerUsers()
	if err != nil {
		return err
	}
	return t.write(0o644, broker.Config(users), "nats", NATSUsers)
}

func newIssuer() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// certificates issues to every service and to the operator, and puts each
// certificate where its service reads it.
func (t Tree) certificates(now time.Time) ([]string, error) {
	dir := t.path(Operator, "certs")
	names := append(fleet.Names(), Operator)
	issued, err := certs.IssueAll(dir, names, func(service string) []string { return []string{service, "localhost", "127.0.0.1"} }, now)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		for from, to := range map[string]string{name + ".crt": "tls.crt", name + ".key": "tls.key", certs.AuthorityCert: "ca.crt"} {
			content, err := os.ReadFile(filepath.Join(dir, from))
			if err != nil {
				return nil, err
			}
			if err := t.write(0o600, content, name, to); err != nil {
				return nil, err
			}
		}
	}
	return issued, nil
}

func (t Tree) adminURL(password string) string {
	u := url.URL{Scheme: "postgres", Host: t.Postgres, Path: "/postgres", User: url.UserPassword(pgserver.Superuser, password)}
	return u.String()
}

// text answers a random secret of 32 bytes in hexadecimal, made at first use.
func (t Tree) text(mode os.FileMode, parts ...string) (string, error) {
	content, err := t.once(mode, func() ([]byte, error) {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw) // never fails, by its documentation
		return []byte(hex.EncodeToString(raw)), nil
	}, parts...)
	return string(content), err
}

// once answers a secret and makes it where there is none. An empty file is what a
// power cut may have left of one: it is neither used nor replaced.
func (t Tree) once(mode os.FileMode, fresh func() ([]byte, error), parts ...string) ([]byte, error) {
	path := t.path(parts...)
	content, err := os.ReadFile(path)
	if err == nil && len(content) == 0 {
		return nil, fmt.Errorf("the secret %s is empty: restore it, or remove it where nothing was made with it yet", path)
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	if content, err = fresh(); err != nil {
		return nil, err
	}
	return content, t.write(mode, content, parts...)
}

func (t Tree) write(mode os.FileMode, content []byte, parts ...string) error {
	path := t.path(parts...)
	if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return durable.WriteFile(path, content, mode)
}

func (t Tree) path(parts ...string) string {
	return filepath.Join(append([]string{t.Dir}, parts...)...)
}
