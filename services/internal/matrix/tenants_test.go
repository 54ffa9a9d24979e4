package matrix

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// A name of another tenant's record, wherever in a request, is answered as one that
// nothing has.
func testTenants(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	b.each(t, func(m fuzz.Method) {
		for _, r := range m.References() {
			for _, pattern := range r.Patterns {
				if foreign := b.theirs.strange[pattern]; foreign != "" && !shared[pattern] {
					b.demandAlike(t, b.head, m, r, pattern, foreign)
				}
			}
		}
	})
}

// shared are the patterns of what is the same in every tenant.
var shared = map[string]bool{"roles/*": true, "industryPacks/*": true}

const asItIs = "as it is"

// spoils are what else may be wrong with a request: whoever looks at that first tells
// what is there.
var spoils = map[string]func(m fuzz.Method, request proto.Message){
	asItIs: func(fuzz.Method, proto.Message) {},
	"with an etag that it has not": func(m fuzz.Method, request proto.Message) {
		in := request.ProtoReflect()
		if m.Standard("Update") {
			in = in.Mutable(m.Resource()).Message()
		}
		setText(in, "etag", "stale")
	},
	"with a mask that nothing has": func(_ fuzz.Method, request proto.Message) {
		in := request.ProtoReflect()
		if f := in.Descriptor().Fields().ByName("update_mask"); f != nil {
			mask := in.Mutable(f).Message()
			mask.Mutable(mask.Descriptor().Fields().ByName("paths")).List().Append(protoreflect.ValueOfString("colour"))
		}
	},
}

// doubts is how often two streams are compared again that differ.
const doubts = 5

// demandAlike fails the test where a name that the caller may not reach is answered
// otherwise than one that nothing has.
func (b *board) demandAlike(t *testing.T, c auth.Caller, m fuzz.Method, r fuzz.Reference, pattern, hidden string) {
	t.Helper()
	nothing := b.ours.missing(pattern)
	base := b.ours.base.Of(t.Context(), m)
	harmless(m, base)
	b.ours.base.Refer(m, base, r, nothing)
	for how, spoil := range spoils {
		spoiled := proto.Clone(base)
		spoil(m, spoiled)
		if how != asItIs && proto.Equal(spoiled, base) {
			continue
		}
		ask := func(name string) string {
			b.ours.base.Refer(m, spoiled, r, name)
			return told(b.ask(t, c, m, spoiled), name)
		}
		missing, got := ask(nothing), ask(hidden)
		for n := 0; got != missing && m.Desc.IsStreamingServer() && n < doubts; n++ { // one of two streams may have said nothing yet
			missing, got = ask(nothing), ask(hidden)
		}
		if got != missing {
			t.Errorf("%s as %v, %s, with %s %s:\n  answers %s\n  and of none %s\n  %v", m.Full, c.Roles, how, r, hidden, got, missing, spoiled)
			return
		}
	}
}

// told is what an answer says, with the name that was asked for left out. Of a success
// it is that it is one.
func told(a fuzz.Answer, name string) string {
	if a.Status.Err() == nil || a.Cut {
		return "OK"
	}
	said := fmt.Sprintf("%v %q %v", a.Status.Code(), a.Status.Message(), a.Status.Details())
	said = strings.ReplaceAll(said, name, "<name>")
	for _, id := range ids.FindAllString(name, -1) {
		said = strings.ReplaceAll(said, id, "<id>")
	}
	return strings.Join(strings.Fields(said), " ")
}
