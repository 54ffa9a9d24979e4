package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/secrets"
)

// equip makes the arrows of one process, and the environment that leads it over
// them.
func (c *Cluster) equip(s *Service, ends map[string][]string) error {
	postgres, err := c.link(s.Name, PostgresName, local(c.Postgres.port))
	if err != nil {
		return err
	}
	broker, err := c.link(s.Name, BrokerName, local(c.Broker.port))
	if err != nil {
		return err
	}
	var targets []string
	for _, d := range fleet.All() {
		l, err := c.link(s.Name, d.Area, ends[d.Area]...)
		if err != nil {
			return err
		}
		targets = append(targets, fmt.Sprintf("%s=localhost:%d", d.Area, l.Port()))
	}
	dir, err := c.urls(s, postgres.Port())
	if err != nil {
		return err
	}
	own := c.Secrets.Dir + "/" + s.service + "/"
	env := []string{
		"PATH=" + os.Getenv("PATH"), "GOMEMLIMIT=460MiB",
		"LINGKAR_LISTEN=" + s.grpc, "LINGKAR_ADMIN_LISTEN=" + s.admin,
		"LINGKAR_DATABASE_APP_URL_FILE=" + filepath.Join(dir, secrets.AppURL),
		"LINGKAR_DATABASE_SYSTEM_URL_FILE=" + filepath.Join(dir, secrets.SystemURL),
		"LINGKAR_PAGE_KEY_FILE=" + own + secrets.PageKey, "LINGKAR_ISSUER_KEY_FILE=" + own + secrets.IssuerKey,
		"LINGKAR_TLS_CERT=" + own + "tls.crt", "LINGKAR_TLS_KEY=" + own + "tls.key", "LINGKAR_TLS_CA=" + own + "ca.crt",
		"LINGKAR_NATS_URL=nats://" + local(broker.Port()), "LINGKAR_NATS_SEED_FILE=" + own + secrets.NATSSeed, "LINGKAR_TARGETS=" + strings.Join(targets, ","),
	}
	if level := os.Getenv("LINGKAR_LOG_LEVEL"); level != "" {
		env = append(env, "LINGKAR_LOG_LEVEL="+level)
	}
	if s.front {
		env = append(env, "LINGKAR_HTTP_LISTEN="+s.http,
			"LINGKAR_WEBHOOKS_KEK_FILE="+own+secrets.KEK, "LINGKAR_WEBHOOK_ALLOW_PRIVATE=true")
	}
	if _, err := os.Stat(filepath.Join(dir, secrets.KeysURL)); err == nil {
		env = append(env, "LINGKAR_KEYS_DATABASE_URL_FILE="+filepath.Join(dir, secrets.KeysURL), "LINGKAR_KEYS_KEK_FILE="+own+secrets.KEK)
	}
	s.process = &process{
		name: s.Name, log: c.Path("logs", s.Name+".log"), program: c.options.Program,
		args: []string{"serve", s.service}, env: append(env, c.options.Environment...),
	}
	return nil
}

// urls writes how the process reaches its databases over its own arrow, and
// answers where.
func (c *Cluster) urls(s *Service, port int) (string, error) {
	dir := c.Path("services", s.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{secrets.AppURL, secrets.SystemURL, secrets.KeysURL} {
		raw, err := os.ReadFile(filepath.Join(c.Secrets.Dir, s.service, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		u, err := url.Parse(strings.TrimSpace(string(raw)))
		if err != nil {
			return "", err
		}
		u.Host = local(port)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(u.String()), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts answers ports that nobody listens on and that were not answered before,
// outside of the range from which the system takes ports for others at any moment.
func (c *Cluster) freePorts(n int) ([]int, error) {
	var ports []int
	for range 200 {
		port := 20_000 + rand.IntN(10_000)
		if c.ports[port] {
			continue
		}
		l, err := net.Listen("tcp", local(port))
		if err != nil {
			continue
		}
		defer l.Close()
		c.ports[port] = true
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("there are no %d free ports between 20000 and 30000 on 127.0.0.1", n)
}
