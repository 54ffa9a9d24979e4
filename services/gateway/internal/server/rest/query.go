package rest

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/strictjson"
)

// entryOf finds the name of a map in a parameter such as "labels[tier]".
var entryOf = regexp.MustCompile(`^([^\[]*)\[[^\]]*\]$`)

// checkQuery answers what is wrong with the parameters of a call, each by its
// field. grpc-gateway ignores those it does not know, and tells values back.
func checkQuery(query url.Values, found *rule) []errs.Violation {
	if found.whole {
		return checkParameters(query, nil)
	}
	wrong := checkParameters(query, found.method.Input())
	for _, key := range slices.Sorted(maps.Keys(query)) {
		if path, field := resolve(found.method.Input(), key); field != nil && found.isBound(path) {
			wrong = append(wrong, errs.Violation{
				Field: strings.Join(path, "."), Reason: strictjson.Duplicate, Description: "the path or the body says this already",
			})
		}
	}
	return wrong
}

// checkParameters answers what is wrong with parameters that become the fields of
// a message; nil has none.
func checkParameters(query url.Values, message protoreflect.MessageDescriptor) []errs.Violation {
	var wrong []errs.Violation
	for _, key := range slices.Sorted(maps.Keys(query)) {
		name := key
		if m := entryOf.FindStringSubmatch(key); m != nil {
			name = m[1]
		}
		path, field := resolve(message, name)
		at := strings.Join(path, ".")
		switch {
		case field == nil:
			wrong = append(wrong, errs.Violation{Field: shorten(key), Reason: strictjson.Unknown, Description: "there is no such parameter"})
		case len(query[key]) > 1 && !field.IsList():
			wrong = append(wrong, errs.Violation{Field: at, Reason: strictjson.Duplicate, Description: "the parameter is given twice"})
		case slices.ContainsFunc(append(query[key], key), func(text string) bool { return !utf8.ValidString(text) }):
			wrong = append(wrong, errs.Violation{Field: at, Reason: strictjson.BadText, Description: "the parameter is not valid UTF-8"})
		case !parses(message, key, query[key]):
			wrong = append(wrong, errs.Violation{Field: at, Description: strictjson.Wanted(field)})
		}
	}
	return wrong
}

// resolve follows a dotted name, in the spelling of the contract or of JSON, and
// answers the path of the contract; nil where there is no such field.
func resolve(message protoreflect.MessageDescriptor, name string) ([]string, protoreflect.FieldDescriptor) {
	var path []string
	var field protoreflect.FieldDescriptor
	for _, part := range strings.Split(name, ".") {
		if message == nil {
			return nil, nil
		}
		if field = message.Fields().ByName(protoreflect.Name(part)); field == nil {
			field = message.Fields().ByJSONName(part)
		}
		if field == nil {
			return nil, nil
		}
		path = append(path, string(field.Name()))
		message = nil
		if !field.IsList() && !field.IsMap() {
			message = field.Message()
		}
	}
	return path, field
}

// isBound says whether the path, or a message it is a part of, comes otherwise.
func (r *rule) isBound(path []string) bool {
	for i := range path {
		if r.bound[strings.Join(path[:i+1], ".")] {
			return true
		}
	}
	return false
}

// parses says whether grpc-gateway makes a value of the parameter.
func parses(message protoreflect.MessageDescriptor, key string, values []string) bool {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(message.FullName())
	if err != nil {
		return false
	}
	nothing := utilities.NewDoubleArray(nil)
	return runtime.PopulateQueryParameters(kind.New().Interface(), url.Values{key: values}, nothing) == nil
}

// longestName bounds what is told back of a name that is no field.
const longestName = 64

func shorten(name string) string {
	if len(name) > longestName {
		return strings.ToValidUTF8(name[:longestName], "") + "…"
	}
	return name
}
