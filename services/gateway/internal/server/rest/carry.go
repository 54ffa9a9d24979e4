package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// preconditions are what the headers of a request ask for beside its message.
type preconditions struct {
	// ifMatch is the etag that the resource must have; empty for any.
	ifMatch string
	// ifNoneMatch is the header as it came.
	ifNoneMatch string
	// maskGiven says that the caller named the fields to update itself.
	maskGiven bool
	// request is the request, for links to others like it.
	request *http.Request
}

type preconditionsKey struct{}

var errIfMatch = errs.Invalid("etag", "", "If-Match must be one ETag in double quotes, or *")

// withPreconditions reads the headers and answers a context that knows them.
func withPreconditions(ctx context.Context, r *http.Request) (context.Context, error) {
	p := preconditions{ifNoneMatch: strings.Join(r.Header.Values("If-None-Match"), ","), request: r}
	query := r.URL.Query()
	p.maskGiven = query.Has("update_mask") || query.Has("updateMask")
	if want := strings.Join(r.Header.Values("If-Match"), ","); want != "" && want != "*" {
		etag, ok := strings.CutPrefix(want, `"`)
		etag, closed := strings.CutSuffix(etag, `"`)
		if !ok || !closed || etag == "" || strings.Contains(etag, `"`) || !utf8.ValidString(etag) {
			return ctx, errIfMatch
		}
		p.ifMatch = etag
	}
	return context.WithValue(ctx, preconditionsKey{}, p), nil
}

func preconditionsOf(ctx context.Context) preconditions {
	p, _ := ctx.Value(preconditionsKey{}).(preconditions)
	return p
}

// carrying puts what the headers say into the messages that go over the
// connection.
type carrying struct{ grpc.ClientConnInterface }

// Invoke implements grpc.ClientConnInterface.
func (c carrying) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	p := preconditionsOf(ctx)
	message := args.(proto.Message).ProtoReflect()
	if err := setEtag(message, p.ifMatch); err != nil {
		return err
	}
	spellMasks(message)
	if p.request != nil && p.request.Method == http.MethodPatch && !p.maskGiven {
		trimMask(message)
	}
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

var errEtags = errs.Invalid("etag", "", "the etag in the body is another than that of If-Match")

// setEtag sets the etag of the request, or of the resource in it.
func setEtag(m protoreflect.Message, etag string) error {
	if etag == "" {
		return nil
	}
	field := m.Descriptor().Fields().ByName("etag")
	if resource := m.Descriptor().Fields().ByNumber(1); field == nil && singular(resource) {
		m = m.Mutable(resource).Message()
		field = m.Descriptor().Fields().ByName("etag")
	}
	if field == nil || field.Kind() != protoreflect.StringKind {
		return nil
	}
	if given := m.Get(field).String(); given != "" && given != etag {
		return errEtags
	}
	m.Set(field, protoreflect.ValueOfString(etag))
	return nil
}

func singular(f protoreflect.FieldDescriptor) bool {
	return f != nil && f.Message() != nil && !f.IsList() && !f.IsMap()
}

// spellMasks spells the masks of a request as the contract does: as parameters
// they come in the names of JSON.
func spellMasks(m protoreflect.Message) {
	for _, name := range []protoreflect.Name{"update_mask", "read_mask"} {
		field := m.Descriptor().Fields().ByName(name)
		if field == nil || !m.Has(field) {
			continue
		}
		mask, ok := m.Get(field).Message().Interface().(*fieldmaskpb.FieldMask)
		if !ok {
			continue
		}
		for i, path := range mask.GetPaths() {
			mask.Paths[i] = spell(path)
		}
	}
}

// spell answers a path in snake case. Below custom_fields the names are the
// tenant's own.
func spell(path string) string {
	top, rest, nested := strings.Cut(path, ".")
	if top = snakeCase(top); !nested {
		return top
	}
	if top != "custom_fields" {
		rest = spell(rest)
	}
	return top + "." + rest
}

func snakeCase(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// trimMask works on a mask that grpc-gateway made of the body of a PATCH, down to
// the innermost field. What counts is the fields of the resource that the body
// names, each as a whole, as an update without a mask counts them over gRPC. A
// caller that sends back what it has read names fields that it cannot write: those
// are left out.
func trimMask(m protoreflect.Message) {
	field, resource := m.Descriptor().Fields().ByName("update_mask"), m.Descriptor().Fields().ByNumber(1)
	if field == nil || !m.Has(field) || !singular(resource) {
		return
	}
	mask, ok := m.Get(field).Message().Interface().(*fieldmaskpb.FieldMask)
	if !ok {
		return
	}
	kept := &fieldmaskpb.FieldMask{}
	for _, path := range mask.GetPaths() {
		top, _, _ := strings.Cut(path, ".")
		f := resource.Message().Fields().ByName(protoreflect.Name(top))
		if f != nil && top != "etag" && !readOnly(f) && !slices.Contains(kept.Paths, top) {
			kept.Paths = append(kept.Paths, top)
		}
	}
	m.Set(field, protoreflect.ValueOfMessage(kept.ProtoReflect()))
}

func readOnly(f protoreflect.FieldDescriptor) bool {
	behaviours, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	for _, b := range behaviours {
		if b == annotations.FieldBehavior_OUTPUT_ONLY || b == annotations.FieldBehavior_IDENTIFIER {
			return true
		}
	}
	return false
}
