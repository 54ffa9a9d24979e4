package customfield

import (
	"encoding/json"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// Path begins what a filter or an order calls a custom field.
const Path = "custom_fields."

// Field answers what a filter and an order may do with a path such as
// "custom_fields.tier"; false where no field of that key is on file.
func (r *Rules) Field(path string) (postgres.Field, bool) {
	key, ok := strings.CutPrefix(path, Path)
	f := r.fields[key]
	if !ok || f == nil {
		return postgres.Field{}, false
	}
	return postgres.Field{
		Path: path, Column: "custom_fields", Type: filter.Entry,
		Entry: &filter.EntryOf{
			Field: f.ID, Key: key, Type: int16(f.Type), Many: f.Type == MultiChoice, Indexed: f.Indexed && f.State == Ready,
			Ordered: f.Type.ordered(), Unsortable: f.unsortable(), Parse: f.literal,
		},
	}, true
}

// ordered reports whether values are less or greater than others.
func (t Type) ordered() bool { return t.bounded() || t == Text || t == LongText }

// unsortable says why a list cannot be sorted by the field; empty where it can.
func (f *Field) unsortable() string {
	switch {
	case f.Type == MultiChoice || f.Type == LongText:
		return "a list cannot be sorted by a field of this type"
	case !f.Indexed:
		return "a list is sorted only by custom fields that are indexed: set indexed of this one"
	case f.State != Ready:
		return "the index of this custom field is being built: try again later"
	}
	return ""
}

// literal answers the JSON of a value of the field as a filter has it, or what is wrong
// with it. Any value of the type is taken: also one that no record may have any more.
func (f *compiled) literal(value string, quoted bool) (asJSON, problem string) {
	plain := &compiled{Field: &Field{Type: f.Type, Options: f.Options}}
	var v any = value
	var err error
	switch f.Type {
	case Bool:
		if quoted || value != "true" && value != "false" {
			return "", "expected true or false"
		}
		v = value == "true"
	case Integer:
		if quoted {
			return "", "expected a number"
		}
		plain.Type = Decimal
		v, err = plain.parse(value)
	case Text, LongText, Choice, MultiChoice:
		// As it is written.
	default:
		v, err = plain.parse(value)
	}
	if err != nil {
		return "", "for this field, the value " + reasonOf(err).description
	}
	written, err := json.Marshal(v)
	if err != nil {
		return "", "cannot be compared with"
	}
	return string(written), ""
}
