package service

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/broker"
	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/pkg/config"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/telemetry"
)

// settings are what Main reads from the environment.
type settings struct {
	Listen      string `env:"LISTEN" default:":9090" usage:"where gRPC is taken"`
	AdminListen string `env:"ADMIN_LISTEN" default:":9091" usage:"where metrics, health, profiles and the contracts are served, for operators alone"`
	HTTPListen  string `env:"HTTP_LISTEN" usage:"where HTTP is taken; the gateway needs it"`

	AppURL    string `env:"DATABASE_APP_URL" secret:"true" required:"true" usage:"the database as role app"`
	SystemURL string `env:"DATABASE_SYSTEM_URL" secret:"true" required:"true" usage:"the database as role relay"`
	OwnerURL  string `env:"DATABASE_OWNER_URL" secret:"true" usage:"the database as role owner; with it the service migrates when it starts"`
	PageKey   []byte `env:"PAGE_KEY" secret:"true" required:"true" usage:"authenticates page tokens; the same in all replicas"`

	NATS          string            `env:"NATS_URL" required:"true" usage:"the broker"`
	NATSSeed      []byte            `env:"NATS_SEED" secret:"true" usage:"the nkey seed by which the broker knows the service; a broker without users needs none"`
	NATSAuthority string            `env:"NATS_CA" usage:"the file with the authority of the broker's certificate"`
	Targets       map[string]string `env:"TARGETS" usage:"the other services, as area=host:port"`

	IssuerKey []byte `env:"ISSUER_KEY" secret:"true" required:"true" usage:"the Ed25519 key that signs our own tokens, PKCS 8 in PEM"`
	Retired   []byte `env:"RETIRED_ISSUER_KEYS" usage:"the public keys, in PEM, that signed before issuer_key: what they sealed of the audit log stays proven; they verify no token"`
	OIDC      []byte `env:"OIDC" usage:"trusted identity providers, as JSON: [{\"issuer\", \"jwks\", \"algorithms\", \"tenants\"}]"`

	Cert      string `env:"TLS_CERT" usage:"the file with the service's certificate"`
	Key       string `env:"TLS_KEY" usage:"the file with its key"`
	Authority string `env:"TLS_CA" usage:"the file with the authority of the services"`
	Plaintext bool   `env:"PLAINTEXT" default:"false" usage:"true leaves TLS between services out; on one machine only"`
	HTTPCert  string `env:"HTTP_TLS_CERT" usage:"the file with the certificate for HTTP; without it a proxy must do TLS"`
	HTTPKey   string `env:"HTTP_TLS_KEY" usage:"the file with its key"`

	OTLP   string     `env:"OTLP" usage:"a collector that takes OTLP over gRPC, such as http://collector:4317"`
	Sample float64    `env:"TRACE_SAMPLE" default:"0.05" usage:"the share of traces kept, 0 to 1"`
	Level  slog.Level `env:"LOG_LEVEL" default:"INFO" usage:"DEBUG, INFO, WARN or ERROR"`
	Places int        `env:"PLACES" default:"0" usage:"how many calls are worked on at a time; 0 stands for 64"`
	// Decisions is passed on to package rules, which knows the default.
	Decisions time.Duration `env:"RULE_DECISIONS_KEPT" default:"9600h" usage:"how long decisions of rules are kept"`
	Drain     time.Duration `env:"DRAIN" default:"3s" usage:"how long callers are told of a stop before it"`
}

// environment makes of the settings what Start needs. What it opened is closed by
// the function it answers.
func (s *settings) environment(ctx context.Context, d Definition) (env Environment, closeAll func(), err error) {
	var closers []func()
	closeAll = func() {
		for i := len(closers) - 1; i >= 0; i-- {
			closers[i]()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	env = Environment{
		AppURL: s.AppURL, SystemURL: s.SystemURL, OwnerURL: s.OwnerURL, PageKey: s.PageKey,
		Targets: s.Targets, Drain: s.Drain, RuleDecisionsKept: s.Decisions, Places: s.Places,
	}
	if err = further(d, &env); err != nil {
		return env, closeAll, err
	}
	if err = s.trust(&env); err != nil {
		return env, closeAll, err
	}
	if err = s.secure(&env, d.Front()); err != nil {
		return env, closeAll, err
	}
	env.Telemetry, err = telemetry.Start(ctx, telemetry.Options{
		Service: d.Name, Version: Version(), OTLP: s.OTLP, Sample: s.Sample, Level: s.Level,
	})
	if err != nil {
		return env, closeAll, err
	}
	env.Telemetry.Install()
	closers = append(closers, func() { flush(env.Telemetry) })
	if env.NATS, err = s.connect(d.Name); err != nil {
		return env, closeAll, err
	}
	closers = append(closers, env.NATS.Close)
	return env, closeAll, s.listen(&env)
}

// further reads what this service alone has: for a database "keys" the files named
// by LINGKAR_KEYS_DATABASE_URL_FILE and, where it is to migrate,
// LINGKAR_KEYS_DATABASE_OWNER_URL_FILE; for a secret "keys_kek" that named by
// LINGKAR_KEYS_KEK_FILE.
func further(d Definition, env *Environment) error {
	env.Databases, env.Secrets, env.SecretFiles = map[string]postgres.URLs{}, map[string][]byte{}, map[string]string{}
	var wrong []error
	for name := range d.Databases {
		prefix := strings.ToUpper(name) + "_DATABASE_"
		app, err := config.Secret(prefix+"URL", true)
		owner, other := config.Secret(prefix+"OWNER_URL", false)
		wrong = append(wrong, err, other)
		env.Databases[name] = postgres.URLs{App: app, Owner: owner}
	}
	for _, name := range d.Secrets {
		content, err := config.Secret(strings.ToUpper(name), true)
		wrong = append(wrong, err)
		env.Secrets[name], env.SecretFiles[name] = []byte(content), config.SecretFile(strings.ToUpper(name))
	}
	return errors.Join(wrong...)
}

func flush(t *telemetry.Telemetry) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := t.Shutdown(ctx); err != nil {
		slog.Warn("the last telemetry was not sent", "cause", err.Error())
	}
}

// trust makes the issuer and the verifier.
func (s *settings) trust(env *Environment) error {
	key, err := parseIssuerKey(s.IssuerKey)
	if err != nil {
		return err
	}
	env.Issuer = auth.NewIssuer(key)
	if env.RetiredKeys, err = parseRetired(s.Retired); err != nil {
		return err
	}
	trusted := []auth.TrustedIssuer{env.Issuer.Trusted()}
	providers, err := parseOIDC(s.OIDC)
	if err != nil {
		return err
	}
	env.Verifier, err = auth.NewVerifier(append(trusted, providers...)...)
	return err
}

func parseIssuerKey(content []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("LINGKAR_ISSUER_KEY_FILE is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("LINGKAR_ISSUER_KEY_FILE: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("LINGKAR_ISSUER_KEY_FILE holds no Ed25519 key")
	}
	return private, nil
}

// parseRetired reads public keys, one PEM block after the other.
func parseRetired(content []byte) (map[string]ed25519.PublicKey, error) {
	keys := map[string]ed25519.PublicKey{}
	for n := 1; len(bytes.TrimSpace(content)) > 0; n++ {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return nil, fmt.Errorf("LINGKAR_RETIRED_ISSUER_KEYS: key %d is not PEM", n)
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("LINGKAR_RETIRED_ISSUER_KEYS: key %d: %w", n, err)
		}
		public, ok := key.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("LINGKAR_RETIRED_ISSUER_KEYS: key %d is no public Ed25519 key", n)
		}
		keys[auth.KeyID(public)] = public
	}
	return keys, nil
}

func parseOIDC(content []byte) ([]auth.TrustedIssuer, error) {
	if len(content) == 0 {
		return nil, nil
	}
	var providers []struct {
		Issuer     string      `json:"issuer"`
		JWKS       string      `json:"jwks"`
		Algorithms []string    `json:"algorithms"`
		Tenants    []uuid.UUID `json:"tenants"`
	}
	if err := json.Unmarshal(content, &providers); err != nil {
		return nil, fmt.Errorf("LINGKAR_OIDC: %w", err)
	}
	var trusted []auth.TrustedIssuer
	for _, p := range providers {
		if p.Issuer == auth.Internal {
			return nil, fmt.Errorf("LINGKAR_OIDC: no provider may be called %q", auth.Internal)
		}
		trusted = append(trusted, auth.TrustedIssuer{Issuer: p.Issuer, JWKS: p.JWKS, Algorithms: p.Algorithms, Tenants: p.Tenants})
	}
	return trusted, nil
}

// secure makes the TLS settings between services.
func (s *settings) secure(env *Environment, front bool) error {
	given := s.Cert != "" || s.Key != "" || s.Authority != ""
	switch {
	case s.Plaintext && given:
		return errors.New("LINGKAR_PLAINTEXT is true, and there is a certificate: choose one")
	case s.Plaintext:
		return nil
	case s.Cert == "" || s.Key == "" || s.Authority == "":
		return errors.New("LINGKAR_TLS_CERT, LINGKAR_TLS_KEY and LINGKAR_TLS_CA must be set, or LINGKAR_PLAINTEXT=true")
	}
	identity, err := certs.Load(certs.Files{Cert: s.Cert, Key: s.Key, Authority: s.Authority})
	if err != nil {
		return err
	}
	if err := identity.Check(time.Now()); err != nil {
		slog.Warn(err.Error())
	}
	env.ServerTLS, env.ClientTLS = identity.ServerTLS(), identity.ClientTLS()
	if front {
		env.ServerTLS = identity.FrontTLS()
	}
	return nil
}

// connect makes the connection to the broker.
func (s *settings) connect(name string) (*nats.Conn, error) {
	options, err := broker.As(name, s.NATSSeed)
	if err != nil {
		return nil, err
	}
	if s.NATSAuthority != "" {
		options = append(options, nats.RootCAs(s.NATSAuthority))
	}
	conn, err := nats.Connect(s.NATS, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker: %w", err)
	}
	return conn, nil
}

// listen opens the listeners, all of them or none.
func (s *settings) listen(env *Environment) (err error) {
	defer func() {
		if err != nil {
			env.closeListeners()
		}
	}()
	if env.Listener, err = net.Listen("tcp", s.Listen); err != nil {
		return err
	}
	if env.AdminListener, err = net.Listen("tcp", s.AdminListen); err != nil {
		return err
	}
	if s.HTTPListen == "" {
		return nil
	}
	if env.HTTPListener, err = net.Listen("tcp", s.HTTPListen); err != nil || s.HTTPCert == "" {
		return err
	}
	cert, err := tls.LoadX509KeyPair(s.HTTPCert, s.HTTPKey)
	if err != nil {
		return fmt.Errorf("read the certificate for HTTP: %w", err)
	}
	env.HTTPListener = tls.NewListener(env.HTTPListener, &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"},
	})
	return nil
}
