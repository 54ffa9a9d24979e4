package views

import (
	"slices"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/rpc"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	_ "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/savedview"
)

// Each kind of records that a view can be of has a list that takes one, and the other way
// round.
func TestLists_areThoseOfTheContract(t *testing.T) {
	t.Parallel()
	field := (&platformv1.SavedView{}).ProtoReflect().Descriptor().Fields().ByName("resource")
	rules, _ := proto.GetExtension(field.Options(), validate.E_Field).(*validate.FieldRules)
	var found []string
	for name, l := range lists() {
		if name == l.resource {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	if want := rules.GetString().GetIn(); !slices.Equal(found, want) {
		t.Errorf("lists of %v take a view, and a view can be of %v", found, want)
	}
}

// A view is written into what the request does not say itself.
func TestWrite(t *testing.T) {
	t.Parallel()
	v := &savedview.View{Filter: "a = 1 OR b = 2", Order: "create_time", PageSize: 7, Columns: []string{"custom_fields.tier", "labels.x", "custom_fields.age", "identifiers.value"}}
	for name, test := range map[string]struct {
		request, want *contactv1.ListContactsRequest
	}{
		"of nothing": {&contactv1.ListContactsRequest{}, &contactv1.ListContactsRequest{Filter: v.Filter, OrderBy: v.Order, PageSize: 7}},
		"of its own": {
			&contactv1.ListContactsRequest{Filter: "c = 3", OrderBy: "display_name", PageSize: 2, PageToken: "t"},
			&contactv1.ListContactsRequest{Filter: "(a = 1 OR b = 2) AND (c = 3)", OrderBy: "display_name", PageSize: 2, PageToken: "t"},
		},
	} {
		lists()["contacts"].write(v, test.request.ProtoReflect())
		if got := test.request.GetReadMask().GetPaths(); !slices.Equal(got, []string{"name", "custom_fields", "labels", "identifiers.value"}) {
			t.Errorf("%s: the columns are %v", name, got)
		}
		if test.request.ReadMask = nil; !proto.Equal(test.request, test.want) {
			t.Errorf("%s: became %v, want %v", name, test.request, test.want)
		}
	}
}

// What cannot be read is left as it is, for the service to refuse.
func TestNames(t *testing.T) {
	t.Parallel()
	wire, err := proto.Marshal(&contactv1.ListContactsRequest{Filter: "x", SavedView: Default})
	if err != nil {
		t.Fatal(err)
	}
	number := lists()["contacts"].carrier.Number()
	for of, want := range map[string]bool{string(wire): true, "": false, string(wire[:2]): false, "\xff\xff\xff": false, string(wire[:3]): false} {
		if got := names((&rpc.Frame{Payload: []byte(of)}).Payload, number); got != want {
			t.Errorf("%q names a view: %v", of, got)
		}
	}
}
