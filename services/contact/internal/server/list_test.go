package server_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Towards CON-39: contacts are listed by role, owner, country and mark.
func testListContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		for _, p := range []*contactv1.Contact{
			{Kind: person, DisplayName: "Éva", Owner: "users/a", RegionCode: "HU", Labels: map[string]string{"tier": "gold"}},
			{Kind: person, DisplayName: "budi", Owner: "users/b", Team: "teams/x", RegionCode: "ID", Roles: []*contactv1.Role{{Kind: partner}}},
			{Kind: organisation, DisplayName: "Ace Supplies", Owner: "users/a", RegionCode: "ID", Source: "import", Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_SUPPLIER}}},
			{Kind: person, DisplayName: "Zoë", Owner: "users/b", LanguageCode: "nl", NoThirdPartySharing: true},
		} {
			a.create(t, p)
		}
		other.create(t, &contactv1.Contact{Kind: person, DisplayName: "Foreign", Owner: "users/a", RegionCode: "ID"})
		for _, q := range []struct {
			filter, order string
			want          []string
		}{
			{"", "", []string{"Zoë", "Ace Supplies", "budi", "Éva"}},
			{"", "display_name", []string{"Ace Supplies", "budi", "Éva", "Zoë"}},
			{"", "display_name desc", []string{"Zoë", "Éva", "budi", "Ace Supplies"}},
			{"", "create_time", []string{"Éva", "budi", "Ace Supplies", "Zoë"}},
			{`owner = "users/a"`, "", []string{"Ace Supplies", "Éva"}},
			{`team = "teams/x"`, "create_time", []string{"budi"}},
			{`kind = CONTACT_KIND_ORGANISATION`, "", []string{"Ace Supplies"}},
			{`region_code = "ID"`, "create_time", []string{"budi", "Ace Supplies"}},
			{`region_code = "ID" AND kind = CONTACT_KIND_PERSON`, "", []string{"budi"}},
			{`display_name = "eva"`, "", []string{"Éva"}},
			{`labels.tier = "gold"`, "", []string{"Éva"}},
			{`roles:PARTNER`, "", []string{"budi"}},
			{`roles.SUPPLIER = "open"`, "", []string{"Ace Supplies"}},
			{`no_third_party_sharing = true`, "", []string{"Zoë"}},
			{`source = "import" OR language_code = "nl"`, "create_time", []string{"Ace Supplies", "Zoë"}},
			{`customer_id = "C-000002"`, "", []string{"budi"}},
		} {
			got := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: q.filter, OrderBy: q.order}))(t)
			if !slices.Equal(names(got.GetContacts()), q.want) {
				t.Errorf("filter %q, order %q: %v, want %v", q.filter, q.order, names(got.GetContacts()), q.want)
			}
		}
		for _, bad := range []*contactv1.ListContactsRequest{
			{Filter: "tenant = 1"}, {Filter: "key_id = 1"}, {Filter: `display_name = "' OR 1=1 --`}, {OrderBy: "note"}, {OrderBy: "create_time;"}, {PageSize: -1}, {PageToken: "forged"},
		} {
			_, err := a.ListContacts(ctx, bad)
			refused(t, err, codes.InvalidArgument, "")
		}
	})
}

func testListContacts_pages(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		req := &contactv1.BatchCreateContactsRequest{}
		for n := range 25 {
			req.Requests = append(req.Requests, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{Kind: person, DisplayName: fmt.Sprintf("P%02d", n)}})
		}
		must(a.BatchCreateContacts(ctx, req))(t)
		var seen []string
		token := ""
		for range 4 {
			got := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: 10, PageToken: token, OrderBy: "display_name"}))(t)
			seen = append(seen, names(got.GetContacts())...)
			if token = got.GetNextPageToken(); token == "" {
				break
			}
			_, err := other.ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: 10, PageToken: token, OrderBy: "display_name"})
			refused(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
		}
		if len(seen) != 25 || !slices.IsSorted(seen) {
			t.Errorf("pages gave %v", seen)
		}
	})
}

func testBatchCreateContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		req := &contactv1.BatchCreateContactsRequest{RequestId: "batch-1"}
		for n := range 300 {
			req.Requests = append(req.Requests, &contactv1.CreateContactRequest{Contact: holding(fmt.Sprint("B", n), card, fmt.Sprint("c", n))})
		}
		made := must(a.BatchCreateContacts(ctx, req))(t).GetContacts()
		again := must(a.BatchCreateContacts(ctx, req))(t).GetContacts()
		if len(made) != 300 || made[0].GetName() != again[0].GetName() || made[299].GetDisplayName() != "B299" {
			t.Fatalf("made %d, again %d", len(made), len(again))
		}
		var ask contactv1.BatchGetContactsRequest
		for n := len(made) - 1; n >= 0; n-- {
			ask.Names = append(ask.Names, made[n].GetName())
		}
		got := must(a.BatchGetContacts(ctx, &ask))(t).GetContacts()
		if len(got) != 300 || got[0].GetDisplayName() != "B299" {
			t.Errorf("read %d, the first %v", len(got), got[0])
		}
		_, err := other.BatchGetContacts(ctx, &ask)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		ask.Names = append(ask.Names, "contacts/"+entity.NewID().String())
		_, err = a.BatchGetContacts(ctx, &ask)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")

		before := len(must(a.ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: 1000}))(t).GetContacts())
		bad := &contactv1.BatchCreateContactsRequest{Requests: []*contactv1.CreateContactRequest{
			{Contact: holding("Fine", card, "new")}, {Contact: holding("Taken", card, "c7")},
		}}
		_, err = a.BatchCreateContacts(ctx, bad)
		refused(t, err, codes.AlreadyExists, "CONTACT_CARD_TAKEN")
		bad.Requests[1].Contact = holding("Wrong", email, "nobody")
		_, err = a.BatchCreateContacts(ctx, bad)
		violates(t, err, "requests[1].contact.identifiers[0].value", "EMAIL_INVALID")
		if after := len(must(a.ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: 1000}))(t).GetContacts()); after != before {
			t.Errorf("a refused batch left %d contacts", after-before)
		}
	})
}
