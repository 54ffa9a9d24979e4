// Package archtest holds the map of who may import whom, as a test: data flows
// one way, and a line of code knows its room (CONTRIBUTING.md, "Layout").
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const root = "github.com/lingkar-crm/lingkar/"

// domainMay lists what a domain package may import beside the standard library
// and its siblings.
var domainMay = []string{
	"github.com/google/uuid",
	root + "pkg/entity",
	root + "pkg/errs",
	root + "pkg/lifecycle",
	root + "pkg/money",
	root + "pkg/text",
}

// wiring is the table of who needs what of whom, which all services share.
const wiring = "services/internal/wiring"

// pkg is the part of go list's answer that matters here.
type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", root+"pkg/...", root+"services/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestImports checks every package of pkg and services against the rules.
func TestImports(t *testing.T) {
	t.Parallel()
	all := packages(t)
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	for _, p := range all {
		for _, imported := range p.Imports {
			if why := forbidden(strings.TrimPrefix(p.ImportPath, root), imported); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
}

// TestRulesRefuse shows that the rules refuse what they are made for.
func TestRulesRefuse(t *testing.T) {
	t.Parallel()
	cases := []struct{ from, to string }{
		{"pkg/record", root + "services/contact"},
		{"services/contact/internal/contact", "github.com/jackc/pgx/v5"},
		{"services/contact/internal/contact", root + "proto/gen/go/lingkar/contact/v1"},
		{"services/contact/internal/store", root + "services/contact/internal/server"},
		{"services/contact/internal/server", "github.com/jackc/pgx/v5"},
		{"services/contact", root + "services/analytics"},
	}
	for _, c := range cases {
		if forbidden(c.from, c.to) == "" {
			t.Errorf("%s may import %s, and must not", c.from, c.to)
		}
	}
	if why := forbidden("services/contact/internal/server", root+"services/contact/internal/store"); why != "" {
		t.Errorf("server must be able to import store: %s", why)
	}
}

// forbidden says why the package at path from, relative to the root of the
// repository, must not import to; empty when it may.
func forbidden(from, to string) string {
	own := strings.HasPrefix(to, root)
	local := strings.TrimPrefix(to, root)
	parts := strings.Split(from, "/")
	switch {
	case parts[0] == "pkg" && own && strings.HasPrefix(local, "services/"):
		return "pkg knows no service"
	case parts[0] != "services" || len(parts) < 2:
		return ""
	case parts[1] == "lingkar" || parts[1] == "internal":
		return ""
	}
	service := "services/" + parts[1]
	if own && strings.HasPrefix(local, "services/") && !strings.HasPrefix(local, service) && local != wiring {
		return "a service reaches another through proto/gen only"
	}
	if len(parts) < 4 || parts[2] != "internal" {
		return ""
	}
	return inside(service+"/internal/", parts[3], to, local)
}

// inside holds the rules between the rooms of one service: room is the directory
// below internal that imports to.
func inside(internal, room, to, local string) string {
	pgx := strings.HasPrefix(to, "github.com/jackc/pgx")
	switch room {
	case "server":
		if pgx {
			return "SQL belongs to store"
		}
	case "store":
		if strings.HasPrefix(local, internal+"server") {
			return "store does not know who calls it"
		}
	default:
		return domain(internal, to, local)
	}
	return ""
}

// domain holds the rules of a domain package.
func domain(internal, to, local string) string {
	standard := !strings.Contains(strings.Split(to, "/")[0], ".")
	sibling := strings.HasPrefix(local, internal) &&
		!strings.HasPrefix(local, internal+"store") && !strings.HasPrefix(local, internal+"server")
	if standard || sibling || slices.Contains(domainMay, to) {
		return ""
	}
	return fmt.Sprintf("a domain package holds rules only; it may import the standard library, its siblings and %s",
		strings.ReplaceAll(strings.Join(domainMay, ", "), root, ""))
}
