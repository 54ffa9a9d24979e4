// Package home is the data directory of `lingkar up`: where the databases, the
// broker's files, the secrets and the token to try lie, and by which other
// commands find a running suite.
//
// One directory belongs to one running suite; Lock tells who has it. Secrets are
// made once, are readable by their owner alone, and are never printed, but for
// the token, which `up` shows on purpose.
package home

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/durable"
)

// Home is one data directory.
type Home struct {
	dir  string
	lock *os.File
}

// State is what a running suite tells others about itself.
type State struct {
	// HTTP is the address of REST: "http://127.0.0.1:8080".
	HTTP string `json:"http"`
	// GRPC is the address of gRPC: "127.0.0.1:9090".
	GRPC string `json:"grpc"`
	// Docs is the address of the documentation.
	Docs string `json:"docs"`
	// Token lets one try it. It is kept apart from the rest, in the file token.
	Token string `json:"token"`
	// Tenant is the tenant the token belongs to: "tenants/{uuid}".
	Tenant string `json:"tenant"`
	// PID is the process that runs the suite.
	PID int `json:"pid,omitempty"`
	// Private are the addresses of the services' private listeners, by service:
	// metrics, health, profiles and gRPC reflection.
	Private map[string]string `json:"private,omitempty"`
	// Platform is the database of tenants and keys, for making a tenant.
	Platform Database `json:"platform"`
}

// Database is how to reach a database as its roles app and relay.
type Database struct {
	App    string `json:"app"`
	System string `json:"system"`
}

// InUseError says that another process runs a suite on this directory.
type InUseError struct {
	// Dir is the directory.
	Dir string
	// State is what that suite tells; zero where it has not told yet.
	State State
}

// Error implements error.
func (e *InUseError) Error() string {
	if e.State.HTTP == "" {
		return fmt.Sprintf("another lingkar is starting on %s", e.Dir)
	}
	return fmt.Sprintf("lingkar is already up on %s: process %d serves %s", e.Dir, e.State.PID, e.State.HTTP)
}

// DefaultDir is where data lies unless told: $LINGKAR_DATA_DIR, else the user's
// own place for data; for root /var/lib/lingkar, because PostgreSQL refuses to
// run as root and the user it runs as cannot reach into /root.
func DefaultDir() string {
	if dir := os.Getenv("LINGKAR_DATA_DIR"); dir != "" {
		return dir
	}
	if os.Getuid() == 0 {
		return "/var/lib/lingkar"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "lingkar")
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return ".lingkar"
	}
	return filepath.Join(user, ".local", "share", "lingkar")
}

// Open makes the directory where it is missing. It refuses a directory that
// holds something else.
func Open(dir string) (*Home, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := refuseForeign(absolute); err != nil {
		return nil, err
	}
	// 0711: the user PostgreSQL runs as must be able to pass through.
	if err := durable.MkdirAll(absolute, 0o711); err != nil {
		return nil, fmt.Errorf("cannot make the data directory: %w", err)
	}
	return &Home{dir: absolute}, nil
}

// refuseForeign keeps us from scattering files into somebody's directory.
func refuseForeign(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot use the data directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		return fmt.Errorf("%s is not empty and no data directory of lingkar; name another with --data-dir", dir)
	}
	return nil
}

// Path is a place inside the directory.
func (h *Home) Path(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

// Secret answers the secret of this name, n random bytes, made at first use.
func (h *Home) Secret(name string, n int) ([]byte, error) {
	path := h.SecretPath(name)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h.newSecret(path, n)
	}
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(secret) != n {
		return nil, fmt.Errorf("%s is damaged: want %d bytes in hexadecimal", path, n)
	}
	return secret, nil
}

// SecretPath is the file of the secret of this name.
func (h *Home) SecretPath(name string) string { return h.Path("secrets", name) }

// Key is Secret for what stored data cannot be read without: once the suite was up
// with it, one that is missing is lost, and not made anew.
func (h *Home) Key(name string, n int) ([]byte, error) {
	path, made := h.SecretPath(name), filepath.Join("secrets", name+".made")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && h.Text(Introduced) != "" && h.Text(made) != "" {
		return nil, fmt.Errorf("%s is missing, and what is stored cannot be read without it: restore it from its backup (docs/operations.md, lost or wrong key-encryption key)", path)
	}
	secret, err := h.Secret(name, n)
	if err != nil || h.Text(made) != "" {
		return secret, err
	}
	return secret, h.WriteText(made, "once: not to be made again")
}

// Introduced is the text that is kept when the suite was up for the first time: its
// tenant.
const Introduced = "tenant"

func (h *Home) newSecret(path string, n int) ([]byte, error) {
	secret := make([]byte, n)
	_, _ = rand.Read(secret) // never fails, by its documentation
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return secret, durable.WriteFile(path, []byte(hex.EncodeToString(secret)+"\n"), 0o600)
}

// SigningKey is the key that signs the suite's own tokens.
func (h *Home) SigningKey() (ed25519.PrivateKey, error) {
	seed, err := h.Secret("issuer.key", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// WriteState tells other commands where the suite is. The token is kept by
// WriteText.
func (h *Home) WriteState(s State) error {
	s.Token, s.PID = "", os.Getpid()
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(h.Path("state.json"), append(raw, '\n'), 0o600)
}

// ReadState answers what the suite on this directory told last. It does not say
// whether that suite still runs: see Running.
func ReadState(dir string) (State, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		return State{}, err
	}
	var s State
	if err := json.Unmarshal(raw, &s); err != nil {
		return State{}, fmt.Errorf("%s is damaged: %w", filepath.Join(dir, "state.json"), err)
	}
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil {
		return State{}, err
	}
	s.Token = strings.TrimSpace(string(token))
	return s, nil
}

// Text answers what WriteText kept under the name, or "".
func (h *Home) Text(name string) string {
	raw, err := os.ReadFile(h.Path(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// WriteText keeps a line for later starts, readable by the owner alone.
func (h *Home) WriteText(name, line string) error {
	return durable.WriteFile(h.Path(name), []byte(line+"\n"), 0o600)
}
