package rules

import (
	"encoding/json"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// withheld stands for a value that is not kept because it is personal.
const withheld = `"(personal)"`

// path names what a condition reads of the resource: its fields, from the outermost.
type path []string

// pathsOf answers what an expression reads of a variable, each once, in order.
func pathsOf(a *cel.Ast, variable string) []path {
	seen := map[string]path{}
	root := ast.NavigateAST(a.NativeRep())
	for _, e := range ast.MatchDescendants(root, ast.KindMatcher(ast.SelectKind)) {
		if parent, ok := e.Parent(); ok && parent.Kind() == ast.SelectKind {
			continue // it is part of a longer one
		}
		if p := selected(e, variable); p != nil {
			seen[strings.Join(p, ".")] = p
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	paths := make([]path, len(names))
	for i, name := range names {
		paths[i] = seen[name]
	}
	return paths
}

// selected answers the fields of a chain of selections from the variable; nil where it
// begins with something else.
func selected(e ast.Expr, variable string) path {
	var p path
	for e.Kind() == ast.SelectKind {
		p = append(p, e.AsSelect().FieldName())
		e = e.AsSelect().Operand()
	}
	if e.Kind() != ast.IdentKind || e.AsIdent() != variable {
		return nil
	}
	slices.Reverse(p)
	return p
}

// read answers what the condition read of a resource, by path, as JSON. Personal values
// are withheld unless all is asked for.
func (p *program) read(m proto.Message, all bool) map[string]string {
	values := map[string]string{}
	for _, of := range p.paths {
		value, personal := valueAt(m.ProtoReflect(), of)
		if personal && !all {
			value = withheld
		}
		values[p.rule.GetKind()+"."+strings.Join(of, ".")] = value
	}
	return values
}

// valueAt answers the value at a path as JSON, null where there is none, and whether it
// is personal. It stops at the first field that is not a plain message of ours.
func valueAt(m protoreflect.Message, of path) (value string, personal bool) {
	for i, name := range of {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			return "null", personal
		}
		personal = personal || marked(f)
		plain := f.Message() != nil && !f.IsList() && !f.IsMap() && strings.HasPrefix(string(f.Message().FullName()), "lingkar.")
		if i < len(of)-1 && plain {
			m = m.Get(f).Message()
			continue
		}
		return jsonOf(m, f), personal || plain && anyMarked(f.Message())
	}
	return "null", personal
}

// jsonOf answers one field of a message as JSON.
func jsonOf(m protoreflect.Message, f protoreflect.FieldDescriptor) string {
	if !m.Has(f) {
		return "null"
	}
	alone := m.New()
	alone.Set(f, m.Get(f))
	text, err := protojson.Marshal(alone.Interface())
	if err != nil {
		return "null"
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return "null"
	}
	return string(fields[f.JSONName()])
}

func marked(f protoreflect.FieldDescriptor) bool {
	personal, _ := proto.GetExtension(f.Options(), eventv1.E_Personal).(bool)
	return personal
}

func anyMarked(d protoreflect.MessageDescriptor) bool {
	for i := range d.Fields().Len() {
		if marked(d.Fields().Get(i)) {
			return true
		}
	}
	return false
}
