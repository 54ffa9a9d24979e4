package fuzz

import (
	"math/rand/v2"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/rpc"
)

const (
	// deepest is how deep messages are filled.
	deepest = 6
	// attempts is how often a request is made until the rules of the contract take
	// it.
	attempts = 8
)

// Generator makes requests that keep the rules of the contract as far as these
// can be derived. It belongs to one goroutine.
type Generator struct {
	Rand *rand.Rand
	Pool *Pool
	// Mark, where set, stands in every free text: what only another tenant may
	// read back.
	Mark string

	types map[string][]string
	// method is the one whose request is being made, resource the name of the
	// resource it is about, rich how likely optional fields are set.
	method   Method
	resource string
	rich     float64
}

// NewGenerator makes a generator that repeats its choices for the same seed.
func NewGenerator(seed uint64, pool *Pool) *Generator {
	return &Generator{Rand: rand.New(rand.NewPCG(seed, 0x1f2e3d4c)), Pool: pool, types: patternsOfTypes()}
}

// Request makes a request of a method. It mostly passes the rules of the
// contract; what the services say to it depends on the state of what it names.
func (g *Generator) Request(m Method) proto.Message { return g.RequestAbout(m, "") }

// RequestAbout makes a request about the resource of that name, where the method
// takes one; empty for any.
func (g *Generator) RequestAbout(m Method, resource string) proto.Message {
	var made proto.Message
	for range attempts {
		made = g.attempt(m, resource)
		if rpc.CheckInput(made) == nil {
			break
		}
	}
	return made
}

func (g *Generator) attempt(m Method, resource string) proto.Message {
	g.method, g.resource, g.rich = m, resource, g.Rand.Float64()*0.6
	request := NewMessage(m.Desc.Input())
	g.fill(request, "", 0)
	return request.Interface()
}

// Fill sets the fields of a message that stands at a path of a request of the
// method, such as "lead.".
func (g *Generator) Fill(m Method, message protoreflect.Message, path string) {
	g.method, g.rich = m, 0
	g.fill(message, path, 1)
	shape(message.Interface(), m.Area)
}

func (g *Generator) chance(p float64) bool { return g.Rand.Float64() < p }

// fill sets the fields of a message that stands at the path of the request.
func (g *Generator) fill(m protoreflect.Message, path string, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if one := f.ContainingOneof(); one != nil && !one.IsSynthetic() {
			continue
		}
		if g.wants(f, path, depth) {
			g.set(m, f, path, depth)
		}
	}
	for i := range m.Descriptor().Oneofs().Len() {
		one := m.Descriptor().Oneofs().Get(i)
		if one.IsSynthetic() || !oneofRequired(one) && !g.chance(g.rich) {
			continue
		}
		g.set(m, one.Fields().Get(g.Rand.IntN(one.Fields().Len())), path, depth)
	}
}

// likelihoods are those of fields that every request may have.
var likelihoods = map[protoreflect.Name]float64{
	"validate_only": 0.1, "request_id": 0.2, "etag": 0.2, "update_mask": 0.5, "read_mask": 0.15,
	"page_token": 0.15, "min_position": 0.05, "allow_missing": 0.2, "as_of": 0.2, "effective_at": 0.2,
	"end_time": 0.1, "delete_time": 0, "cursor": 0.3,
	"product": 1, "choices": 0.1,
}

// wants says whether a field is to be set.
func (g *Generator) wants(f protoreflect.FieldDescriptor, path string, depth int) bool {
	switch {
	case f.Message() != nil && depth >= deepest:
		return false
	case f.Name() == "name" && depth > 0:
		return g.method.captured[path+"name"] != "" || g.chance(0.05)
	case behaves(f, annotations.FieldBehavior_OUTPUT_ONLY):
		return g.chance(0.02)
	case needed(f):
		return true
	case g.method.captured[path+string(f.Name())] != "":
		return true
	}
	if p, ok := likelihoods[f.Name()]; ok {
		return g.chance(p)
	}
	return g.chance(g.rich)
}

// needed says whether the contract demands a field.
func needed(f protoreflect.FieldDescriptor) bool {
	r := rulesOf(f)
	switch {
	case r.GetRequired(), behaves(f, annotations.FieldBehavior_REQUIRED):
		return true
	case r.GetString().GetMinLen() > 0, r.GetRepeated().GetMinItems() > 0, r.GetInt32().GetGte() > 0:
		return true
	case r.GetEnum() != nil:
		for _, n := range r.GetEnum().GetNotIn() {
			if n == 0 {
				return true
			}
		}
	}
	return f.Kind() == protoreflect.StringKind && f.Cardinality() != protoreflect.Repeated && r.GetString().GetPattern() != "" && !matchesEmpty(r.GetString().GetPattern())
}

// set gives a field a value.
func (g *Generator) set(m protoreflect.Message, f protoreflect.FieldDescriptor, path string, depth int) {
	at, rules := path+string(f.Name()), rulesOf(f)
	switch {
	case f.IsMap():
		g.setMap(m.Mutable(f).Map(), f, rules.GetMap())
	case f.IsList():
		g.setList(m.Mutable(f).List(), f, rules.GetRepeated(), at, depth)
	case f.Message() != nil:
		g.setMessage(m.Mutable(f).Message(), f, at, depth)
	default:
		m.Set(f, g.scalar(f, rules, at))
		if f.Name() == "name" || f.Name() == "parent" {
			g.resource = m.Get(f).String()
		}
	}
}

func (g *Generator) setMessage(m protoreflect.Message, f protoreflect.FieldDescriptor, at string, depth int) {
	if make, ok := wellKnown[m.Descriptor().FullName()]; ok {
		make(g, m, f)
		return
	}
	g.fill(m, at+".", depth+1)
	if g.chance(0.9) {
		shape(m.Interface(), g.method.Area)
	}
}

func (g *Generator) setList(list protoreflect.List, f protoreflect.FieldDescriptor, rules *validate.RepeatedRules, at string, depth int) {
	most := 3
	if rules.GetMaxItems() > 0 {
		most = min(most, int(rules.GetMaxItems()))
	}
	seen := map[any]bool{}
	for range max(int(rules.GetMinItems()), 1+g.Rand.IntN(most)) {
		if f.Message() != nil {
			e := list.NewElement()
			g.setMessage(e.Message(), f, at, depth)
			list.Append(e)
			continue
		}
		v := g.scalar(f, rules.GetItems(), at)
		if rules.GetUnique() && f.Kind() != protoreflect.BytesKind {
			if seen[v.Interface()] {
				continue
			}
			seen[v.Interface()] = true
		}
		list.Append(v)
	}
}

func (g *Generator) setMap(m protoreflect.Map, f protoreflect.FieldDescriptor, rules *validate.MapRules) {
	for range 1 + g.Rand.IntN(3) {
		key := g.scalar(f.MapKey(), rules.GetKeys(), "")
		if f.MapValue().Message() != nil {
			v := m.NewValue()
			g.setMessage(v.Message(), f.MapValue(), "", deepest-1)
			m.Set(key.MapKey(), v)
			continue
		}
		m.Set(key.MapKey(), g.scalar(f.MapValue(), rules.GetValues(), ""))
	}
}

func rulesOf(f protoreflect.FieldDescriptor) *validate.FieldRules {
	rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	return rules
}

func oneofRequired(o protoreflect.OneofDescriptor) bool {
	rules, _ := proto.GetExtension(o.Options(), validate.E_Oneof).(*validate.OneofRules)
	return rules.GetRequired()
}

func behaves(f protoreflect.FieldDescriptor, behaviour annotations.FieldBehavior) bool {
	behaviours, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == behaviour {
			return true
		}
	}
	return false
}

// referred answers the patterns of the names that a field may hold.
func (g *Generator) referred(f protoreflect.FieldDescriptor, at string) []string {
	if pattern := g.method.captured[at]; pattern != "" {
		return []string{strings.ReplaceAll(pattern, "**", "*")}
	}
	ref, _ := proto.GetExtension(f.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	if ref.GetType() != "" {
		return g.types[ref.GetType()]
	}
	var parents []string
	for _, pattern := range g.types[ref.GetChildType()] {
		parts := strings.Split(pattern, "/")
		if len(parts) > 2 {
			parents = append(parents, strings.Join(parts[:len(parts)-2], "/"))
		}
	}
	return parents
}
