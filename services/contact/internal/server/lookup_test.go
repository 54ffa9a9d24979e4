package server_test

import (
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Towards CON-25 and A14: the Customer ID alone, or any other identifier, in any spelling, finds the
// contact.
func testLookupContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti := a.create(t, whole(t))
		spouse := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Spouse", Identifiers: []*contactv1.Identifier{
			{Kind: email, Value: "siti.n@example.co.id"}, {Kind: phone, Value: "+6281234567890", Extension: "5"},
		}})
		both := []string{siti.GetName(), spouse.GetName()}
		for name, q := range map[string]struct {
			req  *contactv1.LookupContactRequest
			want []string
		}{
			"e-mail":        {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Email{Email: "SITI.N@example.co.ID"}}, both},
			"phone":         {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Phone{Phone: "(0812) 3456 7890"}}, both},
			"phone abroad":  {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Phone{Phone: "0062 812 3456 7890"}, RegionCode: "DE"}, both},
			"unknown phone": {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Phone{Phone: "021 5550000"}}, nil},
			"card":          {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Card{Card: "771234"}}, both[:1]},
			"device":        {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Device{Device: "imei 35-209900-176148-1"}}, both[:1]},
			"external id":   {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_ExternalId{ExternalId: &contactv1.ExternalId{System: "sap", Id: "4711"}}}, both[:1]},
			"customer id":   {&contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_CustomerId{CustomerId: "c-1"}}, both[:1]},
		} {
			got := must(a.LookupContact(ctx, q.req))(t)
			var found []string
			for _, p := range got.GetContacts() {
				found = append(found, p.GetName())
			}
			slices.Sort(found)
			slices.Sort(q.want)
			if !slices.Equal(found, q.want) || got.GetHiddenCount() != 0 {
				t.Errorf("%s: %v, want %v", name, found, q.want)
			}
			theirs, err := other.LookupContact(ctx, q.req)
			if len(theirs.GetContacts()) != 0 || err != nil && errs.Reason(err) != "CONTACT_NOT_FOUND" {
				t.Errorf("%s: another tenant finds %v, %v", name, theirs, err)
			}
		}
		for field, req := range map[string]*contactv1.LookupContactRequest{
			"email":       {Identifier: &contactv1.LookupContactRequest_Email{Email: "nobody"}},
			"phone":       {Identifier: &contactv1.LookupContactRequest_Phone{Phone: "12"}},
			"customer_id": {Identifier: &contactv1.LookupContactRequest_CustomerId{CustomerId: "123"}},
			"card":        {Identifier: &contactv1.LookupContactRequest_Card{Card: " - "}},
		} {
			_, err := a.LookupContact(ctx, req)
			violates(t, err, field, "")
		}
		_, err := a.LookupContact(ctx, &contactv1.LookupContactRequest{})
		refused(t, err, codes.InvalidArgument, "")
	})
}

func testSearchContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		for _, name := range []string{"Siti Nurhaliza", "Budi Santoso", "Müller-Lüdenscheidt GmbH", "Joko Widodo"} {
			a.named(t, name)
		}
		a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Ani", OrganisationName: "PT Sumber Makmur"})
		other.named(t, "Siti Foreign")
		for query, want := range map[string]string{
			"siti nurhaliza":      "Siti Nurhaliza",
			"Nurhalisa":           "Siti Nurhaliza", // a typing error
			"santoso, budi":       "Budi Santoso",   // another order
			"muller ludenscheidt": "Müller-Lüdenscheidt GmbH",
			"sumber makmur":       "Ani",
			"xylophone":           "",
			"%_\\":                "", // B14
			"foo & | !":           "", // B13
		} {
			got := names(must(a.SearchContacts(ctx, &contactv1.SearchContactsRequest{Query: query}))(t).GetContacts())
			if want == "" && len(got) != 0 || want != "" && (len(got) == 0 || got[0] != want) {
				t.Errorf("%q finds %v, want %q", query, got, want)
			}
		}
		if got := names(must(other.SearchContacts(ctx, &contactv1.SearchContactsRequest{Query: "siti"}))(t).GetContacts()); !slices.Equal(got, []string{"Siti Foreign"}) {
			t.Errorf("another tenant finds %v", got)
		}
	})
}

func testUpsertContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		upsert := func(a *api, note, request string, paths ...string) *contactv1.Contact {
			req := &contactv1.UpsertContactRequest{
				Contact:    &contactv1.Contact{Kind: person, DisplayName: "Shop customer", Note: note},
				ExternalId: &contactv1.ExternalId{System: "shopify", Id: "9"}, RequestId: request,
			}
			if paths != nil {
				req.UpdateMask = mask(paths...)
			}
			return must(a.UpsertContact(ctx, req))(t)
		}
		first := upsert(a, "one", "r1")
		if first.GetExternalIds()["shopify"] != "9" {
			t.Errorf("created without its external id: %v", first)
		}
		if replay := upsert(a, "one", "r1"); replay.GetName() != first.GetName() || replay.GetEtag() != first.GetEtag() {
			t.Errorf("repeated: %v", replay)
		}
		second := upsert(a, "two", "r2")
		if second.GetName() != first.GetName() || second.GetNote() != "two" || second.GetCustomerId() != first.GetCustomerId() {
			t.Errorf("updated: %v", second)
		}
		if third := upsert(a, "three", "", "display_name"); third.GetNote() != "two" {
			t.Errorf("written beyond the mask: %v", third)
		}
		if theirs := upsert(other, "x", ""); theirs.GetName() == first.GetName() {
			t.Error("another tenant's contact was updated")
		}
	})
}

// Many calls that bring the same new external id at once make one contact.
func testUpsertContact_race(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	made := make([]*contactv1.Contact, 12)
	var wg sync.WaitGroup
	for n := range made {
		wg.Go(func() {
			var err error
			made[n], err = a.UpsertContact(a.Ctx(), &contactv1.UpsertContactRequest{
				Contact:    &contactv1.Contact{Kind: person, DisplayName: "Twin"},
				ExternalId: &contactv1.ExternalId{System: "erp", Id: "1"},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, p := range made {
		if p.GetName() != made[0].GetName() {
			t.Fatalf("%s beside %s", p.GetName(), made[0].GetName())
		}
	}
}
