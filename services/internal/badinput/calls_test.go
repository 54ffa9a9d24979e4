package badinput

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// callRow is a row of the catalogue about requests of one kind: a field that all of
// them have, and a value that none of them takes.
type callRow struct {
	id, input string
	// field is what is set, at the top of the request or of the resource in it.
	field protoreflect.Name
	value string
	code  codes.Code
	// reason and at are what the violation says; at is field where empty.
	reason, at string
	fits       func(fuzz.Method) bool
}

func lists(m fuzz.Method) bool {
	return m.Standard("List") && m.Desc.Input().Fields().ByName("page_token") != nil
}

// filters are lists with a filter; some only read what a parent has.
func filters(m fuzz.Method) bool { return lists(m) && m.Desc.Input().Fields().ByName("filter") != nil }

func orders(m fuzz.Method) bool { return lists(m) && m.Desc.Input().Fields().ByName("order_by") != nil }

func updates(m fuzz.Method) bool { return m.Standard("Update") && m.Resource() != nil }

// holdsEtag are the calls that name the state of a resource.
func holdsEtag(m fuzz.Method) bool {
	if updates(m) {
		return m.Resource().Message().Fields().ByName("etag") != nil
	}
	return m.Desc.Input().Fields().ByName("etag") != nil && m.Desc.Input().Fields().ByName("name") != nil
}

// callRows are tried on every RPC that they fit.
var callRows = []callRow{
	{"B09", "a negative page", "page_size", "-1", codes.InvalidArgument, "FIELD_INVALID", "", lists},
	{"B10", "a random token", "page_token", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", codes.InvalidArgument, "PAGE_TOKEN_INVALID", "", lists},
	{"B10", "a token that is no base64", "page_token", "!", codes.InvalidArgument, "PAGE_TOKEN_INVALID", "", lists},
	{"B11", "SQL", "filter", "' OR 1=1 --", codes.InvalidArgument, "FILTER_INVALID", "", filters},
	{"B11", "an unknown field", "filter", `tenant = "x"`, codes.InvalidArgument, "FILTER_INVALID", "", filters},
	{"B11", "a thousand levels", "filter", strings.Repeat("(", 1000) + `create_time > "2020-01-01T00:00:00Z"` + strings.Repeat(")", 1000), codes.InvalidArgument, "FILTER_INVALID", "", filters},
	{"B11", "21 terms", "filter", strings.TrimSuffix(strings.Repeat(`create_time > "2020-01-01T00:00:00Z" AND `, 21), " AND "), codes.InvalidArgument, "FILTER_INVALID", "", filters},
	{"B11", "a number for a time", "filter", "create_time > 7", codes.InvalidArgument, "FILTER_INVALID", "", filters},
	{"B12", "an unknown field", "order_by", "colour", codes.InvalidArgument, "ORDER_BY_INVALID", "", orders},
	{"B12", "SQL", "order_by", "create_time; DROP TABLE contact", codes.InvalidArgument, "ORDER_BY_INVALID", "", orders},
	{"B12", "an expression", "order_by", "lower(name)", codes.InvalidArgument, "ORDER_BY_INVALID", "", orders},
	{"B12", "a field twice", "order_by", "create_time, create_time", codes.InvalidArgument, "ORDER_BY_INVALID", "", orders},
	{"B15", "an unknown path", "update_mask", "tenant_id", codes.InvalidArgument, "FIELD_UNKNOWN", "", updates},
	{"B15", "a path below what has no fields", "update_mask", "etag.x", codes.InvalidArgument, "FIELD_UNKNOWN", "", updates},
	{"B25", "a stale etag", "etag", "stale", codes.Aborted, "ETAG_MISMATCH", "none", holdsEtag},
}

// testCalls tries each row on every RPC that it fits.
func testCalls(t *testing.T, d *desk) {
	before := d.state(t.Context(), t)
	for _, row := range callRows {
		for _, transport := range []string{testkit.GRPC, testkit.OverREST} {
			t.Run(fmt.Sprintf("%s/%s/%s", row.id, row.input, transport), func(t *testing.T) {
				testkit.Prove(t, transport, row.id)
				if d.each(func(m fuzz.Method) int { return d.tryCall(t, transport, m, row) }) == 0 {
					t.Error("the row fits no RPC")
				}
			})
		}
	}
	if after := d.state(t.Context(), t); after != before {
		t.Errorf("what was refused left something behind:\n%s\n%s", before, after)
	}
}

// tryCall tries a row on a method, and answers 1 where it could be sent.
func (d *desk) tryCall(t *testing.T, transport string, m fuzz.Method, row callRow) int {
	t.Helper()
	if !row.fits(m) {
		return 0
	}
	request := d.baseline(t, m)
	row.set(m, request)
	a, sent := d.call(t, transport, m, request)
	if !sent {
		return 0
	}
	if code := a.Status.Code(); d.base.Unfit(t.Context(), m) && (code == codes.NotFound || code == codes.FailedPrecondition) {
		return 1 // what it is about is hard to reach by chance, and is looked at first
	}
	w := want{row.code, row.reason, row.at}
	if w.field == "" {
		w.field = string(row.field)
	} else {
		w.field = ""
	}
	w.check(t, m.Name(), a, request)
	return 1
}

func (r callRow) set(m fuzz.Method, request proto.Message) {
	in := request.ProtoReflect()
	fuzz.Clear(in, "filter", "order_by") // which are looked at first, and may be of another list
	f := in.Descriptor().Fields().ByName(r.field)
	if f == nil || updates(m) && r.field == "etag" {
		in = in.Mutable(m.Resource()).Message()
		f = in.Descriptor().Fields().ByName(r.field)
	}
	switch {
	case f.Message() != nil:
		in.Set(f, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: []string{r.value}}).ProtoReflect()))
	case f.Kind() == protoreflect.Int32Kind:
		in.Set(f, protoreflect.ValueOfInt32(-1))
	default:
		in.Set(f, protoreflect.ValueOfString(r.value))
	}
}

// wrongNames are names that no resource of the collection can have, and what is said
// of each. Over REST some are no path.
func wrongNames(collection string) map[string]string {
	id := uuid.Must(uuid.NewV7()).String()
	return map[string]string{
		"empty": "", "another type's": "nothings/" + id, "no id": collection + "/", "a word": collection + "/x",
		"10 KB": collection + "/" + strings.Repeat("0", 10_000), "two parts": collection + "/" + id + "/" + id, "dots": collection + "/..",
		"capital letters": collection + "/" + strings.ToUpper(id),
		"braces":          collection + "/{" + id + "}", "SQL": collection + "/' OR 1=1 --",
		"version 1": collection + "/6ba7b810-9dad-11d1-80b4-00c04fd430c8", "version 4": collection + "/" + uuid.NewString(),
	}
}

// ownForm are collections whose ids are no UUIDs.
var ownForm = map[string]bool{"customers": true, "roles": true, "operations": true, "industryPacks": true}

// Row B16: what is no name of the collection is refused as such; the name of what
// does not exist, and of what is another tenant's, as not found, in the same words.
func testNames(t *testing.T, d *desk) {
	theirs := fuzz.Furnish(t.Context(), d.Suite, d.AsOther(auth.Admin, auth.Service), furnished).Pool
	before := d.state(t.Context(), t)
	for _, transport := range []string{testkit.GRPC, testkit.OverREST} {
		t.Run("B16/"+transport, func(t *testing.T) {
			testkit.Prove(t, transport, "B16")
			if d.each(func(m fuzz.Method) int { return d.tryNames(t, transport, m, theirs) }) == 0 {
				t.Error("the row fits no RPC")
			}
		})
	}
	if after := d.state(t.Context(), t); after != before {
		t.Errorf("what was refused left something behind:\n%s\n%s", before, after)
	}
}

// tryNames tries names that are wrong on a method, and answers how many.
func (d *desk) tryNames(t *testing.T, transport string, m fuzz.Method, theirs *fuzz.Pool) (tried int) {
	t.Helper()
	field, pattern := m.Named()
	collection, ok := strings.CutSuffix(pattern, "/*")
	if !ok || strings.Contains(collection, "/") || ownForm[collection] {
		return 0
	}
	try := func(name string) (fuzz.Answer, proto.Message) {
		tried++
		request := d.baseline(t, m)
		setName(request, field, name)
		a, _ := d.call(t, transport, m, request)
		return a, request
	}
	for what, name := range wrongNames(collection) {
		a, request := try(name)
		w := want{codes.InvalidArgument, "FIELD_INVALID", field}
		if transport == testkit.OverREST && (a.Status.Code() == codes.NotFound || errs.Reason(a.Status.Err()) == "PATH_INVALID" || a.Status.Code() == codes.Unimplemented) {
			continue // no path of the RPC
		}
		w.check(t, m.Name()+" of "+what, a, request)
	}
	missing, request := try(collection + "/" + uuid.Must(uuid.NewV7()).String())
	want{codes.NotFound, "", ""}.check(t, m.Name()+" of none", missing, request)
	if foreign := theirs.Names(pattern); len(foreign) > 0 {
		a, request := try(foreign[0])
		want{codes.NotFound, errs.Reason(missing.Status.Err()), ""}.check(t, m.Name()+" of another tenant's", a, request)
		if a.Status.Message() != missing.Status.Message() {
			t.Errorf("%s: another tenant's answers %q, none at all %q", m.Name(), a.Status.Message(), missing.Status.Message())
		}
	}
	return tried
}

// setName sets a field such as "name" or "lead.name".
func setName(request proto.Message, field, name string) {
	in := request.ProtoReflect()
	parts := strings.Split(field, ".")
	for _, part := range parts[:len(parts)-1] {
		in = in.Mutable(in.Descriptor().Fields().ByName(protoreflect.Name(part))).Message()
	}
	in.Set(in.Descriptor().Fields().ByName(protoreflect.Name(parts[len(parts)-1])), protoreflect.ValueOfString(name))
}
