package badinput

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// queries are texts to search for that mean something to a database (B13, B14), and
// whether nothing that is there can match them.
var queries = []struct {
	id, input, text string
	nothing         bool
}{
	{"B13", "operators alone", "foo & | !", true},
	{"B13", "brackets that are not closed", "((a", false},
	{"B13", "quotes that are not closed", `"a b`, false},
	{"B13", "a prefix and a weight", "a:*AB", false},
	{"B13", "a distance", "a <-> b <2> c", false},
	{"B13", "stop words alone", "the of and dan yang di", false},
	{"B13", "signs alone", "!!! ??? ---", true},
	{"B13", "SQL", "'; DROP TABLE contact --", true},
	{"B14", "all wildcards", `%_\`, true},
	{"B14", "any text", "%%", true},
	{"B14", "any character", "___", true},
	{"B14", "a backslash at the end", `zzzz\`, true},
}

// testSearches tries each text on every RPC that searches: none is an error, and none
// means more than its characters.
func testSearches(t *testing.T, d *desk) {
	for _, transport := range []string{testkit.GRPC, testkit.OverREST} {
		for _, q := range queries {
			t.Run(q.id+"/"+q.input+"/"+transport, func(t *testing.T) {
				testkit.Prove(t, transport, q.id)
				d.search(t, transport, func(m fuzz.Method) {
					request := searching(d, t, m, q.text)
					a, _ := d.call(t, transport, m, request)
					want{codes.OK, "", ""}.check(t, m.Name(), a, request)
					if n := results(a); q.nothing && n > 0 {
						t.Errorf("%s: %q finds %d", m.Name(), q.text, n)
					}
				})
			})
		}
		t.Run("B13/10,000 words/"+transport, func(t *testing.T) {
			testkit.Prove(t, transport, "B13")
			d.search(t, transport, func(m fuzz.Method) {
				request := searching(d, t, m, strings.Repeat("a ", 10_000))
				a, _ := d.call(t, transport, m, request)
				want{codes.InvalidArgument, "FIELD_INVALID", "query"}.check(t, m.Name(), a, request)
			})
		})
	}
}

// search runs a test on every RPC with a query.
func (d *desk) search(t *testing.T, transport string, try func(m fuzz.Method)) {
	t.Helper()
	tried := 0
	for _, m := range d.methods {
		if m.Standard("Search") && (transport == testkit.GRPC || len(m.Bindings) > 0) {
			try(m)
			tried++
		}
	}
	if tried == 0 {
		t.Error("no RPC searches")
	}
}

// searching answers a request that asks for the text and for nothing else.
func searching(d *desk, t *testing.T, m fuzz.Method, text string) proto.Message {
	t.Helper()
	request := d.baseline(t, m).ProtoReflect().New()
	request.Set(request.Descriptor().Fields().ByName("query"), protoreflect.ValueOfString(text))
	return request.Interface()
}

// results counts what a search found.
func results(a fuzz.Answer) int {
	n := 0
	for _, message := range a.Messages {
		message.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if f.IsList() {
				n += v.List().Len()
			}
			return true
		})
	}
	return n
}
