package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/durable"
)

// The files of a directory of certificates, beside <service>.crt and
// <service>.key.
const (
	AuthorityCert = "ca.crt"
	AuthorityKey  = "ca.key"
)

// IssueAll brings a directory to the state that every service has a certificate
// of the directory's authority that need not be renewed yet. It makes the
// authority where there is none, and answers the services that it issued
// certificates to. Hosts answers where a service is reached.
func IssueAll(dir string, services []string, hosts func(service string) []string, now time.Time) ([]string, error) {
	if err := durable.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	authority, err := authorityIn(dir, now)
	if err != nil {
		return nil, err
	}
	var issued []string
	for _, service := range services {
		if fresh(filepath.Join(dir, service+".crt"), now) {
			continue
		}
		cert, key, err := authority.Issue(service, hosts(service), now)
		if err != nil {
			return issued, fmt.Errorf("issue a certificate to %s: %w", service, err)
		}
		if err := writePair(dir, service, cert, key); err != nil {
			return issued, err
		}
		issued = append(issued, service)
	}
	return issued, nil
}

func authorityIn(dir string, now time.Time) (*Authority, error) {
	cert, err := os.ReadFile(filepath.Join(dir, AuthorityCert))
	if errors.Is(err, fs.ErrNotExist) {
		return newAuthorityIn(dir, now)
	}
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(dir, AuthorityKey))
	if err != nil {
		return nil, err
	}
	return ParseAuthority(cert, key)
}

func newAuthorityIn(dir string, now time.Time) (*Authority, error) {
	authority, err := NewAuthority(now)
	if err != nil {
		return nil, err
	}
	cert, key, err := authority.PEM()
	if err != nil {
		return nil, err
	}
	return authority, writePair(dir, "ca", cert, key)
}

// fresh says whether the file holds a certificate that need not be renewed yet.
func fresh(path string, now time.Time) bool {
	content, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	cert, err := parseCertificate(content)
	return err == nil && now.Add(RenewBefore).Before(cert.NotAfter)
}

// writePair writes the key first: who sees the new certificate finds its key.
func writePair(dir, name string, cert, key []byte) error {
	if err := durable.WriteFile(filepath.Join(dir, name+".key"), key, 0o600); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, name+".crt"), cert, 0o644)
}
