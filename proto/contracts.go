// Package contracts carries the documents that are generated from the .proto
// files, so that a program can serve them. The contracts themselves are the .proto
// files beside it.
package contracts

import _ "embed"

// OpenAPI is the REST interface of all areas as one OpenAPI 3.1 document in JSON.
//
//go:embed gen/openapi/lingkar.json
var OpenAPI []byte
