// Package tailored answers the OpenAPI document as it is for one tenant: with the custom
// fields that the tenant has put on file, by their types.
//
// The document is that of the contract in all else. A caller who may not know of custom
// fields gets that of the contract. What a field requires stands in its description and
// not in the schema, because a change may leave every field out.
package tailored

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contracts "github.com/lingkar-crm/lingkar/proto"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// resources are the schemas of the records that have custom fields.
var resources = map[string]string{
	"contacts":      "lingkar.contact.v1.Contact",
	"leads":         "lingkar.sales.v1.Lead",
	"opportunities": "lingkar.sales.v1.Opportunity",
	"orders":        "lingkar.sales.v1.Order",
	"products":      "lingkar.sales.v1.Product",
	"relationships": "lingkar.contact.v1.Relationship",
	"tickets":       "lingkar.ticket.v1.Ticket",
}

// Documents answers documents.
type Documents struct {
	client contactv1.CustomFieldServiceClient
	// document, components and schemas are those of the contract, read once.
	document, components, schemas map[string]json.RawMessage
}

// New reads the document of the contract.
func New(client contactv1.CustomFieldServiceClient) (*Documents, error) {
	d := &Documents{client: client}
	if err := json.Unmarshal(contracts.OpenAPI, &d.document); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(d.document["components"], &d.components); err != nil {
		return nil, err
	}
	return d, json.Unmarshal(d.components["schemas"], &d.schemas)
}

// Serve answers the document of the context's caller. An error says that nothing was
// written.
func (d *Documents) Serve(w http.ResponseWriter, r *http.Request) error {
	document, err := d.of(r.Context())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(document)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, _ = w.Write(document)
	return nil
}

// of makes the document of the context's caller.
func (d *Documents) of(ctx context.Context) ([]byte, error) {
	fields, err := d.fields(ctx)
	if errs.Code(err) == codes.PermissionDenied {
		return contracts.OpenAPI, nil
	}
	if err != nil {
		return nil, err
	}
	policy, err := d.client.GetCustomFieldPolicy(ctx, &contactv1.GetCustomFieldPolicyRequest{Name: "customFieldPolicy"})
	if err != nil {
		return nil, err
	}
	strict := policy.GetUnknownKeys() == contactv1.UnknownKeys_UNKNOWN_KEYS_STRICT
	schemas := maps.Clone(d.schemas)
	for resource, name := range resources {
		if schemas[name], err = withFields(schemas[name], fields[resource], strict); err != nil {
			return nil, err
		}
	}
	components, document := maps.Clone(d.components), maps.Clone(d.document)
	if components["schemas"], err = json.Marshal(schemas); err != nil {
		return nil, err
	}
	if document["components"], err = json.Marshal(components); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

// fields answers those that are on file, by their resources.
func (d *Documents) fields(ctx context.Context) (map[string][]*contactv1.CustomField, error) {
	all := map[string][]*contactv1.CustomField{}
	for token := ""; ; {
		page, err := d.client.ListCustomFields(ctx, &contactv1.ListCustomFieldsRequest{PageSize: 1000, PageToken: token})
		if err != nil {
			return nil, err
		}
		for _, f := range page.GetCustomFields() {
			all[f.GetResource()] = append(all[f.GetResource()], f)
		}
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// withFields says in the schema of a record what its custom fields are.
func withFields(schema json.RawMessage, fields []*contactv1.CustomField, strict bool) (json.RawMessage, error) {
	var record, properties map[string]json.RawMessage
	if err := json.Unmarshal(schema, &record); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(record["properties"], &properties); err != nil {
		return nil, err
	}
	var custom map[string]any
	if err := json.Unmarshal(properties["customFields"], &custom); err != nil {
		return nil, err
	}
	typed := map[string]any{}
	for _, f := range fields {
		typed[f.GetKey()] = schemaOf(f)
	}
	custom["properties"], custom["additionalProperties"] = typed, !strict
	var err error
	if properties["customFields"], err = json.Marshal(custom); err != nil {
		return nil, err
	}
	if record["properties"], err = json.Marshal(properties); err != nil {
		return nil, err
	}
	return json.Marshal(record)
}

// schemaOf is the JSON Schema of a field's values.
func schemaOf(f *contactv1.CustomField) map[string]any {
	s := map[string]any{"title": cmp.Or(text.InLanguage(f.GetDisplayNames(), "en"), f.GetKey()), "description": described(f)}
	set := func(pairs ...any) {
		for i := 0; i < len(pairs); i += 2 {
			s[pairs[i].(string)] = pairs[i+1]
		}
	}
	switch f.GetType() {
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_INTEGER:
		set("type", "integer", "format", "int64")
		bound(s, "minimum", f.GetMinimum())
		bound(s, "maximum", f.GetMaximum())
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_DECIMAL:
		set("type", "string", "pattern", `^-?[0-9]{1,18}(\.[0-9]{1,9})?$`)
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_MONEY:
		set("$ref", "#/components/schemas/google.type.Money")
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_BOOL:
		set("type", "boolean")
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_DATE:
		set("type", "string", "format", "date")
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_TIMESTAMP:
		set("type", "string", "format", "date-time")
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_CHOICE:
		set("type", "string", "enum", values(f))
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_MULTI_CHOICE:
		set("type", "array", "uniqueItems", true, "items", map[string]any{"type": "string", "enum": values(f)})
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_EMAIL:
		set("type", "string", "format", "email")
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_URL:
		set("type", "string", "format", "uri")
	case contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_CONTACT:
		set("type", "string", "pattern", "^contacts/[0-9a-f-]{36}$")
	default:
		set("type", "string")
		if f.GetMaxLength() > 0 {
			set("maxLength", f.GetMaxLength())
		}
		if f.GetPattern() != "" {
			set("pattern", "^(?:"+f.GetPattern()+")$")
		}
	}
	return s
}

// bound sets a whole number as it is written.
func bound(s map[string]any, keyword, number string) {
	if json.Valid([]byte(number)) && number != "" {
		s[keyword] = json.RawMessage(number)
	}
}

// values are those of all options: records keep the archived ones.
func values(f *contactv1.CustomField) []string {
	list := make([]string, len(f.GetOptions()))
	for i, o := range f.GetOptions() {
		list[i] = o.GetValue()
	}
	return list
}

// described says what the schema cannot.
func described(f *contactv1.CustomField) string {
	said := []string{text.InLanguage(f.GetHelpTexts(), "en")}
	if f.GetRequired() {
		said = append(said, "Required.")
	}
	if f.GetDefaultValue() != "" {
		said = append(said, "Default: "+f.GetDefaultValue()+".")
	}
	var gone []string
	for _, o := range f.GetOptions() {
		if o.GetArchived() {
			gone = append(gone, o.GetValue())
		}
	}
	if len(gone) > 0 {
		said = append(said, "Not offered any more: "+strings.Join(gone, ", ")+".")
	}
	return strings.TrimSpace(strings.Join(said, " "))
}
