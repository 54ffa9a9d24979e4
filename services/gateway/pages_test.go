package gateway_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/httprule"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

func TestPages_needNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Prove(t, testkit.OverREST, "PLT-28")
	b := newBrowser(t, suite)
	b.token = ""
	for path, kind := range map[string]string{
		"/docs/": "text/html", "/docs/docs.css": "text/css", "/docs/docs.js": "text/javascript", "/openapi.json": "application/json",
		"/healthz": "text/plain", "/readyz": "text/plain",
	} {
		a := b.do("GET", path, "")
		if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), kind) || a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s answers %d %v", path, a.StatusCode, a.Header)
		}
		if strings.HasPrefix(path, "/docs") && (strings.Contains(a.text, "//cdn") || strings.Contains(a.text, "https://")) {
			t.Errorf("%s loads something from elsewhere", path)
		}
	}
	if policy := b.do("GET", "/docs/", "").Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy of the page is %q", policy)
	}
	if root := b.do("GET", "/", ""); root.StatusCode != 302 || root.Header.Get("Location") != "/docs/" {
		t.Errorf("/ answers %d %v", root.StatusCode, root.Header)
	}
	etag := b.do("GET", "/openapi.json", "").Header.Get("ETag")
	if a := b.do("GET", "/openapi.json", "", "If-None-Match", etag); a.StatusCode != 304 {
		t.Errorf("the document is sent again: %d", a.StatusCode)
	}
}

// Every RPC with an HTTP rule is in the document, and has a route at the door.
func TestHTTP_offersEveryRule(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Prove(t, testkit.OverREST, "PLT-28")
	b := newBrowser(t, suite)
	b.token = ""
	paths := b.do("GET", "/openapi.json", "").body["paths"].(map[string]any)
	documented := map[string]bool{}
	for path, item := range paths {
		for verb := range item.(map[string]any) {
			documented[strings.ToUpper(verb)+" "+shapeOf(path)] = true
		}
	}
	b = newBrowser(t, suite, auth.Portal)
	for binding := range rules(t) {
		verb, path, _ := strings.Cut(binding, " ")
		if !documented[verb+" "+path] {
			t.Errorf("%s is not in the document", binding)
		}
		// What is refused for its parameter has a route, and its rule was found.
		if a := b.do(verb, strings.ReplaceAll(path, "{}", "x")+"?nonsense=1", ""); a.body["reason"] != "FIELD_UNKNOWN" {
			t.Errorf("%s answers %s", binding, a.text)
		}
	}
}

// shapeOf writes a path with its variables unnamed.
func shapeOf(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if from, to := strings.IndexByte(s, '{'), strings.IndexByte(s, '}'); from >= 0 && to > from {
			segments[i] = s[:from] + "{}" + s[to+1:]
		}
	}
	return strings.Join(segments, "/")
}

// rules are the HTTP rules of our services.
func rules(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(file.Package()), "lingkar.") {
			return true
		}
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				bindings, err := httprule.Of(methods.Get(j))
				if err != nil {
					t.Fatal(err)
				}
				for _, b := range bindings {
					found[b.Verb+" "+ruleShape(b.Path.String())] = true
				}
			}
		}
		return true
	})
	if len(found) < 50 {
		t.Fatalf("only %v", slices.Collect(maps.Keys(found)))
	}
	return found
}

// ruleShape writes a rule's path as the document does: {name=teams/*} is
// teams/{}.
func ruleShape(path string) string {
	var b strings.Builder
	for path != "" {
		before, rest, ok := strings.Cut(path, "{")
		b.WriteString(before)
		if !ok {
			break
		}
		var variable string
		variable, path, _ = strings.Cut(rest, "}")
		_, captured, _ := strings.Cut(variable, "=")
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(captured, "**", "{}"), "*", "{}"))
	}
	return b.String()
}

// A client in TypeScript, compiled against the generated types, works against the
// gateway.
func TestTypeScript_callsTheGateway(t *testing.T) {
	t.Parallel()
	tools, err := filepath.Abs("../../deploy/tools/ts")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(tools, "node_modules", ".bin", "tsc")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tsc is not installed: run npm --prefix deploy/tools/ts ci")
		}
		t.Skip("tsc is not installed: run npm --prefix deploy/tools/ts ci")
	}
	suite := testkit.Start(t, gateway.Definition)
	testkit.Prove(t, testkit.OverREST, "PLT-28")
	out := t.TempDir()
	run(t, tools, filepath.Join("node_modules", ".bin", "tsc"), "--project", "tsconfig.json", "--outDir", out)
	compiled, err := os.ReadFile(filepath.Join(out, "deploy", "tools", "ts", "client.js"))
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(tools, "node_modules", "client-of-"+filepath.Base(filepath.Dir(out))+".mjs") // beside what it imports
	if err := os.WriteFile(script, compiled, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(script) })
	told := run(t, tools, "node", script, suite.HTTP, suite.Token(suite.As(auth.Admin)))
	for _, part := range []string{`"displayName":"Team in TypeScript"`, `"listed":1`, `"reason":"FIELD_INVALID"`} {
		if !strings.Contains(told, part) {
			t.Errorf("the client says %s, without %s", told, part)
		}
	}
}

func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}
