package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// lookAgain is how often the files are looked at for a renewed certificate.
const lookAgain = 10 * time.Second

// Files are where a service finds its certificate, its key and the certificate
// of the authority.
type Files struct{ Cert, Key, Authority string }

// Identity is the certificate that a service shows, and the authority that it
// believes. It is safe for concurrent use.
type Identity struct {
	files Files
	now   func() time.Time
	roots *x509.CertPool

	mu     sync.Mutex
	looked time.Time
	cert   *tls.Certificate
}

// Load reads the files. It looks for a renewed certificate every ten seconds
// while connections are made; one that cannot be read leaves it with what it has.
// The authority is read once: to replace it, put the old and the new one into its
// file, restart, and then renew the certificates.
func Load(files Files) (*Identity, error) {
	i := &Identity{files: files, now: time.Now, looked: time.Now(), roots: x509.NewCertPool()}
	authority, err := os.ReadFile(files.Authority)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	if !i.roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s holds no certificate", files.Authority)
	}
	i.cert, err = read(files)
	return i, err
}

func read(files Files) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if _, ok := ServiceOf(cert.Leaf); !ok {
		return nil, fmt.Errorf("the certificate %s names no service", files.Cert)
	}
	return &cert, nil
}

// current answers the certificate to show now.
func (i *Identity) current() *tls.Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now := i.now(); now.Sub(i.looked) >= lookAgain {
		i.looked = now
		if renewed, err := read(i.files); err == nil {
			i.cert = renewed
		}
	}
	return i.cert
}

// Check says whether the certificate has ended or should have been renewed by
// now.
func (i *Identity) Check(now time.Time) error {
	end := i.current().Leaf.NotAfter
	switch {
	case now.After(end):
		return fmt.Errorf("the certificate %s ended at %s", i.files.Cert, end.Format(time.RFC3339))
	case now.Add(RenewBefore / 2).After(end):
		return fmt.Errorf("the certificate %s ends at %s: renew it", i.files.Cert, end.Format(time.RFC3339))
	default:
		return nil
	}
}

// ServerTLS lets in services of the same authority alone.
func (i *Identity) ServerTLS() *tls.Config {
	c := i.FrontTLS()
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.VerifyConnection = namesService
	return c
}

// FrontTLS is that of the gateway: it also lets in callers who show no
// certificate. One that is shown must be of the same authority.
func (i *Identity) FrontTLS() *tls.Config {
	return &tls.Config{
		ClientAuth: tls.VerifyClientCertIfGiven,
		ClientCAs:  i.roots,
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return i.current(), nil
		},
		// A resumed session would skip the look at a certificate that has ended.
		SessionTicketsDisabled: true,
	}
}

// ClientTLS connects to services of the same authority alone.
func (i *Identity) ClientTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return i.current(), nil
		},
		RootCAs:          i.roots,
		VerifyConnection: namesService,
	}
}

// namesService refuses a certificate of our authority that names no service,
// such as the authority's own.
func namesService(state tls.ConnectionState) error {
	if len(state.PeerCertificates) > 0 {
		if _, ok := ServiceOf(state.PeerCertificates[0]); ok {
			return nil
		}
	}
	return errors.New("the other side's certificate names no service of ours")
}
