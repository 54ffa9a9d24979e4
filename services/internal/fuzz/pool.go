package fuzz

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// keptNames is how many names of one kind a pool keeps, keptValues how many
	// values of one field.
	keptNames  = 256
	keptValues = 64
)

// Pool remembers what the services answered: the names of resources that exist,
// their etags, and the values of fields that a later request may repeat, such as
// page tokens. It belongs to one goroutine.
type Pool struct {
	names  map[string][]string
	etags  map[string][]string
	values map[protoreflect.Name][]string
	// foreign are names that exist for another tenant only.
	foreign []string
}

// NewPool makes an empty pool.
func NewPool() *Pool {
	return &Pool{names: map[string][]string{}, etags: map[string][]string{}, values: map[protoreflect.Name][]string{}}
}

// Clone answers a pool that begins with what p knows.
func (p *Pool) Clone() *Pool {
	c := NewPool()
	for k, v := range p.names {
		c.names[k] = slices.Clone(v)
	}
	for k, v := range p.etags {
		c.etags[k] = slices.Clone(v)
	}
	for k, v := range p.values {
		c.values[k] = slices.Clone(v)
	}
	c.foreign = p.foreign
	return c
}

// Names answers the names that fit a pattern such as "leads/*".
func (p *Pool) Names(pattern string) []string { return p.names[pattern] }

// Patterns answers the patterns of which names are known, in their order.
func (p *Pool) Patterns() []string { return slices.Sorted(maps.Keys(p.names)) }

// Add remembers a resource by its name.
func (p *Pool) Add(pattern, name string) {
	if !slices.Contains(p.names[pattern], name) {
		p.names[pattern] = keep(p.names[pattern], name, keptNames)
	}
}

// Learn remembers what an answer holds.
func (p *Pool) Learn(m proto.Message) { p.learn(m.ProtoReflect()) }

func (p *Pool) learn(m protoreflect.Message) {
	p.learnResource(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				p.learn(v.List().Get(i).Message())
			}
		case f.Message() != nil:
			p.learn(v.Message())
		case f.Kind() == protoreflect.StringKind && !f.IsList():
			p.learnValue(m.Descriptor(), f, v.String())
		}
		return true
	})
}

// learnResource keeps the name and the etag of a resource.
func (p *Pool) learnResource(m protoreflect.Message) {
	name := m.Descriptor().Fields().ByName("name")
	if name == nil || name.Kind() != protoreflect.StringKind || !m.Has(name) {
		return
	}
	is := m.Get(name).String()
	for _, pattern := range ResourcePatterns(m.Descriptor()) {
		if len(strings.Split(pattern, "/")) == len(strings.Split(is, "/")) && strings.HasPrefix(is, fixedPart(pattern)) {
			p.Add(pattern, is)
		}
	}
	if etag := m.Descriptor().Fields().ByName("etag"); etag != nil && m.Has(etag) {
		if now := m.Get(etag).String(); !slices.Contains(p.etags[is], now) {
			p.etags[is] = append(p.etags[is], now)
		}
	}
}

// fixedPart answers what every name of a pattern begins with: all of it for a resource
// of which there is one (AIP-156).
func fixedPart(pattern string) string {
	before, _, _ := strings.Cut(pattern, "*")
	return before
}

// learnValue keeps the value of a field. The id of a part, such as a stage, is
// kept by the name of the part.
func (p *Pool) learnValue(of protoreflect.MessageDescriptor, f protoreflect.FieldDescriptor, value string) {
	field := f.Name()
	switch field {
	case "name", "etag", "body", "note", "description":
		return
	case "id":
		field = protoreflect.Name(strings.ToLower(string(of.Name())))
	case "next_page_token":
		field = "page_token"
	case "position", "next_cursor":
		field = "cursor"
	}
	if len(value) <= 512 && !slices.Contains(p.values[field], value) {
		p.values[field] = keep(p.values[field], value, keptValues)
	}
}

// keep adds a value; where there are too many, the oldest of the newer half goes,
// so that both what came first and what came last stay.
func keep(values []string, value string, most int) []string {
	if len(values) >= most {
		values = slices.Delete(values, most/2, most/2+1)
	}
	return append(values, value)
}

// name answers a name that fits the pattern: mostly of a resource that exists,
// else made of ids of others, else of nothing. A pattern that ends in a fixed part,
// such as "campaigns/*/progress", is made of the name before it.
func (p *Pool) name(r *rand.Rand, pattern string) string {
	if r.IntN(30) == 0 {
		for range 10 { // one that fits, with luck
			if n := len(p.foreign); n > 0 {
				if name := p.foreign[r.IntN(n)]; strings.HasPrefix(name, fixedPart(pattern)) {
					return name
				}
			}
		}
	}
	if known := p.names[pattern]; len(known) > 0 && r.IntN(50) > 0 {
		return known[r.IntN(len(known))]
	}
	if pattern == "operations/*" {
		return "operations/" + []string{"contact", "sales", "analytics", "x"}[r.IntN(4)] + "-" + p.id(r)
	}
	if parent, ok := cutLast(pattern); ok && !strings.HasSuffix(pattern, "*") {
		return p.name(r, parent) + pattern[strings.LastIndexByte(pattern, '/'):]
	}
	var name strings.Builder
	for i, part := range strings.Split(pattern, "/") {
		if i > 0 {
			name.WriteByte('/')
		}
		if strings.HasPrefix(part, "*") {
			part = p.id(r)
		}
		name.WriteString(part)
	}
	return name.String()
}

// id answers the id of a contact, which the names of customers share, or a new
// one.
func (p *Pool) id(r *rand.Rand) string {
	if known := p.names["contacts/*"]; len(known) > 0 && r.IntN(4) > 0 {
		return strings.TrimPrefix(known[r.IntN(len(known))], "contacts/")
	}
	return uuid.Must(uuid.NewV7()).String()
}

func cutLast(pattern string) (string, bool) {
	i := strings.LastIndexByte(pattern, '/')
	return pattern[:max(i, 0)], i > 0
}

// etag answers an etag that the resource has, or had.
func (p *Pool) etag(r *rand.Rand, name string) string {
	known := p.etags[name]
	switch {
	case len(known) == 0:
		return ""
	case r.IntN(4) > 0:
		return known[len(known)-1]
	default:
		return known[r.IntN(len(known))]
	}
}

// value answers a value that a field of that name had in an answer.
func (p *Pool) value(r *rand.Rand, field protoreflect.Name) (string, bool) {
	known := p.values[field]
	if len(known) == 0 {
		return "", false
	}
	return known[r.IntN(len(known))], true
}

// everything answers the names of all resources, those of the other tenant
// included. A name without a variable part is no tenant's own.
func (p *Pool) everything() []string {
	all := slices.Clone(p.foreign)
	for _, pattern := range slices.Sorted(maps.Keys(p.names)) {
		if !strings.Contains(pattern, "*") {
			continue
		}
		all = append(all, p.names[pattern]...)
	}
	return all
}
