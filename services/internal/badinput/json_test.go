package badinput

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/rest"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// jsonRow is a row of the catalogue about JSON that is not what the OpenAPI document
// says (B02): a value that no field of a kind takes.
type jsonRow struct {
	input, value string
	fits         func(f protoreflect.FieldDescriptor) bool
}

func scalar(f protoreflect.FieldDescriptor) bool {
	return f.Message() == nil && !f.IsList() && !f.IsMap()
}

func kind(kinds ...protoreflect.Kind) func(protoreflect.FieldDescriptor) bool {
	return func(f protoreflect.FieldDescriptor) bool {
		for _, k := range kinds {
			if scalar(f) && f.Kind() == k {
				return true
			}
		}
		return false
	}
}

// object are the messages that JSON writes as objects.
func object(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && !f.IsList() && !f.IsMap() &&
		(ours(f.Message()) || f.Message().FullName() == moneyType || f.Message().FullName() == structType)
}

var numbers = kind(protoreflect.Int32Kind, protoreflect.Int64Kind)

// jsonRows are tried on the fields of every body, each on a share of them in turn.
var jsonRows = []jsonRow{
	{"an array for a scalar", `[1]`, scalar},
	{"an object for a scalar", `{"x": 1}`, scalar},
	{"a number for a text", `7`, kind(protoreflect.StringKind)},
	{"a truth value for a text", `true`, kind(protoreflect.StringKind)},
	{"a text for a number", `"many"`, numbers},
	{"a fraction for a whole number", `1.5`, numbers},
	{"a number that is too large", `99999999999999999999`, numbers},
	{"a text for a truth value", `"yes"`, kind(protoreflect.BoolKind)},
	{"a name that is no value", `"NO_SUCH_VALUE"`, kind(protoreflect.EnumKind)},
	{"a scalar for an array", `"x"`, protoreflect.FieldDescriptor.IsList},
	{"an object for an array", `{"x": 1}`, protoreflect.FieldDescriptor.IsList},
	{"an array for a map", `[]`, protoreflect.FieldDescriptor.IsMap},
	{"a scalar for an object", `7`, object},
	{"an array for an object", `[]`, object},
	{"a number for a time", `7`, func(f protoreflect.FieldDescriptor) bool { return of(timestampType)(f, nil) && !f.IsList() }},
}

// body is a request over HTTP whose body is spoilt in one place.
type body struct {
	method fuzz.Method
	// of is the message that the body is, prefix what a violation calls it.
	of     protoreflect.MessageDescriptor
	prefix string
	req    *http.Request
	fields map[string]json.RawMessage
}

// bodyOf answers the body that a method's baseline has; false where it has none.
func (d *desk) bodyOf(t *testing.T, m fuzz.Method) (b body, ok bool) {
	t.Helper()
	if len(m.Bindings) == 0 || m.Bindings[0].Body == "" {
		return b, false
	}
	b = body{method: m, of: m.Desc.Input()}
	if name := m.Bindings[0].Body; name != "*" {
		f := b.of.Fields().ByName(protoreflect.Name(name))
		if f == nil || f.Message() == nil {
			return b, false
		}
		b.of, b.prefix = f.Message(), name+"."
	}
	var err error
	if b.req, err = rest.Request(t.Context(), d.HTTP, m.Full, d.baseline(t, m)); err != nil {
		t.Fatalf("%s: %v", m.Name(), err)
	}
	raw, err := io.ReadAll(b.req.Body)
	if err != nil {
		t.Fatal(err)
	}
	b.fields = map[string]json.RawMessage{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &b.fields); err != nil {
			t.Fatalf("%s: %v", m.Name(), err)
		}
	}
	return b, true
}

// with answers the request with one more field, in JSON as it is, which may be none.
func (b body) with(t *testing.T, name, value string) *http.Request {
	t.Helper()
	was, has := b.fields[name]
	b.fields[name] = json.RawMessage(`"<here>"`)
	defer func() {
		if delete(b.fields, name); has {
			b.fields[name] = was
		}
	}()
	text, err := json.Marshal(b.fields)
	if err != nil {
		t.Fatal(err)
	}
	return b.sending(bytes.Replace(text, []byte(`"\u003chere\u003e"`), []byte(value), 1))
}

// sending answers the request with another body.
func (b body) sending(content []byte) *http.Request {
	req := b.req.Clone(b.req.Context())
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	req.GetBody = nil
	return req
}

// testJSON tries what no client that keeps to the OpenAPI document sends: wrong types
// in fields of every body, fields and parameters that nobody knows, and bodies
// that are no object.
func testJSON(t *testing.T, d *desk) {
	before := d.state(t.Context(), t)
	for n, row := range jsonRows {
		t.Run("B02/"+row.input, func(t *testing.T) {
			testkit.Prove(t, testkit.OverREST, "B02")
			tried := 0
			for k, m := range d.methods {
				b, ok := d.bodyOf(t, m)
				if !ok {
					continue
				}
				for i := range b.of.Fields().Len() {
					f := b.of.Fields().Get(i)
					if !row.fits(f) || (n+k+i)%everyREST != 0 {
						continue
					}
					a, _ := d.send(t, m, b.with(t, f.JSONName(), row.value))
					want{codes.InvalidArgument, "FIELD_INVALID", b.prefix + string(f.Name())}.check(t, m.Name(), a, nil)
					tried++
				}
			}
			if tried == 0 {
				t.Error("the row fits no field, so it shows nothing")
			}
		})
	}
	t.Run("B02/whole", func(t *testing.T) { testBodies(t, d) })
	t.Run("B02/parameters", func(t *testing.T) { testParameters(t, d) })
	if after := d.state(t.Context(), t); after != before {
		t.Errorf("what was refused left something behind:\n%s\n%s", before, after)
	}
}

// testBodies spoils bodies as a whole, on a share of the methods that have one: what is
// done with them is the same for all.
func testBodies(t *testing.T, d *desk) {
	testkit.Prove(t, testkit.OverREST, "B02", "B03")
	for k, m := range d.methods {
		b, ok := d.bodyOf(t, m)
		if !ok || k%everyREST != 0 {
			continue
		}
		name := strings.TrimSuffix(b.prefix, ".")
		for input, test := range map[string]struct {
			req  *http.Request
			want want
		}{
			"a field that nobody knows": {b.with(t, "colour", `"red"`), want{codes.InvalidArgument, "FIELD_UNKNOWN", b.prefix + "colour"}},
			"a field twice":             {b.sending([]byte(`{"colour": 1, "colour": 2}`)), want{codes.InvalidArgument, "", ""}},
			"an array":                  {b.sending([]byte(`[]`)), want{codes.InvalidArgument, "FIELD_INVALID", name}},
			"a scalar":                  {b.sending([]byte(`7`)), want{codes.InvalidArgument, "FIELD_INVALID", name}},
			"half an object":            {b.sending([]byte(`{"x": `)), want{codes.InvalidArgument, "", name}},
			"two objects":               {b.sending([]byte(`{}{}`)), want{codes.InvalidArgument, "", name}},
			"100 levels":                {b.sending([]byte(strings.Repeat(`{"x":`, 100) + "1" + strings.Repeat("}", 100))), want{codes.InvalidArgument, "", ""}},
			"a megabyte and more":       {b.sending([]byte(`{"x": "` + strings.Repeat("x", 1<<20) + `"}`)), want{codes.ResourceExhausted, "REQUEST_TOO_LARGE", ""}},
		} {
			a, _ := d.send(t, m, test.req)
			test.want.check(t, fmt.Sprintf("%s of %s", m.Name(), input), a, nil)
		}
		compressed := b.sending([]byte(`{}`))
		compressed.Header = compressed.Header.Clone()
		compressed.Header.Set("Content-Encoding", "gzip")
		if a, _ := d.send(t, m, compressed); a.HTTP != http.StatusUnsupportedMediaType {
			t.Errorf("%s: a compressed body answers %d", m.Name(), a.HTTP)
		}
	}
}

// testParameters adds parameters to every read.
func testParameters(t *testing.T, d *desk) {
	testkit.Prove(t, testkit.OverREST, "B02", "B43")
	for _, m := range d.methods {
		if !m.Reads() {
			continue
		}
		for parameters, w := range map[string]want{
			"colour=red":            {codes.InvalidArgument, "FIELD_UNKNOWN", "colour"},
			"pageSize=many":         {codes.InvalidArgument, "FIELD_INVALID", "page_size"},
			"pageSize=1&pageSize=2": {codes.InvalidArgument, "FIELD_DUPLICATE", "page_size"},
			"pageSize=1.5":          {codes.InvalidArgument, "FIELD_INVALID", "page_size"},
		} {
			if m.Desc.Input().Fields().ByName("page_size") == nil && strings.HasPrefix(parameters, "page") {
				continue
			}
			request := d.baseline(t, m)
			fuzz.Clear(request.ProtoReflect(), "page_size")
			a, _ := d.send(t, m, asked(t, d, m, request, parameters))
			w.check(t, m.Name()+"?"+parameters, a, request)
		}
	}
}

// asked answers the HTTP request with more parameters.
func asked(t *testing.T, d *desk, m fuzz.Method, request proto.Message, parameters string) *http.Request {
	t.Helper()
	req, err := rest.Request(t.Context(), d.HTTP, m.Full, request)
	if err != nil {
		t.Fatalf("%s: %v", m.Name(), err)
	}
	if req.URL.RawQuery != "" {
		parameters = req.URL.RawQuery + "&" + parameters
	}
	req.URL.RawQuery = parameters
	return req
}
