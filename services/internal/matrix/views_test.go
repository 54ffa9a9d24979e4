package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// frontDoor is the area whose server takes the calls on all areas.
const frontDoor = "platform"

// A saved view completes the list of its records, whatever these are: by its filter, in
// its order and pages, with its columns; for nobody of another tenant (PLT-17).
func testViews(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-17")
	tried := 0
	for _, m := range b.methods {
		if listed(m) == "" || m.Desc.Input().Fields().ByName("saved_view") == nil {
			continue
		}
		tried++
		t.Run(m.Name(), func(t *testing.T) { b.demandView(t, m) })
	}
	if tried < 5 {
		t.Errorf("%d lists take a view", tried)
	}
}

// demandView makes a view of the two newest records of a list, one a page, and demands
// that the list shows them so.
func (b *board) demandView(t *testing.T, m fuzz.Method) {
	resource, _, _ := strings.Cut(listed(m), "/")
	all := b.recordsBy(t, m, b.head, map[protoreflect.Name]string{"order_by": "create_time desc"}, 2)
	if len(all) != 2 {
		t.Fatalf("there are %d %s", len(all), resource)
	}
	views := platformv1.NewSavedViewServiceClient(b.Conn(frontDoor, b.head))
	made, err := views.CreateSavedView(t.Context(), &platformv1.CreateSavedViewRequest{SavedView: &platformv1.SavedView{
		DisplayName: "the newest " + resource, Resource: resource, OrderBy: "create_time desc", PageSize: 1, Columns: []string{"create_time"},
		Filter: fmt.Sprintf("create_time >= %q", createTime(all[1]).Format(time.RFC3339Nano)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var shown []proto.Message
	request := newRequest(m)
	setText(request.ProtoReflect(), "saved_view", made.GetName())
	for more := true; more; {
		a := fuzz.CallGRPC(t.Context(), b.Conn(frontDoor, b.head), m, fuzz.Wire(request))
		if a.Status.Code() != codes.OK {
			t.Fatal(a.Status)
		}
		page := recordsIn(a.Messages[0])
		if len(page) > 1 {
			t.Errorf("a page holds %d records", len(page))
		}
		shown = append(shown, page...)
		token := textOf(a.Messages[0], "next_page_token")
		setText(request.ProtoReflect(), "page_token", token)
		more = token != ""
	}
	want := all
	for _, r := range want {
		keepOnly(r, "name", "create_time")
	}
	if !slices.EqualFunc(shown, want, proto.Equal) {
		t.Errorf("the view shows %v, want %v", shown, want)
	}
	request = newRequest(m)
	setText(request.ProtoReflect(), "saved_view", made.GetName())
	for what, refused := range map[string]struct {
		through grpc.ClientConnInterface
		reason  string
	}{
		"another tenant":   {b.Conn(frontDoor, b.User(b.Other, "head", everything...)), "SAVED_VIEW_NOT_FOUND"},
		"past the gateway": {b.Route(b.head), errs.FieldInvalid},
	} {
		if a := fuzz.CallGRPC(t.Context(), refused.through, m, fuzz.Wire(request)); errs.Reason(a.Status.Err()) != refused.reason {
			t.Errorf("%s: %v, want %s", what, a.Status, refused.reason)
		}
	}
}

// recordsBy answers the first page of a list.
func (b *board) recordsBy(t *testing.T, m fuzz.Method, c auth.Caller, texts map[protoreflect.Name]string, size int32) []proto.Message {
	t.Helper()
	request := newRequest(m)
	for field, text := range texts {
		setText(request.ProtoReflect(), field, text)
	}
	request.ProtoReflect().Set(m.Desc.Input().Fields().ByName("page_size"), protoreflect.ValueOfInt32(size))
	a := b.ask(t, c, m, request)
	if a.Status.Code() != codes.OK {
		t.Fatal(a.Status)
	}
	return recordsIn(a.Messages[0])
}

// recordsIn are the resources in the answer of a list.
func recordsIn(answer proto.Message) (records []proto.Message) {
	list := answer.ProtoReflect().Get(answer.ProtoReflect().Descriptor().Fields().ByNumber(1)).List()
	for i := range list.Len() {
		records = append(records, list.Get(i).Message().Interface())
	}
	return records
}

func createTime(record proto.Message) time.Time {
	m := record.ProtoReflect()
	at, _ := m.Get(m.Descriptor().Fields().ByName("create_time")).Message().Interface().(*timestamppb.Timestamp)
	return at.AsTime()
}

// keepOnly clears all other fields.
func keepOnly(record proto.Message, names ...string) {
	record.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !slices.Contains(names, string(f.Name())) {
			record.ProtoReflect().Clear(f)
		}
		return true
	})
}
