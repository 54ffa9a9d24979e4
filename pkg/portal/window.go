// Package portal holds portal callers to what a service opens to them: customers,
// partners, suppliers, investors and employees, who act for one contact each.
//
// Which calls these are says the policy of the service (auth.Self), over which records
// pkg/record. Here is which fields. A Window lists, message by message, what an answer
// shows and what a request may hold; what it does not list is not there. A field of an
// answer is cleared, one of a request refused, and so is a mask, a filter or an order by
// it: a field that is added to a message stays closed until somebody opens it. A service
// does not start where its window lacks a message of a call that it opens.
//
// Limits: streams cannot be opened. What a text holds is not looked into, so no answer
// with a packed document may be opened.
package portal

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// Window is what a service opens to portal callers.
type Window struct {
	shows, takes map[protoreflect.FullName][]string
}

// Pane is one message of a window.
type Pane struct {
	message protoreflect.MessageDescriptor
	fields  []string
	request bool
}

// Shows lists the fields of a message that an answer shows.
func Shows(message proto.Message, fields ...string) Pane {
	return Pane{message: message.ProtoReflect().Descriptor(), fields: fields}
}

// Takes lists the fields of a message that a request may hold.
func Takes(message proto.Message, fields ...string) Pane {
	return Pane{message: message.ProtoReflect().Descriptor(), fields: fields, request: true}
}

// NewWindow makes a window. A field that its message has not is a mistake in the program,
// and panics.
func NewWindow(panes ...Pane) *Window {
	w := &Window{shows: map[protoreflect.FullName][]string{}, takes: map[protoreflect.FullName][]string{}}
	for _, p := range panes {
		for _, field := range p.fields {
			if p.message.Fields().ByName(protoreflect.Name(field)) == nil {
				panic(fmt.Sprintf("portal: %s has no field %s", p.message.FullName(), field))
			}
		}
		in := w.shows
		if p.request {
			in = w.takes
		}
		in[p.message.FullName()] = append(in[p.message.FullName()], p.fields...)
	}
	return w
}

// Opens answers the methods that a policy opens to portal callers, sorted.
func Opens(policy auth.Policy) []string {
	var opened []string
	for _, method := range slices.Sorted(maps.Keys(policy)) {
		if policy[method][auth.Portal] != auth.None {
			opened = append(opened, method)
		}
	}
	return opened
}

// Check refuses a policy that opens what the window does not show.
func (w *Window) Check(policy auth.Policy) error {
	for _, method := range Opens(policy) {
		if policy[method][auth.Portal] != auth.Self {
			return fmt.Errorf("%s lets the role portal see more than its own", method)
		}
		name := strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		m, ok := d.(protoreflect.MethodDescriptor)
		switch {
		case err != nil || !ok:
			return fmt.Errorf("%s is no method", method)
		case m.IsStreamingClient() || m.IsStreamingServer():
			return fmt.Errorf("%s is a stream, which cannot be opened to the role portal", method)
		case w == nil:
			return fmt.Errorf("%s is open to the role portal, and there is no window", method)
		}
		for side, missing := range map[string]protoreflect.FullName{"takes": lacks(w.takes, m.Input()), "shows": lacks(w.shows, m.Output())} {
			if missing != "" {
				return fmt.Errorf("the window of the role portal lacks what it %s of %s, for %s", side, missing, method)
			}
		}
	}
	return nil
}

// lacks answers a message that is not listed: the one given, or one in a listed field.
func lacks(panes map[protoreflect.FullName][]string, d protoreflect.MessageDescriptor) protoreflect.FullName {
	fields, ok := panes[d.FullName()]
	if !ok {
		return d.FullName()
	}
	for _, field := range fields {
		if inner := d.Fields().ByName(protoreflect.Name(field)).Message(); inner != nil && !plain(inner) && inner != d {
			if missing := lacks(panes, inner); missing != "" {
				return missing
			}
		}
	}
	return ""
}

// plain says whether a message is a value, such as a date or a mask, and no record: it is
// open as a whole.
func plain(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.type" || slices.Contains(values, d.FullName())
}

var values = []protoreflect.FullName{
	"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask",
}
