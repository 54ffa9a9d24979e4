package certs

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func local(string) []string { return []string{"localhost", "127.0.0.1"} }

// issued makes a directory with certificates for the services, and answers an
// identity for each.
func issued(t *testing.T, dir string, now time.Time, services ...string) map[string]*Identity {
	t.Helper()
	if _, err := IssueAll(dir, services, local, now); err != nil {
		t.Fatal(err)
	}
	found := map[string]*Identity{}
	for _, s := range services {
		id, err := Load(Files{
			Cert: filepath.Join(dir, s+".crt"), Key: filepath.Join(dir, s+".key"), Authority: filepath.Join(dir, AuthorityCert),
		})
		if err != nil {
			t.Fatal(err)
		}
		found[s] = id
	}
	return found
}

// shake makes a TLS connection and answers the first error of either side.
func shake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = conn.(*tls.Conn).Handshake()
			_, _ = conn.Write([]byte("x"))
			conn.Close()
		}
		served <- err
	}()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", listener.Addr().String(), client)
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // a server's refusal of the client shows here
		conn.Close()
	}
	if other := <-served; err == nil {
		err = other
	}
	return err
}

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ours := issued(t, t.TempDir(), now, "contact", "analytics")
	strangers := issued(t, t.TempDir(), now, "analytics")
	old := issued(t, t.TempDir(), now.Add(-2*Life), "contact", "analytics")
	named := func(c *tls.Config, name string) *tls.Config { c.ServerName = name; return c }

	for name, c := range map[string]struct {
		server, client *tls.Config
		ok             bool
	}{
		"both ours":                 {ours["contact"].ServerTLS(), ours["analytics"].ClientTLS(), true},
		"by name":                   {ours["contact"].ServerTLS(), named(ours["analytics"].ClientTLS(), "localhost"), true},
		"client of another CA":      {ours["contact"].ServerTLS(), strangers["analytics"].ClientTLS(), false},
		"client without any":        {ours["contact"].ServerTLS(), &tls.Config{InsecureSkipVerify: true}, false},
		"server under another name": {ours["contact"].ServerTLS(), named(ours["analytics"].ClientTLS(), "elsewhere"), false},
		"both expired":              {old["contact"].ServerTLS(), old["analytics"].ClientTLS(), false},
		"TLS 1.2": {ours["contact"].ServerTLS(), func() *tls.Config {
			c := ours["analytics"].ClientTLS()
			c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
			return c
		}(), false},
		"front, no certificate": {ours["contact"].FrontTLS(), &tls.Config{InsecureSkipVerify: true}, true},
	} {
		if err := shake(t, c.server, c.client); (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	dir, clock := t.TempDir(), time.Now()
	almostOver := clock.Add(-Life + RenewBefore/3)
	id := issued(t, dir, almostOver, "contact")["contact"]
	id.now = func() time.Time { return clock }
	if id.Check(clock) == nil {
		t.Error("a certificate that is about to end passes the check")
	}
	renewed, err := IssueAll(dir, []string{"contact"}, local, clock)
	if err != nil || len(renewed) != 1 {
		t.Fatalf("renewed %v, %v", renewed, err)
	}
	clock = clock.Add(2 * lookAgain)
	if err := id.Check(clock); err != nil {
		t.Errorf("the renewed certificate was not taken: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "contact.crt")); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(2 * lookAgain)
	if err := id.Check(clock); err != nil {
		t.Errorf("without its file the certificate is lost: %v", err)
	}
	if id.Check(clock.Add(2*Life)) == nil {
		t.Error("a certificate that has ended passes the check")
	}
	if again, err := IssueAll(dir, []string{"contact"}, local, clock); err != nil || len(again) != 1 {
		t.Errorf("a lost certificate was not issued again: %v, %v", again, err)
	}
	if again, err := IssueAll(dir, []string{"contact"}, local, clock); err != nil || len(again) != 0 {
		t.Errorf("a fresh certificate was issued again: %v, %v", again, err)
	}
}

func TestServiceOf_andPermissions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := issued(t, dir, time.Now(), "contact")["contact"]
	if name, ok := ServiceOf(id.current().Leaf); !ok || name != "contact" {
		t.Errorf("got %q, %v", name, ok)
	}
	for _, key := range []string{"ca.key", "contact.key"} {
		info, err := os.Stat(filepath.Join(dir, key))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", key, info.Mode(), err)
		}
	}
	// The authority's own certificate names no service: it must not pass as one.
	_, err := Load(Files{Cert: filepath.Join(dir, "ca.crt"), Key: filepath.Join(dir, "ca.key"), Authority: filepath.Join(dir, "ca.crt")})
	if err == nil {
		t.Error("a certificate without a service was taken")
	}
}
