// Package views answers list requests that name a saved view: what the view says is
// written into the request before it leaves the gateway, so that the service of the list
// sees an ordinary request.
//
// So it promises that a view shows nobody more than the list does: record scope, rules
// about fields, limits and page tokens are those of the request as it was completed. A
// page token ends with a change of the view's filter or order, and outlives every other
// change. Which lists take part is read from the contracts: those whose request has a
// field saved_view. Limits: a service that is called past the gateway refuses the field.
package views

import (
	"context"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/httprule"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/savedview"
)

const (
	// Default is what a request names the caller's default by.
	Default = savedview.Collection + "/default"
	// carrier is the field of a list request that names a view.
	carrier = "saved_view"
)

// list is one that views can be used on.
type list struct {
	area, method, resource string
	request, response      protoreflect.MessageType
	carrier                protoreflect.FieldDescriptor
	// record is what the list answers.
	record protoreflect.MessageDescriptor
}

// lists are those that views can be used on, by their methods and by what they list.
var lists = sync.OnceValue(func() map[string]*list {
	found := map[string]*list{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if l := listOf(methods.Get(j)); l != nil {
					found[l.method], found[l.resource] = l, l
				}
			}
		}
		return true
	})
	return found
})

// listOf answers the list that a method is; nil where views cannot be used on it.
func listOf(m protoreflect.MethodDescriptor) *list {
	f := m.Input().Fields().ByName(carrier)
	bindings, err := httprule.Of(m)
	if f == nil || f.Kind() != protoreflect.StringKind || err != nil || len(bindings) == 0 {
		return nil
	}
	request, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	if err != nil {
		return nil
	}
	response, err := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
	if err != nil {
		return nil
	}
	resource, isList := strings.CutPrefix(bindings[0].Path.String(), "/v1/")
	records := m.Output().Fields().ByNumber(1)
	if !isList || !records.IsList() {
		return nil
	}
	return &list{
		area: strings.Split(string(m.ParentFile().Package()), ".")[1], method: httprule.FullMethod(m), resource: resource,
		request: request, response: response, carrier: f, record: records.Message(),
	}
}

// Find answers the view of a name that the caller may use on lists of a resource; nil
// where the name is Default and the caller has none.
type Find func(ctx context.Context, name, resource string) (*savedview.View, error)

// Dial answers the connection to an area.
type Dial func(area string) grpc.ClientConnInterface

// Through answers connections whose list requests name no view any more.
func Through(dial Dial, find Find) Dial {
	return func(area string) grpc.ClientConnInterface { return completing{dial(area), find} }
}

type completing struct {
	grpc.ClientConnInterface
	find Find
}

// Invoke implements grpc.ClientConnInterface, for messages and for such as are left as
// they are on the wire.
func (c completing) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	l := lists()[method]
	if l == nil {
		return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
	}
	request, ok := args.(proto.Message)
	if frame, raw := args.(*rpc.Frame); raw && names(frame.Payload, l.carrier.Number()) {
		request = l.request.New().Interface()
		ok = proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(frame.Payload, request) == nil
	}
	if ok && request.ProtoReflect().Has(l.carrier) {
		if err := c.complete(ctx, l, request.ProtoReflect()); err != nil {
			return err
		}
		args = request
	}
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

// names says whether a message on the wire has a value of a field. One that cannot be
// read is left to the service.
func names(wire []byte, field protowire.Number) bool {
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return false
		}
		if number == field && kind == protowire.BytesType {
			return true
		}
		m := protowire.ConsumeFieldValue(number, kind, wire[n:])
		if m < 0 {
			return false
		}
		wire = wire[n+m:]
	}
	return false
}

// complete writes what the view says into the request that names it.
func (c completing) complete(ctx context.Context, l *list, request protoreflect.Message) error {
	if err := rpc.CheckInput(request.Interface()); err != nil {
		return err // as the service would
	}
	v, err := c.find(ctx, request.Get(l.carrier).String(), l.resource)
	if err != nil {
		return err
	}
	request.Clear(l.carrier)
	if v == nil {
		return nil
	}
	if v.Resource != l.resource {
		return errs.Invalid(carrier, "VIEW_OF_OTHER_RESOURCE", "this view is for another kind of records")
	}
	l.write(v, request)
	return nil
}

// write completes a request by a view.
func (l *list) write(v *savedview.View, request protoreflect.Message) {
	fields := request.Descriptor().Fields()
	filter, order, size := fields.ByName("filter"), fields.ByName("order_by"), fields.ByName("page_size")
	switch own := request.Get(filter).String(); {
	case v.Filter == "":
	case strings.TrimSpace(own) == "":
		request.Set(filter, protoreflect.ValueOfString(v.Filter))
	default:
		request.Set(filter, protoreflect.ValueOfString("("+v.Filter+") AND ("+own+")"))
	}
	if strings.TrimSpace(request.Get(order).String()) == "" {
		request.Set(order, protoreflect.ValueOfString(v.Order))
	}
	if request.Get(size).Int() == 0 {
		request.Set(size, protoreflect.ValueOfInt32(v.PageSize))
	}
	if mask := fields.ByName("read_mask"); !request.Has(mask) && len(v.Columns) > 0 {
		columns := l.mask(v.Columns)
		if include := fields.ByName("include"); include != nil && request.Has(include) {
			columns.Paths = append(columns.Paths, "included")
		}
		request.Set(mask, protoreflect.ValueOfMessage(columns.ProtoReflect()))
	}
}

// mask answers the read_mask of columns: with the name, and without the keys of what has
// any.
func (l *list) mask(columns []string) *fieldmaskpb.FieldMask {
	mask := &fieldmaskpb.FieldMask{Paths: []string{"name"}}
	for _, column := range columns {
		root, _, _ := strings.Cut(column, ".")
		if f := l.record.Fields().ByName(protoreflect.Name(root)); f != nil && (f.IsMap() || f.Message() != nil && f.Message().FullName() == "google.protobuf.Struct") {
			column = root
		}
		if !slices.Contains(mask.GetPaths(), column) {
			mask.Paths = append(mask.Paths, column)
		}
	}
	return mask
}

// Try asks for one record of the view's list as the caller, and answers what the list
// refuses by the fields of the view.
func Try(ctx context.Context, dial Dial, v *savedview.View) error {
	l := lists()[v.Resource]
	if l == nil {
		return errs.Invalid("saved_view.resource", "", "no list of these records takes a saved view")
	}
	request := l.request.New()
	l.write(v, request)
	request.Set(request.Descriptor().Fields().ByName("page_size"), protoreflect.ValueOfInt32(1))
	err := dial(l.area).Invoke(ctx, l.method, request.Interface(), l.response.New().Interface())
	violations := slices.Clone(errs.FieldViolations(err))
	for i := range violations {
		violations[i].Field = fieldOf(violations[i].Field)
	}
	if len(violations) > 0 {
		return errs.InvalidAll(violations...)
	}
	return err
}

// fieldOf answers the field of a view that stands for one of the list's request.
func fieldOf(of string) string {
	if of == "read_mask" {
		of = "columns"
	}
	return "saved_view." + of
}
