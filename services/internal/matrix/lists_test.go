package matrix

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// A list holds what its caller may reach, and nothing else. What is deleted is in it where
// it is asked for.
func testLists(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-15")
	b.each(t, func(m fuzz.Method) {
		pattern := listed(m)
		if b.ours.creators[pattern].Desc == nil {
			return
		}
		for _, role := range auth.Roles {
			scope := b.policy[m.Full][role]
			if scope == auth.None || scope == auth.Self || role == auth.Operator {
				continue
			}
			c := b.as(role)
			found := b.list(t, c, m, pattern, false)
			b.demandListed(t, c, m, found, b.ours.own[pattern], scope == auth.All || b.ours.owned[pattern])
			b.demandListed(t, c, m, found, b.ours.team[pattern], scope == auth.All || scope == auth.Team && b.ours.owned[pattern])
			b.demandListed(t, c, m, found, b.ours.strange[pattern], scope == auth.All)
			b.demandListed(t, c, m, found, b.ours.deleted[pattern], false)
			if m.Desc.Input().Fields().ByName("show_deleted") != nil {
				found = b.list(t, c, m, pattern, true)
				b.demandListed(t, c, m, found, b.ours.deleted[pattern], scope == auth.All || b.ours.owned[pattern])
			}
		}
	})
}

func (b *board) demandListed(t *testing.T, c auth.Caller, m fuzz.Method, found []string, name string, want bool) {
	t.Helper()
	if name != "" && slices.Contains(found, name) != want {
		t.Errorf("%s as %v holds %s: %t, want %t", m.Full, c.Roles, name, !want, want)
	}
}

// listed is the pattern of the resources that a method lists; empty where it is no list.
func listed(m fuzz.Method) string {
	for i := range m.Desc.Output().Fields().Len() {
		if f := m.Desc.Output().Fields().Get(i); m.Standard("List") && f.IsList() && f.Message() != nil {
			return patternOf(f.Message())
		}
	}
	return ""
}

// list answers the names in all pages of a list.
func (b *board) list(t *testing.T, c auth.Caller, m fuzz.Method, pattern string, deleted bool) (names []string) {
	t.Helper()
	request := newRequest(m)
	in := request.ProtoReflect()
	if f := in.Descriptor().Fields().ByName("page_size"); f != nil {
		in.Set(f, protoreflect.ValueOfInt32(1000))
	}
	if f := in.Descriptor().Fields().ByName("show_deleted"); f != nil {
		in.Set(f, protoreflect.ValueOfBool(deleted))
	}
	setText(in, "parent", parent(b.ours.own[pattern]))
	for {
		a := b.ask(t, c, m, request)
		if a.Status.Code() != codes.OK {
			t.Errorf("%s as %v: %v", m.Full, c.Roles, a.Status)
			return names
		}
		names = append(names, namesIn(a.Messages[0])...)
		next := textOf(a.Messages[0], "next_page_token")
		if next == "" {
			return names
		}
		setText(in, "page_token", next)
	}
}

// namesIn are the names of the resources in an answer.
func namesIn(answer proto.Message) (names []string) {
	answer.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		for i := 0; f.IsList() && f.Message() != nil && i < v.List().Len(); i++ {
			names = append(names, textOf(v.List().Get(i).Message().Interface(), "name"))
		}
		return true
	})
	return names
}

// parent is the name that a record lies within; empty where it lies within none.
func parent(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) < 4 {
		return ""
	}
	return name[:len(name)-len(parts[len(parts)-1])-len(parts[len(parts)-2])-2]
}
