package service_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/certs"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

func TestCommand_chores(t *testing.T) {
	var out bytes.Buffer
	if err := service.Command(t.Context(), sample(nil), []string{"version"}, &out); err != nil || !strings.HasPrefix(out.String(), "sales-force-automation ") {
		t.Errorf("got %q, %v", out.String(), err)
	}
	out.Reset()
	if err := service.Command(t.Context(), sample(nil), []string{"help"}, &out); err != nil || !strings.Contains(out.String(), "LINGKAR_DATABASE_APP_URL_FILE") {
		t.Errorf("got %q, %v", out.String(), err)
	}
	if err := service.Command(t.Context(), sample(nil), []string{"dance"}, &out); err == nil || !strings.Contains(err.Error(), "dance") {
		t.Errorf("got %v", err)
	}
	err := service.Command(t.Context(), sample(nil), nil, &out)
	if err == nil {
		t.Fatal("it runs without settings")
	}
	for _, want := range []string{"LINGKAR_DATABASE_APP_URL_FILE", "LINGKAR_NATS_URL", "LINGKAR_ISSUER_KEY_FILE", "LINGKAR_PAGE_KEY_FILE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

// secret puts content into a file and names it in the variable of a setting.
func secret(t *testing.T, setting, content string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LINGKAR_"+setting+"_FILE", path)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// processSettings sets everything that a process of the sample needs, and answers
// where it serves and the issuer of its tokens.
func processSettings(t *testing.T, dir string) (grpcAddr string, issuer *auth.Issuer) {
	t.Helper()
	broker := testkit.NATS(t)
	urls := testkit.Database(t, "sales", func(context.Context, string) error { return nil })
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret(t, "ISSUER_KEY", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	secret(t, "DATABASE_APP_URL", urls.App)
	secret(t, "DATABASE_SYSTEM_URL", urls.System)
	secret(t, "DATABASE_OWNER_URL", urls.Owner)
	secret(t, "PAGE_KEY", "sixteen bytes or more")
	grpcAddr = freeAddress(t)
	for name, value := range map[string]string{
		"LISTEN": grpcAddr, "ADMIN_LISTEN": freeAddress(t), "NATS_URL": broker.ConnectedUrl(), "DRAIN": "1ms", "LOG_LEVEL": "ERROR",
		"TLS_CERT": filepath.Join(dir, "sales.crt"), "TLS_KEY": filepath.Join(dir, "sales.key"), "TLS_CA": filepath.Join(dir, certs.AuthorityCert),
		"OIDC": `[{"issuer": "https://id.example", "jwks": "https://id.example/keys", "algorithms": ["RS256"]}]`,
	} {
		t.Setenv("LINGKAR_"+name, value)
	}
	return grpcAddr, auth.NewIssuer(key)
}

// A process reads its settings, migrates, serves over mutual TLS and ends when it
// is told to. Another authority's services, and plaintext, stay out.
func TestCommand_run(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	for _, dir := range []string{ours, theirs} {
		_, err := certs.IssueAll(dir, []string{"sales", "analytics"}, func(string) []string { return []string{"127.0.0.1"} }, time.Now())
		if err != nil {
			t.Fatal(err)
		}
	}
	addr, issuer := processSettings(t, ours)
	vault := testkit.Database(t, "vault", func(context.Context, string) error { return nil })
	if err := service.Command(t.Context(), further(), nil, os.Stdout); err == nil || !strings.Contains(err.Error(), "LINGKAR_VAULT_DATABASE_URL_FILE") || !strings.Contains(err.Error(), "LINGKAR_VAULT_WORD_FILE") {
		t.Errorf("without its further settings: %v", err)
	}
	secret(t, "VAULT_DATABASE_URL", vault.App)
	secret(t, "VAULT_DATABASE_OWNER_URL", vault.Owner)
	secret(t, "VAULT_WORD", "sesame")
	if err := service.Command(t.Context(), further(), []string{"migrate"}, os.Stdout); err != nil {
		t.Fatal(err)
	}
	if err := service.Command(t.Context(), sample(nil), []string{"healthcheck"}, os.Stdout); err == nil {
		t.Error("a process that does not run is healthy")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Command(ctx, further(), nil, os.Stdout) }()
	testkit.Eventually(t, func() error {
		return service.Command(t.Context(), sample(nil), []string{"healthcheck"}, os.Stdout)
	})

	caller := auth.Caller{Tenant: auth.NoTenant, Subject: "users/ann", Roles: []auth.Role{auth.Admin}}
	var err error
	if caller.Token, err = issuer.Mint(caller, time.Minute); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir  string
		code codes.Code
	}{"ours": {ours, codes.NotFound}, "theirs": {theirs, codes.Unavailable}, "plaintext": {"", codes.Unavailable}} {
		var o rpc.DialOptions
		if c.dir != "" {
			identity, err := certs.Load(certs.Files{
				Cert: filepath.Join(c.dir, "analytics.crt"), Key: filepath.Join(c.dir, "analytics.key"), Authority: filepath.Join(c.dir, certs.AuthorityCert),
			})
			if err != nil {
				t.Fatal(err)
			}
			o.TLS = identity.ClientTLS()
		}
		conn, err := rpc.Dial(addr, o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = salesv1.NewLeadServiceClient(conn).GetLead(auth.With(t.Context(), caller), &salesv1.GetLeadRequest{Name: "leads/x"})
		if errs.Code(err) != c.code {
			t.Errorf("%s: got %v, want %v", name, err, c.code)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("it ended by %v", err)
	}
}

func TestCommand_runRefusesBadSettings(t *testing.T) {
	dir := t.TempDir()
	if _, err := certs.IssueAll(dir, []string{"sales"}, func(string) []string { return nil }, time.Now()); err != nil {
		t.Fatal(err)
	}
	processSettings(t, dir)
	for name, c := range map[string]struct{ setting, value, want string }{
		"no TLS":            {"TLS_KEY", "", "LINGKAR_PLAINTEXT=true"},
		"both":              {"PLAINTEXT", "true", "choose one"},
		"a provider is us":  {"OIDC", `[{"issuer": "lingkar", "jwks": "https://x"}]`, "no provider may be called"},
		"a provider, HS256": {"OIDC", `[{"issuer": "https://x", "jwks": "https://x", "algorithms": ["HS256"]}]`, "HS256"},
		"no JSON":           {"OIDC", `issuer=x`, "LINGKAR_OIDC"},
		"a port twice":      {"ADMIN_LISTEN", os.Getenv("LINGKAR_LISTEN"), "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LINGKAR_"+c.setting, c.value)
			err := service.Command(t.Context(), sample(nil), nil, os.Stdout)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("an RSA key", func(t *testing.T) {
		secret(t, "ISSUER_KEY", "no PEM")
		if err := service.Command(t.Context(), sample(nil), nil, os.Stdout); err == nil || !strings.Contains(err.Error(), "LINGKAR_ISSUER_KEY_FILE") {
			t.Errorf("got %v", err)
		}
	})
}
