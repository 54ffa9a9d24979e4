package portal

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// Admit answers a context that knows for which contacts a portal caller stands
// (auth.WithSelf), or why it may not come in.
type Admit func(ctx context.Context, caller auth.Caller) (context.Context, error)

// errClosed says that a field is none of a portal's.
var errClosed = errs.Denied("FIELD_NOT_OPEN", "a portal may not use this field")

// Unary holds the calls of portal callers to the window. Those of all others it lets
// through untouched.
func (w *Window) Unary(admit Admit) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if auth.ScopeFrom(ctx) != auth.Self {
			return next(ctx, req)
		}
		ctx, err := admit(ctx, auth.From(ctx))
		if err != nil {
			return nil, err
		}
		if m, ok := req.(proto.Message); ok {
			if err := w.demand(m.ProtoReflect(), call.AnswerOf(info.FullMethod)); err != nil {
				return nil, err
			}
		}
		answer, err := next(ctx, req)
		if err != nil {
			return nil, err
		}
		if m, ok := answer.(proto.Message); ok {
			w.show(m.ProtoReflect())
		}
		return answer, nil
	}
}

// demand refuses a request that holds, writes or asks by what is not open.
func (w *Window) demand(req protoreflect.Message, answer protoreflect.MessageDescriptor) error {
	if err := w.take(req, ""); err != nil {
		return err
	}
	if err := w.written(req); err != nil {
		return err
	}
	list, ok := req.Interface().(asker)
	if !ok || answer == nil {
		return nil
	}
	return w.asked(list, answer)
}

// take refuses a field that is set and not open.
func (w *Window) take(m protoreflect.Message, within string) (err error) {
	open := w.takes[m.Descriptor().FullName()]
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := within + string(f.Name())
		switch {
		case !slices.Contains(open, string(f.Name())):
			err = errClosed.With("field", path)
		case f.IsMap() || f.Message() == nil || plain(f.Message()):
		case f.IsList():
			for i := 0; err == nil && i < v.List().Len(); i++ {
				err = w.take(v.List().Get(i).Message(), path+".")
			}
		default:
			err = w.take(v.Message(), path+".")
		}
		return err == nil
	})
	return err
}

// written refuses an update_mask that names what is not open in the record that the
// request brings.
func (w *Window) written(req protoreflect.Message) error {
	f := req.Descriptor().Fields().ByName("update_mask")
	if f == nil {
		return nil
	}
	mask, _ := req.Get(f).Message().Interface().(*fieldmaskpb.FieldMask)
	for _, path := range mask.GetPaths() {
		for i := range req.Descriptor().Fields().Len() {
			record := req.Descriptor().Fields().Get(i).Message()
			if record != nil && !plain(record) && !w.opens(record, strings.Split(path, ".")) {
				return errClosed.With("field", path)
			}
		}
	}
	return nil
}

// opens says whether each part of a path may be written. What is no field at all is left
// for the update to refuse.
func (w *Window) opens(d protoreflect.MessageDescriptor, path []string) bool {
	f := d.Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case f == nil:
		return path[0] != "*"
	case !slices.Contains(w.takes[d.FullName()], path[0]):
		return false
	case len(path) == 1 || f.IsMap() || f.Message() == nil || plain(f.Message()):
		return true
	}
	return w.opens(f.Message(), path[1:])
}

// asker is a list request.
type asker interface {
	GetFilter() string
	GetOrderBy() string
}

// asked refuses a list by what its answer does not show.
func (w *Window) asked(list asker, answer protoreflect.MessageDescriptor) error {
	named, err := filter.Paths(list.GetFilter())
	if err != nil {
		return nil // the list itself says what is wrong with it
	}
	for part := range strings.SplitSeq(list.GetOrderBy(), ",") {
		if name, _, _ := strings.Cut(strings.TrimSpace(part), " "); name != "" {
			named = append(named, name)
		}
	}
	for i := range answer.Fields().Len() {
		f := answer.Fields().Get(i)
		if !f.IsList() || f.Message() == nil {
			continue
		}
		for _, path := range named {
			first, _, _ := strings.Cut(path, ".")
			if !slices.Contains(w.shows[f.Message().FullName()], first) {
				return errClosed.With("field", path)
			}
		}
	}
	return nil
}

// show clears what is not open.
func (w *Window) show(m protoreflect.Message) {
	open := w.shows[m.Descriptor().FullName()]
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case !slices.Contains(open, string(f.Name())):
			m.Clear(f)
		case f.IsMap() || f.Message() == nil || plain(f.Message()):
		case f.IsList():
			for i := range v.List().Len() {
				w.show(v.List().Get(i).Message())
			}
		default:
			w.show(v.Message())
		}
		return true
	})
}
