package webhooks

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
)

// Collection begins the names of endpoints.
const Collection = "webhookEndpoints"

// eventFiles hold the events of an area, and nothing else.
var eventFiles = regexp.MustCompile(`^lingkar/[a-z]+/v1/([a-z_]+_)?events\.proto$`)

// Types answers the types of all events that there are, sorted.
var Types = sync.OnceValue(func() []string {
	var types []string
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if eventFiles.MatchString(f.Path()) {
			for i := range f.Messages().Len() {
				types = append(types, string(f.Messages().Get(i).FullName()))
			}
		}
		return true
	})
	slices.Sort(types)
	return types
})

// CheckTypes answers which of the values of a field are no types of events, and what
// there is instead, once.
func CheckTypes(field string, types []string) (wrong []errs.Violation) {
	for i, t := range types {
		if _, there := slices.BinarySearch(Types(), t); there {
			continue
		}
		v := errs.Violation{Field: fields.Index(field, i), Reason: "EVENT_TYPE_UNKNOWN", Description: "there is no such type of event"}
		if len(wrong) == 0 {
			v.Description += "; known " + known(t)
		}
		wrong = append(wrong, v)
	}
	return wrong
}

// known words what there is of the area that a type names, without saying the area each
// time; the areas where it names none.
func known(t string) string {
	area := strings.TrimSuffix(t, path.Ext(t))
	var areas, of []string
	for _, is := range Types() {
		its := strings.TrimSuffix(is, path.Ext(is))
		if !slices.Contains(areas, its) {
			areas = append(areas, its)
		}
		if its == area {
			of = append(of, strings.TrimPrefix(is, area+"."))
		}
	}
	if len(of) == 0 {
		return "are those of " + strings.Join(areas, ", ")
	}
	return "of " + area + " are " + strings.Join(of, ", ")
}
