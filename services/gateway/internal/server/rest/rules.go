package rest

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/httprule"
)

// route is what grpc-gateway tells of a request when it has found its RPC: the
// method and the pattern of the path.
type route struct{ verb, pattern string }

// rule says how a request becomes a message.
type rule struct {
	method protoreflect.MethodDescriptor
	// body is the type of the body; nil where there is none.
	body protoreflect.MessageDescriptor
	// prefix is where the body stands in the request: empty where it is all of
	// it.
	prefix string
	// bound are the fields that do not come as parameters: those of the path and
	// of the body. whole says that all others come with the body.
	bound map[string]bool
	whole bool
}

// readRules reads the rules of every RPC that is linked.
func readRules() (map[route]*rule, error) {
	rules := map[route]*rule{}
	var failed error
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if err := addRules(rules, methods.Get(j)); err != nil {
					failed = err
					return false
				}
			}
		}
		return true
	})
	return rules, failed
}

func addRules(rules map[route]*rule, method protoreflect.MethodDescriptor) error {
	bindings, err := httprule.Of(method)
	if err != nil {
		return err
	}
	for _, b := range bindings {
		r := &rule{method: method, bound: map[string]bool{}}
		for _, variable := range b.Path.Variables() {
			r.bound[variable] = true
		}
		switch b.Body {
		case "":
		case "*":
			r.body, r.whole = method.Input(), true
		default:
			field := method.Input().Fields().ByName(protoreflect.Name(b.Body))
			if field == nil || field.Message() == nil || field.IsList() || field.IsMap() {
				return fmt.Errorf("%s: its body %q is no message", method.FullName(), b.Body)
			}
			r.body, r.prefix = field.Message(), b.Body
			r.bound[b.Body] = true
		}
		rules[route{b.Verb, b.Path.String()}] = r
	}
	return nil
}
