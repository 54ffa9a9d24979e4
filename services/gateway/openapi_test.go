package gateway_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// at answers what stands at the keys of a JSON document.
func at(t *testing.T, v any, keys ...string) any {
	t.Helper()
	for _, key := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("there is no %s in %v", key, v)
		}
		v = m[key]
	}
	return v
}

// CON-10 and CON-27: the document of a tenant knows its custom fields, and another
// parser than that of its maker reads it.
func TestOpenAPI_knowsTheTenantsFields(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, contact.Definition, gateway.Definition)
	testkit.Prove(t, testkit.OverREST, "CON-27")
	caller, other := suite.User(entity.NewID(), "ann", auth.Admin), suite.User(entity.NewID(), "otto", auth.Admin)
	client := suite.Client(t, caller)
	fields := contactv1.NewCustomFieldServiceClient(client.Conn)
	if _, err := fields.ApplyIndustryPack(client.Ctx(), &contactv1.ApplyIndustryPackRequest{Name: "industryPacks/banking"}); err != nil {
		t.Fatal(err)
	}
	own := newBrowser(t, suite)
	own.token = suite.Token(caller)
	document := own.do("GET", "/v1/openapi.json", "")
	if document.StatusCode != 200 {
		t.Fatalf("answers %d %s", document.StatusCode, document.text)
	}
	custom := at(t, document.body, "components", "schemas", "lingkar.contact.v1.Contact", "properties", "customFields")
	for key, want := range map[string]any{"kyc_review_date": "date", "banking_segment": nil} {
		if got := at(t, custom, "properties", key, "format"); got != want {
			t.Errorf("%s has the format %v, want %v", key, got, want)
		}
	}
	if ref := at(t, custom, "properties", "credit_limit", "$ref"); ref != "#/components/schemas/google.type.Money" {
		t.Errorf("the credit limit is %v", ref)
	}
	if options := at(t, custom, "properties", "risk_profile", "enum"); len(options.([]any)) != 3 {
		t.Errorf("the risk profiles are %v", options)
	}
	if again := own.do("GET", "/v1/openapi.json", "", "If-None-Match", document.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("the document is sent again: %d", again.StatusCode)
	}
	foreign := newBrowser(t, suite)
	foreign.token = suite.Token(other)
	theirs := foreign.do("GET", "/v1/openapi.json", "")
	if found := at(t, theirs.body, "components", "schemas", "lingkar.contact.v1.Contact", "properties", "customFields", "properties"); len(found.(map[string]any)) != 0 {
		t.Errorf("another tenant's document has %v", found)
	}
	foreign.token = ""
	if a := foreign.do("GET", "/v1/openapi.json", ""); a.StatusCode != 401 {
		t.Errorf("without a token: %d", a.StatusCode)
	}
	readByAnother(t, document.text)
}

// readByAnother lets the parser of deploy/tools/openapi read a document.
func readByAnother(t *testing.T, document string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-run", "TestDocument_isReadByAnotherParser", ".")
	cmd.Dir = filepath.Join("..", "..", "deploy", "tools", "openapi")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false", "LINGKAR_OPENAPI_FILE="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
