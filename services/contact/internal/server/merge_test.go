package server_test

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// get answers a contact by its name.
func (a *api) get(t testing.TB, name string) *contactv1.Contact {
	t.Helper()
	return must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: name}))(t)
}

// merge merges contacts into the first one.
func (a *api) merge(t testing.TB, survivor *contactv1.Contact, others ...*contactv1.Contact) *contactv1.Contact {
	t.Helper()
	return must(a.MergeContacts(a.Ctx(), merging(survivor, others...)))(t)
}

func merging(survivor *contactv1.Contact, others ...*contactv1.Contact) *contactv1.MergeContactsRequest {
	req := &contactv1.MergeContactsRequest{Name: survivor.GetName()}
	for _, o := range others {
		req.Contacts = append(req.Contacts, o.GetName())
	}
	return req
}

// meets records an interaction with a contact.
func (a *api) meets(t testing.TB, name, title string) {
	t.Helper()
	must(a.RecordInteraction(a.Ctx(), &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
		Contact: name, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: title,
	}}))(t)
}

// history answers the titles of the interactions with a contact, in order.
func (a *api) history(t testing.TB, name string) []string {
	t.Helper()
	resp := must(a.ListInteractions(a.Ctx(), &contactv1.ListInteractionsRequest{Contact: name, PageSize: 1000}))(t)
	var titles []string
	for _, i := range resp.GetInteractions() {
		titles = append(titles, i.GetTitle())
	}
	slices.Sort(titles)
	return titles
}

// twins are two contacts of one person, who disagree on a few things.
func (a *api) twins(t testing.TB) (survivor, other *contactv1.Contact) {
	t.Helper()
	survivor = a.create(t, &contactv1.Contact{
		Kind: person, DisplayName: "Budi Santoso", JobTitle: "Buyer", Source: "web",
		Identifiers: []*contactv1.Identifier{{Kind: email, Value: "budi@example.id", Primary: true}, {Kind: card, Value: "K-1"}},
		ExternalIds: map[string]string{"sap": "1"}, Labels: map[string]string{"tier": "gold"}, Roles: []*contactv1.Role{{Kind: customer}},
	})
	other = a.create(t, &contactv1.Contact{
		Kind: person, DisplayName: "B. Santoso", JobTitle: "Head of purchasing", Note: "Likes durian.", Source: "erp", NoThirdPartySharing: true,
		Identifiers: []*contactv1.Identifier{{Kind: email, Value: "b.santoso@example.id", Primary: true}, {Kind: card, Value: "K-2"}, {Kind: device, Value: "D-2"}},
		ExternalIds: map[string]string{"sap": "2", "erp": "77"}, Labels: map[string]string{"tier": "silver", "vip": "yes"}, Roles: []*contactv1.Role{{Kind: partner}},
	})
	return survivor, other
}

// CON-22, CON-24, CON-37, A13: two records of one person become one, by rules that are data; what was not
// taken stays readable, and everything leads to the survivor.
func testMergeContacts(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-22", "CON-24", "CON-37"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		must(a.UpdateIdentityPolicy(ctx, &contactv1.UpdateIdentityPolicyRequest{IdentityPolicy: &contactv1.IdentityPolicy{
			Name: "identityPolicy", TrustedSources: []string{"erp", "web"},
			SurvivorshipRules: []*contactv1.SurvivorshipRule{{Field: "job_title", Strategy: contactv1.SurvivorshipStrategy_SURVIVORSHIP_STRATEGY_MOST_TRUSTED}},
		}}))(t)
		b, old := a.twins(t)
		a.meets(t, b.GetName(), "with B")
		a.meets(t, old.GetName(), "with A")
		req := merging(b, old)
		preview := must(a.PreviewMerge(ctx, &contactv1.PreviewMergeRequest{Name: req.GetName(), Contacts: req.GetContacts()}))(t)
		if got := a.get(t, b.GetName()); got.GetEtag() != b.GetEtag() {
			t.Error("a preview changes the contact")
		}
		got := a.merge(t, b, old)
		if !proto.Equal(without(preview.GetContact()), without(got)) {
			t.Errorf("previewed\n%v\nmerged\n%v", preview.GetContact(), got)
		}
		if got.GetJobTitle() != "Head of purchasing" || got.GetDisplayName() != "Budi Santoso" || got.GetNote() != "Likes durian." ||
			!got.GetNoThirdPartySharing() || len(got.GetIdentifiers()) != 5 || len(got.GetRoles()) != 2 ||
			!maps.Equal(got.GetExternalIds(), map[string]string{"sap": "1", "erp": "77"}) || !maps.Equal(got.GetLabels(), map[string]string{"tier": "gold", "vip": "yes"}) {
			t.Errorf("merged: %v", got)
		}
		merges := must(a.ListContactMerges(ctx, &contactv1.ListContactMergesRequest{Contact: old.GetName()}))(t).GetContactMerges()
		lost := map[string]string{}
		for _, c := range merges[0].GetConflicts() {
			lost[c.GetField()] = c.GetLostValue()
		}
		if len(merges) != 1 || lost["job_title"] != "Buyer" || lost["name"] != "B. Santoso" || lost["external_ids.sap"] != "2" || lost["labels.tier"] != "silver" {
			t.Errorf("lost values: %v", merges)
		}
		if one := must(a.GetContactMerge(ctx, &contactv1.GetContactMergeRequest{Name: merges[0].GetName()}))(t); !proto.Equal(one, merges[0]) || one.GetPolicyVersion() == 0 {
			t.Errorf("one merge: %v", one)
		}
		kept := a.get(t, old.GetName())
		if kept.GetMergedInto() != b.GetName() || kept.GetJobTitle() != old.GetJobTitle() || !slices.Equal(kept.GetAllowedActions(), []string{"UnmergeContact"}) {
			t.Errorf("the merged contact is %v", kept)
		}
		a.leadsTo(t, b, old)
		a.meets(t, old.GetName(), "late, with A")
		for _, name := range []string{b.GetName(), old.GetName()} {
			if got := a.history(t, name); !slices.Equal(got, []string{"late, with A", "with A", "with B"}) {
				t.Errorf("the history of %s is %v", name, got)
			}
		}
		_, err := other.MergeContacts(other.Ctx(), req)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		if got := must(other.ListContactMerges(other.Ctx(), &contactv1.ListContactMergesRequest{}))(t); len(got.GetContactMerges()) != 0 {
			t.Errorf("another tenant sees %v", got)
		}
		_, err = other.GetContactMerge(other.Ctx(), &contactv1.GetContactMergeRequest{Name: merges[0].GetName()})
		refused(t, err, codes.NotFound, "CONTACT_MERGE_NOT_FOUND")
	})
}

// without is a contact without what a merge gives it beside the values.
func without(c *contactv1.Contact) *contactv1.Contact {
	c = proto.CloneOf(c)
	c.UpdateTime, c.Etag = nil, ""
	return c
}

// leadsTo checks that all by which a merged contact was known leads to the survivor, and
// that it is neither listed, found nor changed any more.
func (a *api) leadsTo(t *testing.T, survivor, merged *contactv1.Contact) {
	t.Helper()
	ctx := a.Ctx()
	for name, req := range map[string]*contactv1.LookupContactRequest{
		"e-mail":      {Identifier: &contactv1.LookupContactRequest_Email{Email: "b.santoso@example.id"}},
		"card":        {Identifier: &contactv1.LookupContactRequest_Card{Card: "k2"}},
		"device":      {Identifier: &contactv1.LookupContactRequest_Device{Device: "D-2"}},
		"the same id": {Identifier: &contactv1.LookupContactRequest_ExternalId{ExternalId: &contactv1.ExternalId{System: "erp", Id: "77"}}},
		"the lost id": {Identifier: &contactv1.LookupContactRequest_ExternalId{ExternalId: &contactv1.ExternalId{System: "sap", Id: "2"}}},
		"customer id": {Identifier: &contactv1.LookupContactRequest_CustomerId{CustomerId: merged.GetCustomerId()}},
	} {
		found := must(a.LookupContact(ctx, req))(t).GetContacts()
		if len(found) != 1 || found[0].GetName() != survivor.GetName() {
			t.Errorf("%s leads to %v", name, found)
		}
	}
	upserted := must(a.UpsertContact(ctx, &contactv1.UpsertContactRequest{
		Contact: &contactv1.Contact{Kind: person, DisplayName: "Budi Santoso"}, ExternalId: &contactv1.ExternalId{System: "sap", Id: "2"},
		UpdateMask: mask("display_name", "external_ids.sap"),
	}))(t)
	if upserted.GetName() != survivor.GetName() || upserted.GetExternalIds()["sap"] != "1" {
		t.Errorf("upserted by the lost id: %v", upserted)
	}
	list := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{}))(t).GetContacts()
	search := must(a.SearchContacts(ctx, &contactv1.SearchContactsRequest{Query: "santoso"}))(t).GetContacts()
	if len(list) != 1 || len(search) != 1 {
		t.Errorf("listed %v, found %v", names(list), names(search))
	}
	_, err := a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: merged.GetName(), Note: "x"}})
	refused(t, err, codes.FailedPrecondition, "CONTACT_MERGED")
	if metadata(err)["survivor"] != survivor.GetName() {
		t.Errorf("the error names %v", metadata(err))
	}
	_, err = a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: merged.GetName()})
	refused(t, err, codes.FailedPrecondition, "CONTACT_MERGED")
}

// Consents and relationships of both are the survivor's, and each goes back to where it
// was recorded.
func testMergeContacts_family(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, _ *api) {
		ctx := a.Ctx()
		b, old := a.twins(t)
		must(a.GrantConsent(ctx, &contactv1.GrantConsentRequest{Consent: &contactv1.Consent{Contact: old.GetName(), Purpose: "newsletter"}}))(t)
		kind := must(a.CreateRelationshipType(ctx, &contactv1.CreateRelationshipTypeRequest{
			RelationshipType: &contactv1.RelationshipType{ForwardName: "works for", ReverseName: "employs"},
		}))(t)
		firm := a.create(t, &contactv1.Contact{Kind: organisation, DisplayName: "PT Maju"})
		bind := func(from *contactv1.Contact) {
			must(a.CreateRelationship(ctx, &contactv1.CreateRelationshipRequest{
				Relationship: &contactv1.Relationship{Type: kind.GetName(), FromContact: from.GetName(), ToContact: firm.GetName()},
			}))(t)
		}
		state := func(name string) (allowed bool, consents, relations int) {
			allowed = must(a.CheckConsent(ctx, &contactv1.CheckConsentRequest{Contact: name, Purpose: "newsletter", Channel: eventv1.Channel_CHANNEL_EMAIL}))(t).GetAllowed()
			consents = len(must(a.ListConsents(ctx, &contactv1.ListConsentsRequest{Contact: name}))(t).GetConsents())
			relations = len(must(a.ListRelationships(ctx, &contactv1.ListRelationshipsRequest{Contact: name}))(t).GetRelationships())
			return allowed, consents, relations
		}
		is := func(name, when string, allowed bool, consents, relations int) {
			t.Helper()
			if gotAllowed, gotConsents, gotRelations := state(name); gotAllowed != allowed || gotConsents != consents || gotRelations != relations {
				t.Errorf("%s: allowed %v, %d consents, %d relationships; want %v, %d, %d", when, gotAllowed, gotConsents, gotRelations, allowed, consents, relations)
			}
		}
		bind(old)
		is(b.GetName(), "before", false, 0, 0)
		a.merge(t, b, old)
		is(b.GetName(), "the survivor", true, 1, 1)
		is(old.GetName(), "the merged one", true, 1, 1)
		bind(b)
		must(a.RevokeConsent(ctx, &contactv1.RevokeConsentRequest{Consent: &contactv1.Consent{Contact: b.GetName(), Purpose: "newsletter"}}))(t)
		is(b.GetName(), "after a later revocation", false, 2, 2)
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: old.GetName()}))(t)
		is(old.GetName(), "taken apart, the merged one", true, 1, 1)
		is(b.GetName(), "taken apart, the survivor", false, 1, 1)
	})
}

// CON-22: taking apart gives both back what was theirs; what was written since is where its
// request named it, else with the survivor.
func testUnmergeContact(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-22"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		b, old := a.twins(t)
		a.merge(t, b, old)
		back := must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: old.GetName(), RequestId: "u1"}))(t)
		if again := must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: old.GetName(), RequestId: "u1"}))(t); !proto.Equal(again, back) {
			t.Errorf("repeated: %v", again)
		}
		if now := a.get(t, b.GetName()); !proto.Equal(without(now), without(b)) || !proto.Equal(without(back), without(old)) {
			t.Errorf("taken apart:\n%v\n%v\nwas\n%v\n%v", now, back, b, old)
		}
		if found := must(a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Card{Card: "K-2"}}))(t); found.GetContacts()[0].GetName() != old.GetName() {
			t.Errorf("the card leads to %v", found)
		}
		merged := a.merge(t, b, old)
		merged.JobTitle, merged.Labels["later"] = "Director", "yes"
		must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: merged, UpdateMask: mask("job_title", "labels")}))(t)
		a.meets(t, old.GetName(), "named A")
		a.meets(t, b.GetName(), "named B")
		back = must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: old.GetName()}))(t)
		now := a.get(t, b.GetName())
		if now.GetJobTitle() != "Director" || !maps.Equal(now.GetLabels(), map[string]string{"tier": "gold", "later": "yes"}) || now.GetNote() != "" || now.GetNoThirdPartySharing() {
			t.Errorf("the survivor with a later change: %v", now)
		}
		if !proto.Equal(without(back), without(old)) || len(now.GetIdentifiers()) != 2 {
			t.Errorf("the other: %v", back)
		}
		if got := a.history(t, old.GetName()); !slices.Equal(got, []string{"named A"}) {
			t.Errorf("its history: %v", got)
		}
		if got := a.history(t, b.GetName()); !slices.Equal(got, []string{"named B"}) {
			t.Errorf("the survivor's: %v", got)
		}
		for _, m := range must(a.ListContactMerges(ctx, &contactv1.ListContactMergesRequest{Contact: b.GetName()}))(t).GetContactMerges() {
			if m.GetUndoTime() == nil || len(m.GetConflicts()) == 0 {
				t.Errorf("a merge that was undone: %v", m)
			}
		}
		_, err := a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: old.GetName()})
		refused(t, err, codes.FailedPrecondition, "CONTACT_NOT_MERGED")
		a.merge(t, b, old)
		_, err = other.UnmergeContact(other.Ctx(), &contactv1.UnmergeContactRequest{Name: old.GetName()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// CON-32: somebody of whom only a key is known is a contact with a history. Who it is becomes
// known later: somebody new, or a contact that is there. The history is kept.
func testClaimAnonymousContact(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-32"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		keyed := func(kind contactv1.IdentifierKind, value string) *contactv1.Contact {
			return a.create(t, &contactv1.Contact{Kind: person, Identifiers: []*contactv1.Identifier{{Kind: kind, Value: value}}})
		}
		prepaid, tablet := keyed(phone, "+62 812 7777 8888"), keyed(device, "IMEI-4242")
		if !prepaid.GetAnonymous() || prepaid.GetDisplayName() != "Anonymous 8888" || !tablet.GetAnonymous() {
			t.Errorf("anonymous: %v, %v", prepaid, tablet)
		}
		a.meets(t, prepaid.GetName(), "topped up")
		a.meets(t, tablet.GetName(), "looked around")
		claim := func(req *contactv1.ClaimAnonymousContactRequest) (*contactv1.Contact, error) {
			return a.ClaimAnonymousContact(ctx, req)
		}
		details := &contactv1.Contact{Kind: person, GivenName: "Siti", FamilyName: "Nurhaliza", Identifiers: []*contactv1.Identifier{
			{Kind: phone, Value: "0812 7777 8888"}, {Kind: email, Value: "siti@example.id"},
		}}
		byDetails := &contactv1.ClaimAnonymousContactRequest{Name: prepaid.GetName(), Claimant: &contactv1.ClaimAnonymousContactRequest_Details{Details: details}}
		siti := must(claim(byDetails))(t)
		if siti.GetName() != prepaid.GetName() || siti.GetDisplayName() != "Siti Nurhaliza" || siti.GetAnonymous() || len(siti.GetIdentifiers()) != 2 {
			t.Errorf("claimed: %v", siti)
		}
		_, err := claim(byDetails)
		refused(t, err, codes.FailedPrecondition, "CONTACT_NOT_ANONYMOUS")
		byContact := &contactv1.ClaimAnonymousContactRequest{Name: tablet.GetName(), Claimant: &contactv1.ClaimAnonymousContactRequest_Contact{Contact: siti.GetName()}}
		if got := must(claim(byContact))(t); got.GetName() != siti.GetName() || len(got.GetIdentifiers()) != 3 || got.GetDisplayName() != "Siti Nurhaliza" {
			t.Errorf("claimed by a contact: %v", got)
		}
		for _, name := range []string{siti.GetName(), tablet.GetName()} {
			if got := a.history(t, name); !slices.Equal(got, []string{"looked around", "topped up"}) {
				t.Errorf("the history of %s: %v", name, got)
			}
		}
		found := must(a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Device{Device: "imei-4242"}}))(t)
		if found.GetContacts()[0].GetName() != siti.GetName() {
			t.Errorf("the device leads to %v", found)
		}
		_, err = claim(byContact)
		refused(t, err, codes.FailedPrecondition, "CONTACT_MERGED")
		budi := a.named(t, "Budi")
		for reason, req := range map[string]*contactv1.ClaimAnonymousContactRequest{
			"CONTACT_NOT_ANONYMOUS": {Name: budi.GetName(), Claimant: &contactv1.ClaimAnonymousContactRequest_Contact{Contact: siti.GetName()}},
			"CYCLE":                 {Name: budi.GetName(), Claimant: &contactv1.ClaimAnonymousContactRequest_Contact{Contact: budi.GetName()}},
		} {
			if _, err := claim(req); errs.Reason(err) != reason {
				t.Errorf("%v, want %s", err, reason)
			}
		}
		for _, nobody := range []*contactv1.Contact{
			{Kind: person, Identifiers: details.GetIdentifiers()}, {Kind: organisation, DisplayName: "PT"}, {Kind: person},
		} {
			_, err := claim(&contactv1.ClaimAnonymousContactRequest{Name: keyed(card, entity.NewID().String()).GetName(), Claimant: &contactv1.ClaimAnonymousContactRequest_Details{Details: nobody}})
			refused(t, err, codes.InvalidArgument, "")
		}
		_, err = other.ClaimAnonymousContact(other.Ctx(), byContact)
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// A chain of merges leads to its end, and is taken apart from there.
func testMergeContacts_chain(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, _ *api) {
		ctx := a.Ctx()
		x, y, z := a.holder(t, "X", card, "1"), a.holder(t, "Y", card, "2"), a.holder(t, "Z", card, "3")
		a.meets(t, x.GetName(), "with X")
		a.merge(t, y, x)
		a.merge(t, z, y)
		for _, number := range []string{"1", "2", "3"} {
			found := must(a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Card{Card: number}}))(t)
			if found.GetContacts()[0].GetName() != z.GetName() {
				t.Errorf("card %s leads to %v", number, found)
			}
		}
		if got := a.history(t, z.GetName()); !slices.Equal(got, []string{"with X"}) {
			t.Errorf("the history of the last: %v", got)
		}
		_, err := a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: x.GetName()})
		refused(t, err, codes.FailedPrecondition, "SURVIVOR_MERGED")
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: y.GetName()}))(t)
		if got := a.history(t, z.GetName()); got != nil {
			t.Errorf("the history of the last, alone: %v", got)
		}
		if got := a.history(t, y.GetName()); !slices.Equal(got, []string{"with X"}) {
			t.Errorf("the history of the middle one: %v", got)
		}
		must(a.UnmergeContact(ctx, &contactv1.UnmergeContactRequest{Name: x.GetName()}))(t)
		for _, c := range []*contactv1.Contact{x, y, z} {
			if now := a.get(t, c.GetName()); !proto.Equal(without(now), without(c)) {
				t.Errorf("%v, was %v", now, c)
			}
		}
	})
}

func testMergeContacts_refuses(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		b, old, theirs := a.named(t, "B"), a.named(t, "A"), other.named(t, "C")
		firm, gone := a.create(t, &contactv1.Contact{Kind: organisation, DisplayName: "PT"}), a.named(t, "Gone")
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: gone.GetName()}))(t)
		try := func(code codes.Code, reason string, req *contactv1.MergeContactsRequest) {
			t.Helper()
			_, err := a.MergeContacts(ctx, req)
			refused(t, err, code, reason)
		}
		try(codes.InvalidArgument, "CYCLE", merging(b, b)) // B45
		try(codes.InvalidArgument, "", merging(b))
		try(codes.InvalidArgument, "", &contactv1.MergeContactsRequest{Name: "x", Contacts: []string{"y"}})
		try(codes.NotFound, "CONTACT_NOT_FOUND", merging(b, theirs))
		try(codes.FailedPrecondition, "CONTACT_KINDS_DIFFER", merging(b, firm))
		try(codes.FailedPrecondition, "DELETED", merging(b, gone))
		stale := merging(b, old)
		stale.Etag = "stale"
		try(codes.Aborted, "ETAG_MISMATCH", stale)
		for field, from := range map[string]string{"kind": b.GetName(), "note": theirs.GetName(), "job_title": "x"} {
			req := merging(b, old)
			req.Choices = []*contactv1.MergeChoice{{Field: field, Contact: from}}
			try(codes.InvalidArgument, "", req)
		}
		checked := merging(b, old)
		checked.ValidateOnly = true
		must(a.MergeContacts(ctx, checked))(t)
		if a.get(t, old.GetName()).GetMergedInto() != "" {
			t.Error("a call that only checks merges")
		}
		a.merge(t, b, old)
		try(codes.FailedPrecondition, "CONTACT_MERGED", merging(b, old))
		try(codes.FailedPrecondition, "CONTACT_MERGED", merging(old, b))
		for _, rule := range []*contactv1.SurvivorshipRule{{Field: "kind", Strategy: 1}, {Field: "note"}, {Strategy: 1}, {Field: "note", Strategy: 9}} {
			_, err := a.UpdateIdentityPolicy(ctx, &contactv1.UpdateIdentityPolicyRequest{IdentityPolicy: &contactv1.IdentityPolicy{
				Name: "identityPolicy", SurvivorshipRules: []*contactv1.SurvivorshipRule{rule},
			}})
			refused(t, err, codes.InvalidArgument, "")
		}
	})
}
