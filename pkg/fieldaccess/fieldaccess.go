// Package fieldaccess keeps single fields of records from callers who may otherwise
// read or change the record (CON-29, CON-44).
//
// The rules are data of a tenant (FieldRule of area platform). They reach each service
// by event, into table field_access, and a Book answers those of a tenant. A Policy
// applies them by the descriptors of the messages, so that it holds for every RPC: a
// field that a caller may not see is left out of every answer and stream, wherever in
// it the record stands, packed ones too; a filter or an order by it is refused, and so
// is a request that writes a field that the caller may not change. Services and
// administrators always may.
//
// Limits: a rule holds everywhere within ten seconds, as the events and the Book
// take. A full-text search finds a record by a hidden field as well, and answers it
// without the field. What cannot leave a field out is refused to who may not have it
// all (Whole): an import, and the copy of a person's data.
package fieldaccess

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Rule says who may see a field of a kind of record, and who may change it.
type Rule struct {
	// Type is the kind of record, such as "lingkar.dev/Contact".
	Type string
	// Field is the path of the field, such as "birthday" or "custom_fields.salary".
	Field string
	// Readers see it, and of them Writers change it.
	Readers, Writers []auth.Role
}

// Check answers what is wrong with a rule, by the fields of FieldRule.
func (r Rule) Check() []errs.Violation {
	var v []errs.Violation
	kind, ok := kinds()[r.Type]
	if !ok {
		return append(v, errs.Violation{Field: "resource_type", Reason: "RESOURCE_TYPE_UNKNOWN", Description: "there is no such kind of record in the areas contact, sales, ticket and campaign"})
	}
	switch f := leaf(kind, strings.Split(r.Field, ".")); {
	case f == nil:
		v = append(v, errs.Violation{Field: "field", Reason: "FIELD_UNKNOWN", Description: "the record has no such field"})
	case slices.Contains(always, string(f.Name())) && !strings.Contains(r.Field, "."):
		v = append(v, errs.Violation{Field: "field", Description: "this field is part of what a record is, and is seen with it"})
	}
	for _, w := range r.Writers {
		if !slices.Contains(r.Readers, w) {
			v = append(v, errs.Violation{Field: "writers", Description: "who changes a field must be one of its readers"})
			break
		}
	}
	return v
}

// always are the fields that no rule can hide: what names a record, dates it and keeps
// it from being overwritten.
var always = []string{"name", "etag", "create_time", "update_time", "delete_time"}

// areas are those whose records rules may be about.
var areas = []string{"lingkar.contact.v1", "lingkar.sales.v1", "lingkar.ticket.v1", "lingkar.campaign.v1"}

// kinds are the messages of the kinds of records, by their resource types.
var kinds = sync.OnceValue(func() map[string]protoreflect.MessageDescriptor {
	found := map[string]protoreflect.MessageDescriptor{}
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		d := m.Descriptor()
		if r, _ := proto.GetExtension(d.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor); r.GetType() != "" && slices.Contains(areas, string(d.ParentFile().Package())) {
			found[r.GetType()] = d
		}
		return true
	})
	return found
})

// leaf answers the field at the end of a path, nil where there is none. Behind a map
// or a struct stands one key of it.
func leaf(in protoreflect.MessageDescriptor, path []string) protoreflect.FieldDescriptor {
	f := in.Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case f == nil || len(path) == 1:
		return f
	case f.IsMap() || isStruct(f):
		if len(path) == 2 {
			return f
		}
		return nil
	case f.Message() == nil || f.IsList():
		return nil
	}
	return leaf(f.Message(), path[1:])
}

func isStruct(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && f.Message().FullName() == "google.protobuf.Struct"
}

// Policy is the rules of one tenant. A nil Policy has none.
type Policy struct {
	rules map[protoreflect.FullName][]rule
	// within remembers which messages hold a record that has a rule.
	within sync.Map
}

type rule struct {
	Rule
	path []string
}

// NewPolicy makes a policy. A rule about what this program does not know is left out:
// it cannot answer such a record either.
func NewPolicy(rules []Rule) *Policy {
	if len(rules) == 0 {
		return nil
	}
	p := &Policy{rules: map[protoreflect.FullName][]rule{}}
	for _, r := range rules {
		if kind, ok := kinds()[r.Type]; ok {
			p.rules[kind.FullName()] = append(p.rules[kind.FullName()], rule{Rule: r, path: strings.Split(r.Field, ".")})
		}
	}
	return p
}

// exempt says whether the rules are not about a caller.
func exempt(c auth.Caller) bool { return c.Has(auth.Service) || c.Has(auth.Admin) }

func (r rule) shows(c auth.Caller) bool   { return exempt(c) || slices.ContainsFunc(r.Readers, c.Has) }
func (r rule) changes(c auth.Caller) bool { return exempt(c) || slices.ContainsFunc(r.Writers, c.Has) }

// Hidden answers the fields of a kind of record that a caller may not see, sorted.
func (p *Policy) Hidden(c auth.Caller, kind protoreflect.MessageDescriptor) []string {
	if p == nil {
		return nil
	}
	var hidden []string
	for _, r := range p.rules[kind.FullName()] {
		if !r.shows(c) {
			hidden = append(hidden, r.Field)
		}
	}
	slices.Sort(hidden)
	return hidden
}

// concerns says whether a message of this kind may hold a record that has a rule.
func (p *Policy) concerns(d protoreflect.MessageDescriptor) bool {
	if known, ok := p.within.Load(d.FullName()); ok {
		return known.(bool)
	}
	found := p.reaches(d, map[protoreflect.FullName]bool{})
	p.within.Store(d.FullName(), found)
	return found
}

func (p *Policy) reaches(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	if len(p.rules[d.FullName()]) > 0 || d.FullName() == anyName {
		return true
	}
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.IsMap() {
			f = f.MapValue()
		}
		if f.Message() != nil && p.reaches(f.Message(), seen) {
			return true
		}
	}
	return false
}
