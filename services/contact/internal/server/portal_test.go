package server_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

func portalsOf(a *api) contactv1.PortalServiceClient { return contactv1.NewPortalServiceClient(a.Conn) }

// playing makes a contact with something in every field that plays the roles.
func (a *api) playing(t testing.TB, name string, roles ...contactv1.RoleKind) *contactv1.Contact {
	t.Helper()
	c := whole(t)
	c.DisplayName, c.Identifiers, c.ExternalIds, c.Roles = name, nil, nil, nil
	for _, role := range roles {
		c.Roles = append(c.Roles, &contactv1.Role{Kind: role})
	}
	return must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: c, AllowDuplicates: true}))(t)
}

// admit gives access for a contact.
func (a *api) admit(t testing.TB, contact string, roles ...contactv1.RoleKind) *contactv1.PortalAccess {
	t.Helper()
	return must(portalsOf(a).CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{
		PortalAccess: &contactv1.PortalAccess{Contact: contact, Roles: roles},
	}))(t)
}

// enter answers the contact of an access as a caller, by a token that was asked for.
func (a *api) enter(t testing.TB, access *contactv1.PortalAccess) *api {
	t.Helper()
	token := must(portalsOf(a).IssuePortalToken(a.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()}))(t)
	return of(a.Bearing(token.GetToken()))
}

func feedback(contact string) *contactv1.RecordFactRequest {
	return &contactv1.RecordFactRequest{Fact: &contactv1.Fact{Contact: contact, Source: "sap", Content: &contactv1.Fact_InvestorFeedback{
		InvestorFeedback: &contactv1.InvestorFeedback{Topic: "Dividend", Text: "Too low"},
	}}}
}

// CON-43, PLT-01: an investor registers, gets access, reads what is published, asks and is
// answered, joins the mailing list and leaves it, gives feedback and says how to reach it.
func testPortal(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-43", "PLT-01"}, func(t *testing.T, a, _ *api) {
		siti := a.playing(t, "Siti", investing, customer)
		access := a.admit(t, siti.GetName(), investing)
		if access.GetState() != contactv1.PortalAccessState_PORTAL_ACCESS_STATE_ACTIVE || !slices.Contains(access.GetAllowedActions(), "IssuePortalToken") {
			t.Errorf("given %v", access)
		}
		me := a.enter(t, access)
		seen := must(me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName()}))(t)
		want := &contactv1.Contact{
			Name: siti.Name, CustomerId: siti.CustomerId, Kind: siti.Kind, DisplayName: siti.DisplayName, GivenName: siti.GivenName, FamilyName: siti.FamilyName,
			OrganisationName: siti.OrganisationName, JobTitle: siti.JobTitle, Birthday: siti.Birthday, Addresses: siti.Addresses, Preference: siti.Preference,
			Roles: siti.Roles, LanguageCode: siti.LanguageCode, RegionCode: siti.RegionCode, NoThirdPartySharing: true,
			CreateTime: siti.CreateTime, UpdateTime: siti.UpdateTime, Etag: siti.Etag,
		}
		if !proto.Equal(seen, want) {
			t.Errorf("sees\n%v\nwant\n%v", seen, want)
		}
		me.reads(t, a, s)
		me.asks(t, a, siti.GetName())
		me.consents(t, a, siti.GetName(), access.GetName())
		told := must(contactv1.NewFactServiceClient(me.Conn).RecordFact(me.Ctx(), feedback(siti.GetName())))(t)
		if told.GetInvestorFeedback().GetText() != "Too low" || told.GetSource() != "" {
			t.Errorf("told %v", told)
		}
		if kept := must(a.facts().GetFact(a.Ctx(), &contactv1.GetFactRequest{Name: told.GetName()}))(t); kept.GetSource() != "portal" || kept.GetActor() != access.GetName() {
			t.Errorf("its feedback is from %q, by %q", kept.GetSource(), kept.GetActor())
		}
		moved := must(me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{
			Name: siti.GetName(), Addresses: []*contactv1.Address{{Label: "home", Locality: "Bandung"}}, LanguageCode: "en", Etag: seen.GetEtag(),
		}}))(t)
		if moved.GetAddresses()[0].GetLocality() != "Bandung" || moved.GetNote() != "" {
			t.Errorf("moved %v", moved)
		}
		if kept := a.get(t, siti.GetName()); kept.GetNote() == "" || kept.GetLanguageCode() != "en" {
			t.Errorf("kept %v", kept)
		}
	})
}

// reads looks at what is published: for its role, from its time on.
func (me *api) reads(t *testing.T, a *api, s *testkit.Suite) {
	t.Helper()
	publish := func(code string, audience contactv1.RoleKind, at time.Duration) *contactv1.Publication {
		p := &contactv1.Publication{
			Kind: contactv1.PublicationKind_PUBLICATION_KIND_FINANCIAL_REPORT, Audience: audience, Code: code, LanguageCode: "id", Title: code, Labels: map[string]string{"a": "b"},
		}
		if at != 0 {
			p.PublishTime = timestamppb.New(s.Clock.Now().Add(at))
		}
		return must(investorsOf(a).CreatePublication(a.Ctx(), &contactv1.CreatePublicationRequest{Publication: p}))(t)
	}
	shown := []string{publish("annual-2024", investing, -time.Hour).GetName(), publish("annual-2025", investing, -time.Minute).GetName()}
	for _, hidden := range []*contactv1.Publication{publish("draft", investing, 0), publish("later", investing, time.Hour), publish("prices", customer, -time.Hour)} {
		_, err := investorsOf(me).GetPublication(me.Ctx(), &contactv1.GetPublicationRequest{Name: hidden.GetName()})
		refused(t, err, codes.NotFound, "PUBLICATION_NOT_FOUND")
	}
	var listed []string
	for token := ""; ; {
		page := must(investorsOf(me).ListPublications(me.Ctx(), &contactv1.ListPublicationsRequest{PageSize: 1, PageToken: token, OrderBy: "publish_time", Filter: `language_code = "id"`}))(t)
		for _, p := range page.GetPublications() {
			if len(p.GetLabels()) > 0 {
				t.Errorf("shows %v", p)
			}
			listed = append(listed, p.GetName())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if !slices.Equal(listed, shown) {
		t.Errorf("listed %v, want %v", listed, shown)
	}
	if p := must(investorsOf(me).GetPublication(me.Ctx(), &contactv1.GetPublicationRequest{Name: shown[0]}))(t); p.GetTitle() != "annual-2024" {
		t.Errorf("read %v", p)
	}
}

// asks asks a question, which one of the staff answers.
func (me *api) asks(t *testing.T, a *api, contact string) {
	t.Helper()
	asked := must(investorsOf(me).CreateInformationRequest(me.Ctx(), &contactv1.CreateInformationRequestRequest{
		InformationRequest: &contactv1.InformationRequest{Contact: contact, Channel: eventv1.Channel_CHANNEL_WEB, Subject: "Dividend", Question: "When?"}, RequestId: "ask",
	}))(t)
	answer := &contactv1.AnswerInformationRequestRequest{Name: asked.GetName(), Answer: "In June."}
	_, err := investorsOf(me).AnswerInformationRequest(me.Ctx(), answer)
	refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	must(investorsOf(a).AnswerInformationRequest(a.Ctx(), answer))(t)
	list := must(investorsOf(me).ListInformationRequests(me.Ctx(), &contactv1.ListInformationRequestsRequest{}))(t).GetInformationRequests()
	if len(list) != 1 || list[0].GetAnswer() != "In June." || list[0].GetAnswerer() != "" || len(list[0].GetAllowedActions()) > 0 {
		t.Errorf("is told %v", list)
	}
}

// consents joins the mailing list and leaves it.
func (me *api) consents(t *testing.T, a *api, contact, actor string) {
	t.Helper()
	given := me.grant(t, &contactv1.Consent{Contact: contact, Purpose: "investor-news", TextVersion: "2026-1"})
	if kept := must(a.GetConsent(a.Ctx(), &contactv1.GetConsentRequest{Name: given.GetName()}))(t); kept.GetActor() != actor || kept.GetSource() != "portal" || given.GetActor() != "" {
		t.Errorf("given %v, kept %v", given, kept)
	}
	if !me.check(t, contact, "investor-news", 0).GetAllowed() {
		t.Error("it joined, and is not on the list")
	}
	me.revoke(t, &contactv1.Consent{Contact: contact, Purpose: "investor-news"})
	if check := me.check(t, contact, "investor-news", 0); check.GetAllowed() || check.GetProof().GetActor() != "" {
		t.Errorf("it left: %v", check)
	}
	if list := must(me.ListConsents(me.Ctx(), &contactv1.ListConsentsRequest{Contact: contact}))(t).GetConsents(); len(list) != 2 {
		t.Errorf("its consents are %v", list)
	}
}

// PLT-01: what is another's is answered like what is not there, in lists it is not, and
// what the staff does nobody does through a portal.
func testPortal_others(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-43", "PLT-01"}, func(t *testing.T, a, other *api) {
		siti, budi := a.playing(t, "Siti", investing), a.playing(t, "Budi", investing)
		access := a.admit(t, siti.GetName(), investing)
		me, him := a.enter(t, access), a.enter(t, a.admit(t, budi.GetName(), investing))
		ask := func(by *api, of string) (*contactv1.InformationRequest, error) {
			return investorsOf(by).CreateInformationRequest(by.Ctx(), &contactv1.CreateInformationRequestRequest{
				InformationRequest: &contactv1.InformationRequest{Contact: of, Subject: "Dividend"},
			})
		}
		asked := must(ask(him, budi.GetName()))(t)
		consented := him.grant(t, &contactv1.Consent{Contact: budi.GetName(), Purpose: "investor-news"})
		nobody := "contacts/" + uuid.Must(uuid.NewV7()).String()
		for _, contact := range []string{budi.GetName(), nobody} {
			for call, err := range map[string]error{
				"get":      second(me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: contact})),
				"update":   second(me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: contact, LanguageCode: "en"}})),
				"ask":      second(ask(me, contact)),
				"feedback": second(contactv1.NewFactServiceClient(me.Conn).RecordFact(me.Ctx(), feedback(contact))),
				"grant":    second(me.GrantConsent(me.Ctx(), &contactv1.GrantConsentRequest{Consent: &contactv1.Consent{Contact: contact, Purpose: "investor-news"}})),
				"revoke":   second(me.RevokeConsent(me.Ctx(), &contactv1.RevokeConsentRequest{Consent: &contactv1.Consent{Contact: contact, Purpose: "investor-news"}})),
				"object":   second(me.ObjectToProcessing(me.Ctx(), &contactv1.ObjectToProcessingRequest{Consent: &contactv1.Consent{Contact: contact, Purpose: "investor-news"}})),
				"check":    second(me.CheckConsent(me.Ctx(), &contactv1.CheckConsentRequest{Contact: contact, Purpose: "investor-news"})),
			} {
				if refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND"); t.Failed() {
					t.Fatalf("%s of %s", call, contact)
				}
			}
		}
		_, err := investorsOf(me).GetInformationRequest(me.Ctx(), &contactv1.GetInformationRequestRequest{Name: asked.GetName()})
		refused(t, err, codes.NotFound, "INFORMATION_REQUEST_NOT_FOUND")
		_, err = me.GetConsent(me.Ctx(), &contactv1.GetConsentRequest{Name: consented.GetName()})
		refused(t, err, codes.NotFound, "CONSENT_NOT_FOUND")
		for _, contact := range []string{"", budi.GetName(), nobody} {
			if list := must(me.ListConsents(me.Ctx(), &contactv1.ListConsentsRequest{Contact: contact}))(t); len(list.GetConsents()) > 0 {
				t.Errorf("lists consents of %q: %v", contact, list)
			}
			if list := must(investorsOf(me).ListInformationRequests(me.Ctx(), &contactv1.ListInformationRequestsRequest{Contact: contact}))(t); len(list.GetInformationRequests()) > 0 {
				t.Errorf("lists what %q asked: %v", contact, list)
			}
		}
		for call, err := range map[string]error{
			"ListContacts":       second(me.ListContacts(me.Ctx(), &contactv1.ListContactsRequest{})),
			"LookupContact":      second(me.LookupContact(me.Ctx(), &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_CustomerId{CustomerId: "C-000001"}})),
			"DeleteContact":      second(me.DeleteContact(me.Ctx(), &contactv1.DeleteContactRequest{Name: siti.GetName()})),
			"AssignRole":         second(me.AssignRole(me.Ctx(), &contactv1.AssignRoleRequest{Name: siti.GetName(), Role: &contactv1.Role{Kind: partner}})),
			"ListInteractions":   second(me.ListInteractions(me.Ctx(), &contactv1.ListInteractionsRequest{Contact: siti.GetName()})),
			"ListFacts":          second(contactv1.NewFactServiceClient(me.Conn).ListFacts(me.Ctx(), &contactv1.ListFactsRequest{Contact: siti.GetName()})),
			"ExportContactData":  second(rightsOf(me).ExportContactData(me.Ctx(), &contactv1.ExportContactDataRequest{Name: siti.GetName()})),
			"GetPortalAccess":    second(portalsOf(me).GetPortalAccess(me.Ctx(), &contactv1.GetPortalAccessRequest{Name: access.GetName()})),
			"IssuePortalToken":   second(portalsOf(me).IssuePortalToken(me.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()})),
			"CreatePortalAccess": second(portalsOf(me).CreatePortalAccess(me.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Contact: siti.GetName(), Roles: []contactv1.RoleKind{investing}}})),
		} {
			if refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED"); t.Failed() {
				t.Fatal(call)
			}
		}
		abroad := of(a.As(s.Portal(other.Caller.Tenant, siti.GetName(), access.GetName())))
		_, err = abroad.GetContact(abroad.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName()})
		refused(t, err, codes.PermissionDenied, "PORTAL_ACCESS_MISSING")
		// An access of hers does not make anybody him.
		posing := of(a.As(s.Portal(a.Caller.Tenant, budi.GetName(), access.GetName())))
		_, err = posing.GetContact(posing.Ctx(), &contactv1.GetContactRequest{Name: budi.GetName()})
		refused(t, err, codes.PermissionDenied, "PORTAL_ACCESS_MISSING")
	})
}

// second is the error of a call.
func second[T any](_ T, err error) error { return err }

// PLT-01: what is not open is not written, whatever a request brings, nor asked by.
func testPortal_massAssignment(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01"}, func(t *testing.T, a, _ *api) {
		siti := a.playing(t, "Siti", investing)
		me := a.enter(t, a.admit(t, siti.GetName(), investing))
		for field, c := range map[string]*contactv1.Contact{
			"note": {Note: "pays"}, "owner": {Owner: "users/me"}, "team": {Team: "teams/0190a000-0000-7000-8000-0000000000aa"}, "source": {Source: "x"},
			"labels": {Labels: map[string]string{"tier": "gold"}}, "external_ids": {ExternalIds: map[string]string{"sap": "1"}},
			"roles": {Roles: []*contactv1.Role{{Kind: employee}}}, "display_name": {DisplayName: "Queen"}, "custom_fields": whole(t),
			"identifiers": {Identifiers: []*contactv1.Identifier{{Kind: card, Value: "77 12-34"}}},
		} {
			c.Name = siti.GetName()
			_, err := me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: c})
			if refused(t, err, codes.PermissionDenied, "FIELD_NOT_OPEN"); t.Failed() {
				t.Fatal(field)
			}
		}
		bare := &contactv1.Contact{Name: siti.GetName(), LanguageCode: "en"}
		for how, err := range map[string]error{
			"mask of all":    second(me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti.GetName(), Kind: person}, UpdateMask: mask("*")})),
			"mask of a note": second(me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: bare, UpdateMask: mask("language_code", "note")})),
			"allow_missing":  second(me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti.GetName(), Kind: person}, AllowMissing: true})),
			"include":        second(me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName(), Include: []contactv1.ContactRelation{1}})),
			"show_deleted":   second(investorsOf(me).ListInformationRequests(me.Ctx(), &contactv1.ListInformationRequestsRequest{ShowDeleted: true})),
			"filter":         second(investorsOf(me).ListPublications(me.Ctx(), &contactv1.ListPublicationsRequest{Filter: `create_time > "2020-01-01T00:00:00Z"`})),
			"another fact": second(contactv1.NewFactServiceClient(me.Conn).RecordFact(me.Ctx(), &contactv1.RecordFactRequest{Fact: &contactv1.Fact{
				Contact: siti.GetName(), Source: "portal", Content: &contactv1.Fact_MarketNote{MarketNote: &contactv1.MarketNote{Kind: 1, Topic: "x"}},
			}})),
			"a consent of long ago": second(me.GrantConsent(me.Ctx(), &contactv1.GrantConsentRequest{Consent: &contactv1.Consent{
				Contact: siti.GetName(), Purpose: "investor-news", OccurredAt: timestamppb.New(time.Unix(1, 0)),
			}})),
		} {
			if refused(t, err, codes.PermissionDenied, "FIELD_NOT_OPEN"); t.Failed() {
				t.Fatal(how)
			}
		}
		_, err := me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: bare, UpdateMask: mask("colour")})
		refused(t, err, codes.InvalidArgument, "FIELD_UNKNOWN")
		if kept := a.get(t, siti.GetName()); !proto.Equal(kept, siti) {
			t.Errorf("it became %v", kept)
		}
	})
}

// PLT-01: whoever the company's identity provider knows comes in by its token, as the
// contact of the access that has its subject, and as no other.
func testPortal_provider(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01"}, func(t *testing.T, a, _ *api) {
		siti, budi := a.playing(t, "Siti", partner), a.playing(t, "Budi", partner)
		give := &contactv1.PortalAccess{Contact: siti.GetName(), Roles: []contactv1.RoleKind{partner}, Subject: "idp|4711"}
		access := must(portalsOf(a).CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: give}))(t)
		_, err := portalsOf(a).CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: give})
		refused(t, err, codes.AlreadyExists, "PORTAL_SUBJECT_TAKEN")
		come := func(subject string, as *contactv1.Contact) error {
			c := s.Portal(a.Caller.Tenant, as.GetName(), access.GetName())
			c.Subject, c.Access = "users/"+subject, uuid.Nil
			me := of(a.As(c))
			return second(me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: as.GetName()}))
		}
		if err := come("idp|4711", siti); err != nil {
			t.Error(err)
		}
		refused(t, come("idp|4711", budi), codes.PermissionDenied, "PORTAL_ACCESS_MISSING")
		refused(t, come("idp|4712", siti), codes.PermissionDenied, "PORTAL_ACCESS_MISSING")
		must(portalsOf(a).RevokePortalAccess(a.Ctx(), &contactv1.RevokePortalAccessRequest{Name: access.GetName()}))(t)
		refused(t, come("idp|4711", siti), codes.PermissionDenied, "PORTAL_ACCESS_MISSING")
		again := must(portalsOf(a).CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: give}))(t)
		if err := come("idp|4711", siti); err != nil {
			t.Error(err)
		}
		must(rightsOf(a).EraseContact(a.Ctx(), &contactv1.EraseContactRequest{Name: siti.GetName(), Reason: askedFor}))(t)
		refused(t, come("idp|4711", siti), codes.PermissionDenied, "PORTAL_ACCESS_MISSING")
		if left := must(portalsOf(a).GetPortalAccess(a.Ctx(), &contactv1.GetPortalAccessRequest{Name: again.GetName()}))(t); left.GetSubject() != "" || left.GetState() != contactv1.PortalAccessState_PORTAL_ACCESS_STATE_REVOKED {
			t.Errorf("of the erased contact is left %v", left)
		}
	})
}

// PLT-01, CON-22: the access of a contact that was merged holds for the survivor, with
// what either is about, and for its own again once they are taken apart.
func testPortal_merged(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01", "CON-22"}, func(t *testing.T, a, _ *api) {
		stays, goes := a.playing(t, "Siti Nurhaliza", investing), a.playing(t, "Siti N.", investing)
		me := a.enter(t, a.admit(t, goes.GetName(), investing))
		me.grant(t, &contactv1.Consent{Contact: goes.GetName(), Purpose: "investor-news"})
		theirs := a.grant(t, &contactv1.Consent{Contact: stays.GetName(), Purpose: "investor-news"})
		a.merge(t, stays, goes)
		if seen := must(me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: goes.GetName()}))(t); seen.GetMergedInto() != stays.GetName() {
			t.Errorf("it is told of no survivor: %v", seen)
		}
		must(me.UpdateContact(me.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: stays.GetName(), LanguageCode: "en"}}))(t)
		if list := must(me.ListConsents(me.Ctx(), &contactv1.ListConsentsRequest{}))(t).GetConsents(); len(list) != 2 {
			t.Errorf("lists %v", list)
		}
		access := a.admit(t, stays.GetName(), investing)
		token := must(portalsOf(a).IssuePortalToken(a.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()}))(t)
		if token.GetContact() != stays.GetName() || !slices.Equal(token.GetRoles(), []contactv1.RoleKind{investing}) {
			t.Errorf("the token is of %v", token)
		}
		must(a.UnmergeContact(a.Ctx(), &contactv1.UnmergeContactRequest{Name: goes.GetName()}))(t)
		_, err := me.GetConsent(me.Ctx(), &contactv1.GetConsentRequest{Name: theirs.GetName()})
		refused(t, err, codes.NotFound, "CONSENT_NOT_FOUND")
		_, err = me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: stays.GetName()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}
