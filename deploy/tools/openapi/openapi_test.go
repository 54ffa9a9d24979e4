// Package openapi reads the generated OpenAPI document with a parser that has
// nothing to do with its generator. It is a module of its own, so that the parser
// is no dependency of the product.
package openapi

import (
	"os"
	"testing"

	"github.com/pb33f/libopenapi"
)

func TestDocument_isReadByAnotherParser(t *testing.T) {
	t.Parallel()
	path := os.Getenv("LINGKAR_OPENAPI_FILE") // another document, such as that of a tenant
	if path == "" {
		path = "../../../proto/gen/openapi/lingkar.json"
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(data)
	if err != nil {
		t.Fatal(err)
	}
	if version := document.GetVersion(); version != "3.1.0" {
		t.Errorf("version %s, want 3.1.0", version)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatalf("the document does not build: %v", err)
	}
	operations := 0
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for verb, operation := range item.GetOperations().FromOldest() {
			operations++
			if operation.Responses == nil || operation.Responses.Codes.GetOrZero("200") == nil {
				t.Errorf("%s %s has no answer", verb, path)
			}
		}
	}
	if operations < 50 {
		t.Errorf("read %d operations only", operations)
	}
}
