package main_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"

	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// compose is what matters here of docker-compose.yml.
type compose struct {
	Services map[string]struct {
		Image       string
		Ports       []string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		Environment map[string]string
		HealthCheck struct{ Test []string } `yaml:"healthcheck"`
		Build       struct{ Args map[string]string }
	}
	Volumes map[string]any
}

func readCompose(t *testing.T) compose {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// processes are the services that compose builds from this repository and runs.
func (c compose) processes() []string {
	var names []string
	for name, s := range c.Services {
		if service := s.Build.Args["SERVICE"]; service != "" && service != "lingkar" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestCompose_hardened checks what no process shows: that every container is
// read-only and without capabilities, and that only the gateway and Grafana
// publish a port, on loopback.
func TestCompose_hardened(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	if got := c.processes(); len(got) != 6 {
		t.Fatalf("compose runs %v", got)
	}
	for name, s := range c.Services {
		if !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s keeps capabilities", name)
		}
		if !s.ReadOnly && name != "nats-volume" {
			t.Errorf("%s may write to its own files", name)
		}
		for _, port := range s.Ports {
			if (name != "gateway" && name != "grafana") || !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s", name, port)
			}
		}
		if strings.HasSuffix(s.Image, ":latest") || !strings.Contains(s.Image, ":") {
			t.Errorf("%s is of no version: %s", name, s.Image)
		}
	}
}

// TestCompose_apart runs the services as compose does: one process each, with
// the environment that stands in docker-compose.yml, with secrets from files and
// mTLS between them. Only addresses and paths are this machine's.
func TestCompose_apart(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	a := startApart(t, c)
	lingkar := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(binary, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("lingkar %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	lingkar("setup", "--dir", a.secrets, "--postgres", a.postgres)
	a.startStores(t)
	lingkar("migrate", "--secrets", a.secrets, "--nats", "nats://"+a.nats)
	for _, name := range c.processes() {
		a.startProcess(t, c, name)
	}
	a.awaitHealthy(t, c)
	out := lingkar("tenant", "create", "Apart", "--secrets", a.secrets, "--output", "json")
	token := strings.Split(strings.Split(out, `"token":"`)[1], `"`)[0]
	s := &suite{ready: ready{HTTP: "http://" + a.ports["gateway/http"], Token: token}}
	testkit.Eventually(t, func() error {
		code, body := s.get(t, "/v1/contacts")
		if code != 200 {
			return fmt.Errorf("REST answers %d: %s", code, body)
		}
		return nil
	})
	// The command line talks to the gateway's port by the suite's own authority, and
	// to no other.
	views := []string{"export", "contacts", "--server", a.ports["gateway"], "--token", token}
	lingkar(append(views, "--ca", filepath.Join(a.secrets, "operator", "ca.crt"))...)
	if out, err := exec.Command(binary, append(views, "--ca", filepath.Join(a.secrets, "operator", "tls.crt"))...).CombinedOutput(); err == nil {
		t.Errorf("a server of another authority is believed: %s", out)
	}
	if code, body := s.get(t, "/v1/freshness"); code != 200 && code != 403 {
		t.Errorf("the way through to analytics answers %d: %s", code, body)
	}
}

// apart is where the processes run.
type apart struct {
	secrets, bin, postgres string
	nats                   string
	ports                  map[string]string
	dir                    string
}

func startApart(t *testing.T, c compose) *apart {
	t.Helper()
	dir := filepath.Dir(dataDir(t))
	a := &apart{dir: dir, secrets: filepath.Join(dir, "secrets"), bin: filepath.Join(dir, "bin"), ports: map[string]string{}}
	for _, name := range c.processes() {
		out, err := exec.Command("go", "build", "-o", filepath.Join(a.bin, name), "../"+name+"/cmd/"+name).CombinedOutput()
		if err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	places := free(t, 2+3*len(c.processes()))
	a.postgres, a.nats = places[0], places[1]
	for i, name := range c.processes() {
		of := places[2+3*i:]
		a.ports[name], a.ports[name+"/admin"], a.ports[name+"/http"] = of[0], of[1], of[2]
	}
	return a
}

// startStores starts PostgreSQL with the password that setup made, and NATS.
func (a *apart) startStores(t *testing.T) {
	t.Helper()
	_, pgPort, _ := net.SplitHostPort(a.postgres)
	var port int
	if _, err := fmt.Sscan(pgPort, &port); err != nil {
		t.Fatal(err)
	}
	pg, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(a.dir, "postgres"), Port: port, UnsafeFast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := pg.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	// The container takes its superuser's password from setup; here setup's
	// administrator is told the one that this server made.
	if err := os.WriteFile(filepath.Join(a.secrets, "operator", "admin_url"), []byte(pg.URL("postgres")), 0o600); err != nil {
		t.Fatal(err)
	}
	a.startBroker(t)
}

// startBroker starts NATS by the configuration that compose gives it, with the users
// that setup wrote. Only addresses and paths are this machine's.
func (a *apart) startBroker(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nats", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(a.nats)
	conf := strings.NewReplacer(`"secrets/users.conf"`, `"secrets/nats/users.conf"`, "port: 4222", "host: 127.0.0.1, port: "+port, `http: "127.0.0.1:8222"`, "",
		"store_dir: /data", "store_dir: "+filepath.Join(a.dir, "nats")).Replace(string(raw))
	path := filepath.Join(a.dir, "nats.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	broker, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	t.Cleanup(func() {
		broker.Shutdown()
		broker.WaitForShutdown()
	})
	if !broker.ReadyForConnections(10 * time.Second) {
		t.Fatal("the broker is not ready")
	}
}

// environment is compose's, with this machine's addresses and paths.
func (a *apart) environment(c compose, name string) []string {
	var env []string
	values := maps.Clone(c.Services[name].Environment)
	values["LINGKAR_OTLP"] = ""
	values["LINGKAR_NATS_URL"] = "nats://" + a.nats
	for key, value := range values {
		value = strings.ReplaceAll(value, "/run/secrets/lingkar", filepath.Join(a.secrets, name))
		switch key {
		case "LINGKAR_LISTEN":
			value = a.ports[name]
		case "LINGKAR_ADMIN_LISTEN":
			value = a.ports[name+"/admin"]
		case "LINGKAR_HTTP_LISTEN":
			value = a.ports[name+"/http"]
		case "LINGKAR_TARGETS":
			for _, other := range c.processes() {
				_, port, _ := net.SplitHostPort(a.ports[other])
				value = strings.ReplaceAll(value, "="+other+":9090", "=localhost:"+port)
			}
		}
		env = append(env, key+"="+value)
	}
	return append(env, "PATH="+os.Getenv("PATH"))
}

func (a *apart) startProcess(t *testing.T, c compose, name string) {
	t.Helper()
	log := &syncBuffer{}
	cmd := exec.Command(filepath.Join(a.bin, name))
	cmd.Env, cmd.Stderr, cmd.Stdout = a.environment(c, name), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s logged:\n%.4000s", name, log)
		}
	})
}

// awaitHealthy asks each process by its own health check, as compose does.
func (a *apart) awaitHealthy(t *testing.T, c compose) {
	t.Helper()
	for _, name := range c.processes() {
		check := c.Services[name].HealthCheck.Test
		if len(check) != 3 || check[1] != "/service" {
			t.Fatalf("%s is checked by %v", name, check)
		}
		deadline := time.Now().Add(90 * time.Second)
		for {
			cmd := exec.Command(filepath.Join(a.bin, name), check[2])
			cmd.Env = a.environment(c, name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is not healthy: %v\n%s", name, err, out)
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
}

// free answers so many addresses of this machine that nobody listens on. The ports are
// not of the range from which the system takes ports for others at any moment.
func free(t *testing.T, n int) (addresses []string) {
	t.Helper()
	for range 100 * n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000)))
		if err != nil {
			continue
		}
		defer l.Close() // only when all are found: none is answered twice
		if addresses = append(addresses, l.Addr().String()); len(addresses) == n {
			return addresses
		}
	}
	t.Fatalf("there are no %d free ports", n)
	return nil
}
