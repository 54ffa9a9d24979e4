// Package fuzz sends every RPC of Lingkar what no well-meaning caller sends, and
// says of each answer whether it is one that a caller may get.
//
// Everything is derived from the descriptors that are linked: which RPCs there
// are, over which transports, what their messages hold and what the contract says
// about it. A new RPC is called without a line of code here. Generator makes
// requests that keep the rules of the contract, with references to resources that
// exist; Mutate spoils them as messages, SpoilWire as bytes and SpoilHTTP as
// requests over HTTP. Judge knows what an answer must look like.
//
// The same seed makes the same choices; ids and times that the services give
// differ between runs. What a rule says in words only, the Generator knows by the
// names of fields (hints.go) or does not know: such requests are refused, which
// is an answer too. Coverage tells which RPCs were never answered with success.
package fuzz

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// Method is one RPC.
type Method struct {
	Desc protoreflect.MethodDescriptor
	// Full is what it is called in a gRPC request.
	Full string
	// Area serves it, such as "sales".
	Area string
	// Bindings are the ways to call it over HTTP; none where it is not offered
	// there.
	Bindings []httprule.Binding

	// captured are the patterns of names in the path, by the field that holds
	// them: "lead.name" to "leads/*".
	captured map[string]string
}

// operations are Google's own service, which the gateway serves.
const operations = "google.longrunning.Operations"

// Methods answers every RPC that is linked, in the order of their names.
func Methods() []Method {
	var all []Method
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			area, ours := areaOf(service)
			for j := 0; ours && j < service.Methods().Len(); j++ {
				all = append(all, newMethod(area, service.Methods().Get(j)))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b Method) int { return cmp.Compare(a.Full, b.Full) })
	return all
}

func areaOf(service protoreflect.ServiceDescriptor) (string, bool) {
	if service.FullName() == operations {
		return "platform", true
	}
	name, ours := strings.CutPrefix(string(service.FullName()), "lingkar.")
	area, _, _ := strings.Cut(name, ".")
	return area, ours
}

// capture finds a variable of a path template and its pattern.
var capture = regexp.MustCompile(`\{([^=}]+)=([^}]+)\}`)

func newMethod(area string, desc protoreflect.MethodDescriptor) Method {
	m := Method{Desc: desc, Full: httprule.FullMethod(desc), Area: area, captured: map[string]string{}}
	if desc.Parent().FullName() == operations { // its paths are the gateway's own
		return m
	}
	bindings, err := httprule.Of(desc)
	if err != nil {
		panic("fuzz: " + err.Error()) // a contract that the gateway would not start with
	}
	m.Bindings = bindings
	for _, b := range bindings {
		for _, found := range capture.FindAllStringSubmatch(b.Path.String(), -1) {
			m.captured[found[1]] = found[2]
		}
	}
	return m
}

// Name is the RPC without its service, such as "GetLead".
func (m Method) Name() string { return string(m.Desc.Name()) }

// Streams says whether either side sends more than one message.
func (m Method) Streams() bool { return m.Desc.IsStreamingClient() || m.Desc.IsStreamingServer() }

// Standard says whether the RPC is the standard method of that verb (AIP-131 to
// 135), such as "Update".
func (m Method) Standard(verb string) bool {
	rest, ok := strings.CutPrefix(m.Name(), verb)
	return ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z'
}

// Named answers the field of the request that names a resource in the path, such as
// "lead.name", and the pattern of its names; empty where there is none.
func (m Method) Named() (field, pattern string) {
	for field, pattern := range m.captured {
		return field, pattern
	}
	return "", ""
}

// Resource is the resource in the request of a Create, an Update and the like:
// the first field, where its message is a resource; nil otherwise.
func (m Method) Resource() protoreflect.FieldDescriptor {
	f := m.Desc.Input().Fields().ByNumber(1)
	if f == nil || f.Message() == nil || f.IsList() || f.IsMap() || f.ContainingOneof() != nil {
		return nil
	}
	return f
}

// ResourcePatterns answers the patterns of a resource's names, such as "leads/*"; none
// where the message is no resource.
func ResourcePatterns(d protoreflect.MessageDescriptor) []string {
	option, _ := proto.GetExtension(d.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
	var patterns []string
	for _, p := range option.GetPattern() {
		patterns = append(patterns, starred(p))
	}
	return patterns
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// starred writes "leads/{lead}" as "leads/*".
func starred(pattern string) string { return variable.ReplaceAllString(pattern, "*") }

// patternsOfTypes answers the patterns of every resource type that is linked.
func patternsOfTypes() map[string][]string {
	types := map[string][]string{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			d := file.Messages().Get(i)
			if option, _ := proto.GetExtension(d.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor); option != nil {
				types[option.GetType()] = append(types[option.GetType()], ResourcePatterns(d)...)
			}
		}
		return true
	})
	for _, patterns := range types {
		slices.Sort(patterns)
	}
	return types
}

// NewMessage makes an empty message of a type that is linked.
func NewMessage(d protoreflect.MessageDescriptor) protoreflect.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic("fuzz: " + err.Error()) // generated code links its types
	}
	return kind.New()
}
