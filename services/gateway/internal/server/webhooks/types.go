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
		if _, known := slices.BinarySearch(Types(), t); known {
			continue
		}
		v := errs.Violation{Field: fields.Index(field, i), Reason: "EVENT_TYPE_UNKNOWN", Description: "there is no such type of event"}
		if len(wrong) == 0 {
			v.Description += "; known are " + strings.Join(near(t), ", ")
		}
		wrong = append(wrong, v)
	}
	return wrong
}

// near answers the types of the same area; all where it is none of ours.
func near(t string) []string {
	area := strings.TrimSuffix(t, path.Ext(t)) + "."
	of := slices.DeleteFunc(slices.Clone(Types()), func(known string) bool { return !strings.HasPrefix(known, area) })
	if len(of) == 0 {
		return Types()
	}
	return of
}
