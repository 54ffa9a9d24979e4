package bench

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// listMethod is the RPC that lists the rows of a table.
type listMethod struct {
	full    string
	in, out protoreflect.MessageType
}

// call asks for the first page of a list.
func (m *listMethod) call(ctx context.Context, conn grpc.ClientConnInterface, q postgres.Query) error {
	req := m.in.New()
	fields := req.Descriptor().Fields()
	req.Set(fields.ByName("page_size"), protoreflect.ValueOfInt32(listPage))
	req.Set(fields.ByName("filter"), protoreflect.ValueOfString(q.Filter))
	req.Set(fields.ByName("order_by"), protoreflect.ValueOfString(q.OrderBy))
	return conn.Invoke(ctx, m.full, req.Interface(), m.out.New().Interface())
}

// listRPC finds the RPC of an area that lists the rows of a table, in the contracts:
// it answers resources of the table's kind, and takes a filter and an order. Nil where
// there is none, or only one below a parent, which an index of its own serves.
func listRPC(area string, d postgres.Def) *listMethod {
	kind := d.Kind
	if kind == "" {
		kind = d.Name
	}
	kind = strings.ReplaceAll(strings.ToLower(kind), " ", "_")
	var found *listMethod
	protoregistry.GlobalFiles.RangeFilesByPackage(protoreflect.FullName("lingkar."+area+".v1"), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for n := range methods.Len() {
				if m := methods.Get(n); found == nil && listsKind(m, kind) {
					found = methodOf(m)
				}
			}
		}
		return found == nil
	})
	return found
}

// listsKind says whether an RPC lists resources of a kind by filter and order.
func listsKind(m protoreflect.MethodDescriptor, kind string) bool {
	if !strings.HasPrefix(string(m.Name()), "List") || m.Input().Fields().ByName("parent") != nil {
		return false
	}
	for _, name := range []protoreflect.Name{"filter", "order_by", "page_size"} {
		if m.Input().Fields().ByName(name) == nil {
			return false
		}
	}
	out := m.Output().Fields()
	for i := range out.Len() {
		if f := out.Get(i); f.IsList() && f.Message() != nil && snake(string(f.Message().Name())) == kind {
			return true
		}
	}
	return false
}

func methodOf(m protoreflect.MethodDescriptor) *listMethod {
	in, inErr := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	out, outErr := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
	if inErr != nil || outErr != nil {
		return nil // its Go code is not part of this program
	}
	return &listMethod{full: "/" + string(m.Parent().FullName()) + "/" + string(m.Name()), in: in, out: out}
}

// snake writes a name as SQL does: PriceList becomes price_list.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
