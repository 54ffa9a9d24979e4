package testkit

import (
	"crypto/tls"
	"path/filepath"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	"github.com/lingkar-crm/lingkar/pkg/service"
)

// security is what secures the calls between the services of a suite.
type security interface {
	of(t testing.TB, d service.Definition) (server, client *tls.Config)
	// caller is what the suite's own connections show.
	caller(t testing.TB) *tls.Config
}

// plaintext is that of services on one machine.
type plaintext struct{}

func (plaintext) of(testing.TB, service.Definition) (server, client *tls.Config) { return nil, nil }
func (plaintext) caller(testing.TB) *tls.Config                                  { return nil }

// Certificates are those of an authority of the test's own.
type Certificates struct{ dir string }

// Issue makes an authority, and certificates for the names that are valid at the
// time.
func Issue(t testing.TB, at time.Time, names ...string) *Certificates {
	t.Helper()
	c := &Certificates{dir: t.TempDir()}
	if _, err := certs.IssueAll(c.dir, names, func(string) []string { return []string{"127.0.0.1"} }, at); err != nil {
		t.Fatal(err)
	}
	return c
}

// Identity answers the certificate of that name.
func (c *Certificates) Identity(t testing.TB, name string) *certs.Identity {
	t.Helper()
	i, err := certs.Load(certs.Files{
		Cert: filepath.Join(c.dir, name+".crt"), Key: filepath.Join(c.dir, name+".key"), Authority: filepath.Join(c.dir, certs.AuthorityCert),
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (c *Certificates) of(t testing.TB, d service.Definition) (server, client *tls.Config) {
	i := c.Identity(t, d.Name)
	if d.Front() {
		return i.FrontTLS(), i.ClientTLS()
	}
	return i.ServerTLS(), i.ClientTLS()
}

func (c *Certificates) caller(t testing.TB) *tls.Config {
	return c.Identity(t, mesh.Operator).ClientTLS()
}

// StartApart starts the services as Start does, with mutual TLS between them as where
// each is a process. The certificates are for every service and for the operator,
// as whom the suite's own connections are made.
func StartApart(t testing.TB, c *Certificates, defs ...service.Definition) *Suite {
	t.Helper()
	return startSuite(t, Postgres(t), c, defs)
}
