package customfield

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// Schema is a tenant's fields as they were at a moment. It is never changed.
type Schema struct {
	version   int64
	strict    bool
	resources map[string]*Rules
}

// newSchema makes the schema of fields that are on file. One that cannot be made ready,
// because a newer release wrote it, checks nothing.
func newSchema(version int64, strict bool, fields []*Field) *Schema {
	s := &Schema{version: version, strict: strict, resources: map[string]*Rules{}}
	for _, f := range fields {
		c, err := compile(f)
		if err != nil {
			continue
		}
		r := s.resources[f.Resource]
		if r == nil {
			r = &Rules{strict: strict, fields: map[string]*compiled{}}
			s.resources[f.Resource] = r
		}
		r.fields[f.Key] = c
	}
	return s
}

// Of answers the rules of a resource, by its collection.
func (s *Schema) Of(resource string) *Rules {
	if r := s.resources[resource]; r != nil {
		return r
	}
	return &Rules{strict: s.strict}
}

// Rules are what a tenant has decided on the custom fields of one resource.
type Rules struct {
	strict bool
	fields map[string]*compiled
}

// Fields answers the fields, by their keys.
func (r *Rules) Fields() []*Field {
	list := make([]*Field, 0, len(r.fields))
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		list = append(list, r.fields[key].Field)
	}
	return list
}

// New answers the custom fields of a new record of the kind (0 where the resource has
// none) as they are kept, with defaults, or what is wrong with them.
func (r *Rules) New(kind int32, values map[string]any) (map[string]any, []errs.Violation) {
	if len(r.fields) == 0 && !r.strict {
		return values, nil
	}
	kept := maps.Clone(values)
	for key, f := range r.fields {
		if _, given := values[key]; !given && f.initial != nil && f.of(kind) {
			if kept == nil {
				kept = map[string]any{}
			}
			kept[key] = f.initial
		}
	}
	return r.check(kind, kept, func(string) bool { return true })
}

// Change is New of a record that is there: what stays as it was is not looked at, and
// where nothing changes, nothing is required.
func (r *Rules) Change(kind int32, before, after map[string]any) (map[string]any, []errs.Violation) {
	if len(r.fields) == 0 && !r.strict || reflect.DeepEqual(before, after) || len(before)+len(after) == 0 {
		return after, nil
	}
	return r.check(kind, maps.Clone(after), func(key string) bool { return !reflect.DeepEqual(before[key], after[key]) })
}

// check brings the values of the keys that changed into form.
func (r *Rules) check(kind int32, values map[string]any, changed func(key string) bool) (map[string]any, []errs.Violation) {
	var violations []errs.Violation
	fail := func(key, reason, description string) {
		violations = append(violations, errs.Violation{Field: "custom_fields." + key, Reason: reason, Description: description})
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !changed(key) {
			continue
		}
		f := r.fields[key]
		switch {
		case f == nil && r.strict:
			fail(key, "FIELD_UNKNOWN", "no custom field of this key is on file")
			continue
		case f == nil:
			continue
		case !f.of(kind):
			fail(key, "FIELD_NOT_OF_KIND", "is not for records of this kind")
			continue
		}
		v, err := f.value(values[key])
		if err != nil {
			why := reasonOf(err)
			fail(key, why.reason, why.description)
			continue
		}
		if v == nil {
			delete(values, key)
		} else {
			values[key] = v
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		if f := r.fields[key]; f.Required && f.of(kind) && values[key] == nil {
			fail(key, "FIELD_REQUIRED", "is required")
		}
	}
	return values, violations
}

// of reports whether records of the kind have the field.
func (f *Field) of(kind int32) bool { return len(f.Kinds) == 0 || slices.Contains(f.Kinds, kind) }

// Searchable reports whether records are found by one of the fields.
func (r *Rules) Searchable() bool {
	for _, f := range r.fields {
		if f.Searchable {
			return true
		}
	}
	return false
}

// Parse reads a value of the field of a key from a text as people write it into a cell;
// false where there is no such field.
func (r *Rules) Parse(key, cell string) (v any, known bool, violation *errs.Violation) {
	f := r.fields[key]
	if f == nil {
		return nil, false, nil
	}
	v, err := f.parse(cell)
	if err != nil {
		why := reasonOf(err)
		return nil, true, &errs.Violation{Field: "custom_fields." + key, Reason: why.reason, Description: why.description}
	}
	return v, true, nil
}

// Named answers the key of the field that a heading names: its key, or what it is called
// in any language.
func (r *Rules) Named(heading string) (key string, ok bool) {
	name := text.Key(strings.ReplaceAll(heading, "_", " "))
	for _, key := range slices.Sorted(maps.Keys(r.fields)) {
		f := r.fields[key]
		if text.Key(strings.ReplaceAll(key, "_", " ")) == name {
			return key, true
		}
		for _, called := range f.DisplayNames {
			if text.Key(called) == name {
				return key, true
			}
		}
	}
	return "", false
}

// room refuses one field more than a resource may have.
func (r *Rules) room(f *Field) error {
	indexed := 0
	for _, o := range r.fields {
		if o.Indexed {
			indexed++
		}
	}
	if len(r.fields) >= MaxFields || f.Indexed && indexed >= MaxIndexed {
		return errTooMany
	}
	return nil
}

// Room refuses more fields than a tenant may have.
func Room(fields int) error {
	if fields > MaxFields {
		return errTooMany
	}
	return nil
}

var errTooMany = errs.Exhausted("TOO_MANY_CUSTOM_FIELDS", "a resource has at most 200 custom fields, 20 of them indexed: archive one", 0)
