package server_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store"
)

var everything = []contactv1.ContactRelation{
	contactv1.ContactRelation_CONTACT_RELATION_RELATIONSHIPS,
	contactv1.ContactRelation_CONTACT_RELATION_INTERACTIONS,
	contactv1.ContactRelation_CONTACT_RELATION_CONSENTS,
	contactv1.ContactRelation_CONTACT_RELATION_DOCUMENTS,
}

// included answers all that can be included with a contact.
func (a *api) included(t testing.TB, name string) *contactv1.ContactRelations {
	t.Helper()
	return must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: name, Include: everything}))(t).GetIncluded()
}

// A contact comes with what a front end shows beside it: as the lists of it tell, and
// nothing of another tenant.
func testInclude(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-06", "CON-12", "CON-25", "PLT-17"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		works := a.kindOf(t, "works for", "employs")
		siti, acme := a.named(t, "Siti"), a.named(t, "Acme")
		must(a.bind(works, siti, acme))(t)
		for i := range 7 {
			a.meets(t, siti.GetName(), fmt.Sprint(i))
		}
		mail := eventv1.Channel_CHANNEL_EMAIL
		a.grant(t, &contactv1.Consent{Contact: siti.GetName(), Purpose: "news", Channel: mail})
		a.revoke(t, &contactv1.Consent{Contact: siti.GetName(), Purpose: "news", Channel: mail})
		a.grant(t, &contactv1.Consent{Contact: siti.GetName(), Purpose: "survey"})

		for range 3 {
			must(file(ctx, a, &contactv1.Document{Contact: siti.GetName(), FileName: "letter.txt"}, []byte("Dear Siti")))(t)
		}
		gone := must(file(ctx, a, &contactv1.Document{Contact: siti.GetName(), FileName: "wrong.txt"}, []byte("Dear Budi")))(t)
		must(files(a).DeleteDocument(ctx, &contactv1.DeleteDocumentRequest{Name: gone.GetName()}))(t)

		plain := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: siti.GetName()}))(t)
		if plain.GetIncluded() != nil {
			t.Errorf("nobody asked for %v", plain.GetIncluded())
		}
		got := a.included(t, siti.GetName())
		if r := got.GetRelationships(); len(r) != 1 || r[0].GetLabel() != "works for" || r[0].GetContact().GetName() != acme.GetName() || r[0].GetContact().GetDisplayName() != "Acme" || r[0].GetContact().GetCustomerId() != acme.GetCustomerId() {
			t.Errorf("related: %v", r)
		}
		if i := got.GetInteractions(); len(i) != 5 || !got.GetInteractionsTruncated() || i[0].GetTitle() != "6" {
			t.Errorf("interactions: %v %v", i, got.GetInteractionsTruncated())
		}
		states := map[string]contactv1.ConsentState{}
		for _, c := range got.GetConsents() {
			states[c.GetPurpose()] = c.GetState()
		}
		if len(got.GetConsents()) != 2 || states["news"] != contactv1.ConsentState_CONSENT_STATE_REVOKED || states["survey"] != contactv1.ConsentState_CONSENT_STATE_GRANTED {
			t.Errorf("consents: %v", got.GetConsents())
		}
		if none := a.included(t, acme.GetName()).GetDocumentCount(); got.GetDocumentCount() != 3 || none != 0 {
			t.Errorf("documents: %d and %d, want 3 and 0", got.GetDocumentCount(), none)
		}
		if back := a.included(t, acme.GetName()).GetRelationships(); len(back) != 1 || back[0].GetLabel() != "employs" || back[0].GetContact().GetName() != siti.GetName() {
			t.Errorf("from the other side: %v", back)
		}

		page := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Include: everything, PageSize: 1000}))(t)
		batch := must(a.BatchGetContacts(ctx, &contactv1.BatchGetContactsRequest{Names: []string{acme.GetName(), siti.GetName(), siti.GetName()}, Include: everything[:1]}))(t)
		for _, c := range append(page.GetContacts(), batch.GetContacts()...) {
			if len(c.GetIncluded().GetRelationships()) != 1 {
				t.Errorf("%s is listed with %v", c.GetDisplayName(), c.GetIncluded())
			}
		}
		if batch.GetContacts()[1].GetIncluded().GetInteractions() != nil {
			t.Error("what nobody asked for is included")
		}
		masked := must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: siti.GetName(), Include: everything, ReadMask: mask("display_name", "included.relationships")}))(t)
		if len(masked.GetIncluded().GetRelationships()) != 1 || masked.GetIncluded().GetConsents() != nil || masked.GetCustomerId() != "" {
			t.Errorf("by its mask: %v", masked)
		}
		names := slices.Repeat([]string{siti.GetName()}, store.MaxIncluding+1)
		_, err := a.BatchGetContacts(ctx, &contactv1.BatchGetContactsRequest{Names: names, Include: everything})
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
		for _, bad := range [][]contactv1.ContactRelation{{0}, {99}, {1, 1}} {
			_, err := a.ListContacts(ctx, &contactv1.ListContactsRequest{Include: bad})
			refused(t, err, codes.InvalidArgument, "")
		}
		stranger := other.named(t, "Siti")
		if theirs := other.included(t, stranger.GetName()); len(theirs.GetRelationships())+len(theirs.GetInteractions())+len(theirs.GetConsents())+int(theirs.GetDocumentCount()) > 0 {
			t.Errorf("another tenant is told %v", theirs)
		}
		_, err = other.GetContact(ctx, &contactv1.GetContactRequest{Name: siti.GetName(), Include: everything})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// What was merged into a contact is told with it, and relationships end at 20.
func testInclude_families(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-06"}, func(t *testing.T, a, _ *api) {
		knows := a.kindOf(t, "knows", "is known by")
		one, two := a.twins(t)
		first, second := a.named(t, "First"), a.named(t, "Second")
		must(a.bind(knows, one, first))(t)
		must(a.bind(knows, second, two))(t)
		must(a.bind(knows, one, two))(t)
		a.meets(t, two.GetName(), "with two")
		for _, c := range []*contactv1.Contact{one, two} {
			must(file(a.Ctx(), a, &contactv1.Document{Contact: c.GetName(), FileName: "letter.txt"}, []byte("Dear "+c.GetName())))(t)
		}
		a.merge(t, one, two)
		got := a.included(t, one.GetName())
		labels := map[string]string{}
		for _, r := range got.GetRelationships() {
			labels[r.GetContact().GetDisplayName()] += r.GetLabel()
		}
		if len(got.GetRelationships()) != 3 || labels["First"] != "knows" || labels["Second"] != "is known by" || len(got.GetInteractions()) != 1 || got.GetDocumentCount() != 2 {
			t.Errorf("the family is told as %v", got)
		}
		for i := range 18 {
			must(a.bind(knows, one, a.named(t, fmt.Sprint(i))))(t)
		}
		if got := a.included(t, one.GetName()); len(got.GetRelationships()) != 20 || !got.GetRelationshipsTruncated() || got.GetRelationships()[0].GetContact().GetDisplayName() != "17" {
			t.Errorf("of 21 relationships come %d", len(got.GetRelationships()))
		}
	})
}

// CON-44: a field that is hidden from the reader is hidden in what is included, too.
func testInclude_hides(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-29", "CON-44"}, func(t *testing.T, admin, _ *api) {
		works := admin.kindOf(t, "works for", "employs")
		siti, acme := admin.named(t, "Siti"), admin.named(t, "Acme")
		must(admin.bind(works, siti, acme))(t)
		admin.meets(t, siti.GetName(), "secret")
		rules := platformv1.NewFieldRuleServiceClient(admin.Conn)
		for field, kind := range map[string]string{"display_name": "Contact", "type": "Relationship", "title": "Interaction"} {
			must(rules.CreateFieldRule(admin.Ctx(), &platformv1.CreateFieldRuleRequest{FieldRule: &platformv1.FieldRule{
				ResourceType: "lingkar.dev/" + kind, Field: field, Reason: "a test",
			}}))(t)
		}
		agent := of(admin.As(s.User(admin.Caller.Tenant, "agent", auth.Agent)))
		until(t, "the rules to hold", func() bool {
			c := must(agent.GetContact(agent.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName(), Include: everything}))(t)
			r, i := c.GetIncluded().GetRelationships(), c.GetIncluded().GetInteractions()
			return c.GetDisplayName() == "" && r[0].GetType() == "" && r[0].GetLabel() == "" && r[0].GetContact().GetDisplayName() == "" &&
				r[0].GetContact().GetName() == acme.GetName() && i[0].GetTitle() == ""
		})
		if r := admin.included(t, siti.GetName()).GetRelationships(); r[0].GetLabel() != "works for" || r[0].GetContact().GetDisplayName() != "Acme" {
			t.Errorf("the administrator is told %v", r)
		}
	})
}

// Who may not get the other contact learns of the relationship alone, and who may not read
// relationships of others learns of none.
func TestInclude_recordScope(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	works := a.kindOf(t, "works for", "employs")
	siti, acme := a.named(t, "Siti"), a.named(t, "Acme")
	bond := must(a.bind(works, siti, acme))(t)
	rt := s.Services["contact"].Runtime
	kept := store.New(rt.DB, rt.Log, nil)
	for name, test := range map[string]struct {
		contacts, relationships auth.Scope
		related, told           int
	}{
		"all":                {auth.All, auth.All, 1, 1},
		"no other contacts":  {auth.Own, auth.All, 1, 0},
		"own relationships":  {auth.All, auth.Own, 0, 0},
		"team relationships": {auth.All, auth.Team, 0, 0},
		"no relationships":   {auth.All, auth.None, 0, 0},
	} {
		ctx := auth.WithScope(auth.With(t.Context(), s.User(s.Tenant, "sari", auth.Sales)), test.contacts)
		list := []*contactv1.Contact{{Name: siti.GetName()}}
		err := kept.Include(ctx, s.Tenant, list, everything[:1], func(contactv1.ContactRelation) (context.Context, bool) {
			return auth.WithScope(ctx, test.relationships), test.relationships != auth.None
		})
		got := list[0].GetIncluded().GetRelationships()
		if err != nil || len(got) != test.related {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		if len(got) == 1 && (got[0].GetRelationship() != bond.GetName() || (got[0].GetContact() != nil) != (test.told == 1)) {
			t.Errorf("%s: told %v", name, got)
		}
	}
}

// However many contacts a page has, what is included takes two round trips more; what is
// not asked for takes none.
func TestInclude_roundTrips(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	works := a.kindOf(t, "works for", "employs")
	acme := a.named(t, "Acme")
	for i := range 30 {
		c := a.named(t, fmt.Sprint(i))
		must(a.bind(works, c, acme))(t)
		a.meets(t, c.GetName(), "hello")
	}
	for size := range int32(3) {
		req := &contactv1.ListContactsRequest{PageSize: 1 + 14*size}
		for _, include := range [][]contactv1.ContactRelation{nil, everything[1:], everything} {
			req.Include = include
			least := 100
			for range 3 {
				least = min(least, s.Trips.Of(contactv1.ContactService_ListContacts_FullMethodName, func() { must(a.ListContacts(a.Ctx(), req))(t) }))
			}
			if want := map[int]int{0: 1, 3: 2, 4: 3}[len(include)]; least != want {
				t.Errorf("a page of %d with %v takes %d round trips, want %d", req.GetPageSize(), include, least, want)
			}
		}
	}
	get := s.Trips.Of(contactv1.ContactService_GetContact_FullMethodName, func() { a.get(t, acme.GetName()) })
	if get != 1 {
		t.Errorf("a contact without anything takes %d round trips", get)
	}
}
