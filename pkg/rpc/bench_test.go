package rpc_test

import (
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func person() *contactv1.CreateContactRequest {
	return &contactv1.CreateContactRequest{RequestId: "0193f7a2-1111-7000-8000-000000000001", Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Ann", FamilyName: "Example", RegionCode: "ID", LanguageCode: "id",
		Identifiers:  []*contactv1.Identifier{{Kind: 1, Value: "ann@example.com"}, {Kind: 2, Value: "+6281234567"}},
		Labels:       map[string]string{"a": "b"},
		CustomFields: &structpb.Struct{Fields: map[string]*structpb.Value{"size": structpb.NewStringValue("M")}},
	}}
}

// What a create pays for the check of its form.
func BenchmarkWellFormed(b *testing.B) {
	req := person()
	for b.Loop() {
		if bad := rpc.WellFormed(req); bad != nil {
			b.Fatal(bad)
		}
	}
}

// What a create pays for the check of its form and of the contract's rules.
func BenchmarkInput(b *testing.B) {
	req := person()
	for b.Loop() {
		if err := rpc.CheckInput(req); err != nil {
			b.Fatal(err)
		}
	}
}

// A call to a handler that does nothing: client, loopback, every interceptor.
func BenchmarkCall(b *testing.B) {
	s := serve(b, &contacts{}, &views{}, nil)
	client, ctx, req := contactv1.NewContactServiceClient(s.dial(b)), as(b, auth.Admin), person()
	for b.Loop() {
		if _, err := client.CreateContact(ctx, req); err != nil {
			b.Fatal(err)
		}
	}
}
