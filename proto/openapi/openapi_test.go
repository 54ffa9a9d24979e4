package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	contracts "github.com/lingkar-crm/lingkar/proto"
)

func published(t *testing.T) object {
	t.Helper()
	var doc object
	if err := json.Unmarshal(contracts.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDocument_refersOnlyToWhatItHas(t *testing.T) {
	t.Parallel()
	doc := published(t)
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case object:
			if ref, ok := v["$ref"].(string); ok && !resolves(doc, ref) {
				t.Errorf("%s leads nowhere", ref)
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(doc)
}

func resolves(doc object, ref string) bool {
	var at any = doc
	for _, key := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		o, ok := at.(object)
		if !ok {
			return false
		}
		at = o[key]
	}
	return at != nil
}

// OpenAPI takes two paths that differ in the names of their variables for one.
func TestDocument_namesEachPathOnce(t *testing.T) {
	t.Parallel()
	seen, ids := map[string]string{}, map[string]string{}
	for path, item := range published(t)["paths"].(object) {
		shape := variable.ReplaceAllString(path, "{}")
		if other, ok := seen[shape]; ok {
			t.Errorf("%s and %s are one path", path, other)
		}
		seen[shape] = path
		for verb, operation := range item.(object) {
			op := operation.(object)
			id, _ := op["operationId"].(string)
			if other, ok := ids[id]; ok || id == "" {
				t.Errorf("%s %s and %s share the operation id %q", verb, path, other, id)
			}
			ids[id] = verb + " " + path
			if summary, _ := op["summary"].(string); summary == "" {
				t.Errorf("%s %s has no summary", verb, path)
			}
			checkParameters(t, verb+" "+path, path, op)
		}
	}
}

func checkParameters(t *testing.T, at, path string, operation object) {
	t.Helper()
	declared := map[string]bool{}
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		parameter := p.(object)
		if parameter["in"] == "path" {
			declared["{"+parameter["name"].(string)+"}"] = true
		}
	}
	for _, name := range variable.FindAllString(path, -1) {
		if !declared[name] {
			t.Errorf("%s does not describe %s", at, name)
		}
		delete(declared, name)
	}
	for name := range declared {
		t.Errorf("%s describes %s, which its path has not", at, name)
	}
}

func TestMerge_refusesContradictions(t *testing.T) {
	t.Parallel()
	part := func(text string) object {
		var o object
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	doc, err := newDocument()
	if err != nil {
		t.Fatal(err)
	}
	first := `{"paths": {"/v1/a/{name}": {"get": {}}}, "components": {"schemas": {"A": {"type": "string"}}}}`
	if err := doc.add(part(first), nil); err != nil {
		t.Fatal(err)
	}
	if err := doc.add(part(`{"components": {"schemas": {"A": {"type": "integer"}}}}`), nil); err == nil {
		t.Error("took two schemas of one name")
	}
	if err := doc.add(part(`{"paths": {"/v1/a/{name}": {"get": {}}}}`), nil); err == nil {
		t.Error("took two operations of one path")
	}
}

// The types are made of the document, and a client compiles against them.
func TestTypeScript_fitsTheDocument(t *testing.T) {
	t.Parallel()
	tools, err := filepath.Abs("../../deploy/tools/ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, needed := range []string{"openapi-typescript", "tsc"} {
		if _, err := os.Stat(filepath.Join(tools, "node_modules", ".bin", needed)); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not installed: run npm --prefix deploy/tools/ts ci", needed)
			}
			t.Skipf("%s is not installed: run npm --prefix deploy/tools/ts ci", needed)
		}
	}
	made := filepath.Join(t.TempDir(), "lingkar.d.ts")
	node(t, tools, "openapi-typescript", "../../../proto/gen/openapi/lingkar.json", "--output", made)
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../gen/ts/lingkar.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("proto/gen/ts/lingkar.d.ts is stale: run deploy/generate.sh")
	}
	node(t, tools, "tsc", "--project", "tsconfig.json", "--noEmit")
}

func node(t *testing.T, dir, tool string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join("node_modules", ".bin", tool), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
}
