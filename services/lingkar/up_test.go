package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
)

// TestUp_demo does what the README's quick start does: start with the demo
// company, look at a customer from the Customer ID alone (A14), over the command
// line and over REST, bring a file in, and stop. A second start finds all of it.
func TestUp_demo(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := up(t, dir, "--demo")
	view := s.run(t, "360", "C-000001", "--limit", "100")
	for _, want := range []string{"C-000001  Siti Rahayu", "partner", "Beans arrived stale", "in person", "phone", "email", "web", "chat", "mobile", "letter"} {
		if !strings.Contains(view, want) {
			t.Errorf("the view lacks %q:\n%s", want, view)
		}
	}
	if code, body := s.get(t, "/v1/customers/C-000001:view"); code != 200 || !strings.Contains(body, `"customerId":"C-000001"`) {
		t.Errorf("REST answers %d: %.300s", code, body)
	}
	testkit.Prove(t, testkit.GRPC, "A14", "CON-25")
	testkit.Prove(t, testkit.OverREST, "A14", "CON-25")

	file := filepath.Join(t.TempDir(), "contacts.csv")
	if err := os.WriteFile(file, []byte("Record ID,First Name,Email\n1,Ratih,ratih@example.com\n2,,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := lastLine(s.run(t, "import", "contacts", file, "--output", "json")); got != `{"rows":2,"created":1,"updated":0,"skipped":1,"failed":0}` {
		t.Errorf("import answers %s", got)
	}
	if out, err := s.try("up"); err == nil || !strings.Contains(out, "already up") {
		t.Errorf("a second up on the directory: %v\n%s", err, out)
	}
	if out := s.run(t, "doctor"); strings.Contains(out, "✗") || !strings.Contains(out, "contact: http://127.0.0.1:") {
		t.Errorf("doctor:\n%s", out)
	}
	if out := s.run(t, "rebuild", "--compare"); !strings.Contains(out, "identical") || strings.Contains(out, "DIFFERENT") {
		t.Errorf("rebuild:\n%s", out)
	}
	otherTenant(t, s)
	s.stop(t)
	withoutKEK(t, s)

	again := up(t, dir, "--demo")
	if again.Token != s.Token || again.Tenant != s.Tenant {
		t.Error("another token or tenant after a restart")
	}
	if view := again.run(t, "360", "C-000001"); !strings.Contains(view, "Siti Rahayu") {
		t.Errorf("after a restart:\n%s", view)
	}
	again.stop(t)
}

// withoutKEK expects a suite that holds sealed data not to start without the key that
// wraps its keys, or with another one, and puts the key back.
func withoutKEK(t *testing.T, s *suite) {
	t.Helper()
	file := filepath.Join(s.dir, "secrets", "keys_kek")
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refuses := func(what string) {
		t.Helper()
		out, err := s.try("up", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
		if last := lastLine(out); err == nil || !strings.Contains(last, file) || !strings.Contains(last, "restore") {
			t.Errorf("up with %s key-encryption key: %v, want one line that names the file\n%s", what, err, out)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	refuses("no")
	if err := os.WriteFile(file, []byte(strings.Repeat("0a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses("another")
	if err := os.WriteFile(file, kept, 0o600); err != nil {
		t.Fatal(err)
	}
}

// otherTenant makes a second tenant and expects it to see nothing of the first.
func otherTenant(t *testing.T, s *suite) {
	t.Helper()
	var made struct{ Tenant, Token string }
	if err := json.Unmarshal([]byte(s.run(t, "tenant", "create", "Another company", "--output", "json")), &made); err != nil {
		t.Fatal(err)
	}
	out, err := s.try("360", "C-000001", "--server", s.GRPC, "--token", made.Token)
	if err == nil || strings.Contains(out, "Siti") {
		t.Errorf("another tenant sees the customer: %v\n%s", err, out)
	}
}

// TestUp_refusals expects one clear line and an exit code that is not 0.
func TestUp_refusals(t *testing.T) {
	t.Parallel()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := &suite{dir: filepath.Join(t.TempDir(), "none")}
	cases := []struct {
		name, want string
		s          *suite
		args       []string
	}{
		{"a directory of somebody else", "not empty", &suite{dir: foreign}, []string{"up"}},
		{"a port that is none", "--http", empty, []string{"up", "--http", "nowhere:99999"}},
		{"no suite", "lingkar up", empty, []string{"360", "C-000001"}},
		{"an unknown kind", "contacts, leads", empty, []string{"import", "unicorns", "x.csv"}},
		{"an unknown flag", "unknown flag", empty, []string{"up", "--fast"}},
		{"an unknown output", "text or json", empty, []string{"360", "C-1", "--output", "xml"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, err := c.s.try(c.args...)
			if err == nil || !strings.Contains(out, c.want) || strings.Count(strings.TrimSpace(out), "\n") > 0 {
				t.Errorf("%v, want one line with %q:\n%s", err, c.want, out)
			}
		})
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}
