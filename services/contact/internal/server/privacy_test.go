package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// rights are the services of the contact area that serve a person's rights.
type rights struct {
	contactv1.PurposeServiceClient
	contactv1.PrivacyServiceClient
}

func rightsOf(a *api) rights {
	return rights{contactv1.NewPurposeServiceClient(a.Conn), contactv1.NewPrivacyServiceClient(a.Conn)}
}

// purpose puts a purpose on file.
func (r rights) purpose(t testing.TB, a *api, p *contactv1.Purpose) *contactv1.Purpose {
	t.Helper()
	if p.GetDisplayName() == "" {
		p.DisplayName = p.GetCode()
	}
	return must(r.CreatePurpose(a.Ctx(), &contactv1.CreatePurposeRequest{Purpose: p}))(t)
}

const (
	byConsent   = contactv1.LegalBasis_LEGAL_BASIS_CONSENT
	byLaw       = contactv1.LegalBasis_LEGAL_BASIS_LEGAL_OBLIGATION
	byInterest  = contactv1.LegalBasis_LEGAL_BASIS_LEGITIMATE_INTEREST
	forWhatever = eventv1.Channel_CHANNEL_UNSPECIFIED
)

// CON-44: what data is used for, by what right and for how long is data of the tenant.
func testPurposes(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		made := r.purpose(t, a, &contactv1.Purpose{
			Code: "bookkeeping", DisplayName: "Bookkeeping", LegalBasis: byLaw, RetentionDays: 3650, Roles: []contactv1.RoleKind{customer},
		})
		if got := must(r.GetPurpose(ctx, &contactv1.GetPurposeRequest{Name: made.GetName()}))(t); got.GetRetentionDays() != 3650 || got.GetRoles()[0] != customer {
			t.Errorf("read %v", got)
		}
		_, err := r.CreatePurpose(ctx, &contactv1.CreatePurposeRequest{Purpose: &contactv1.Purpose{Code: "bookkeeping", DisplayName: "Again", LegalBasis: byLaw}})
		refused(t, err, codes.AlreadyExists, "PURPOSE_CODE_TAKEN")
		changed := must(r.UpdatePurpose(ctx, &contactv1.UpdatePurposeRequest{
			Purpose: &contactv1.Purpose{Name: made.GetName(), RetentionDays: 1, Etag: made.GetEtag()}, UpdateMask: mask("retention_days"),
		}))(t)
		if changed.GetRetentionDays() != 1 || changed.GetDisplayName() != "Bookkeeping" {
			t.Errorf("changed %v", changed)
		}
		list := must(r.ListPurposes(ctx, &contactv1.ListPurposesRequest{Filter: `legal_basis = "LEGAL_BASIS_LEGAL_OBLIGATION"`}))(t).GetPurposes()
		if len(list) != 1 {
			t.Errorf("listed %v", list)
		}
		for field, p := range map[string]*contactv1.Purpose{
			"purpose.code":         {Code: "Book keeping", DisplayName: "x", LegalBasis: byLaw},
			"purpose.legal_basis":  {Code: "x", DisplayName: "x"},
			"purpose.consent_days": {Code: "x", DisplayName: "x", LegalBasis: byLaw, ConsentDays: 1},
			"purpose.roles":        {Code: "x", DisplayName: "x", LegalBasis: byConsent, Roles: []contactv1.RoleKind{customer}},
		} {
			_, err := r.CreatePurpose(ctx, &contactv1.CreatePurposeRequest{Purpose: p})
			violates(t, err, field, "")
		}
		_, err = r.UpdatePurpose(ctx, &contactv1.UpdatePurposeRequest{Purpose: &contactv1.Purpose{Name: made.GetName(), Code: "other"}, UpdateMask: mask("code")})
		violates(t, err, "purpose.code", "")
		must(r.DeletePurpose(ctx, &contactv1.DeletePurposeRequest{Name: made.GetName()}))(t)
		again := r.purpose(t, a, &contactv1.Purpose{Code: "bookkeeping", LegalBasis: byLaw})
		_, err = r.UndeletePurpose(ctx, &contactv1.UndeletePurposeRequest{Name: made.GetName()})
		refused(t, err, codes.AlreadyExists, "PURPOSE_CODE_TAKEN")

		theirs := rightsOf(other)
		_, err = theirs.GetPurpose(ctx, &contactv1.GetPurposeRequest{Name: again.GetName()})
		refused(t, err, codes.NotFound, "PURPOSE_NOT_FOUND")
		if list := must(theirs.ListPurposes(ctx, &contactv1.ListPurposesRequest{}))(t).GetPurposes(); len(list) != 0 {
			t.Errorf("another tenant reads %v", list)
		}
		agent := rightsOf(of(a.As(s.User(a.Caller.Tenant, "agnes", auth.Agent))))
		_, err = agent.CreatePurpose(ctx, &contactv1.CreatePurposeRequest{Purpose: &contactv1.Purpose{Code: "y", DisplayName: "y", LegalBasis: byLaw}})
		refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// CON-44, purpose limitation: the right on which a purpose rests decides where the
// ledger is silent; an objection ends every use but what a law demands.
func testCheckConsent_purposes(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-44"}, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		siti := a.named(t, "Siti").GetName()
		law := r.purpose(t, a, &contactv1.Purpose{Code: "bookkeeping", LegalBasis: byLaw})
		r.purpose(t, a, &contactv1.Purpose{Code: "profiling", LegalBasis: byInterest})
		r.purpose(t, a, &contactv1.Purpose{Code: "newsletter", LegalBasis: byConsent, ConsentDays: 30})
		rightsOf(other).purpose(t, other, &contactv1.Purpose{Code: "marketing", LegalBasis: byInterest})
		expect := func(purpose string, reason contactv1.ConsentReason, allowed bool) *contactv1.CheckConsentResponse {
			t.Helper()
			got := a.check(t, siti, purpose, forWhatever)
			if got.GetReason() != reason || got.GetAllowed() != allowed {
				t.Errorf("%s: %v, want %s", purpose, got, reason)
			}
			return got
		}
		if got := expect("bookkeeping", contactv1.ConsentReason_CONSENT_REASON_LEGAL_OBLIGATION, true); got.GetRule() != law.GetName() || got.GetLegalBasis() != byLaw {
			t.Errorf("the rule is not told: %v", got)
		}
		expect("profiling", contactv1.ConsentReason_CONSENT_REASON_LEGITIMATE_INTEREST, true)
		expect("marketing", contactv1.ConsentReason_CONSENT_REASON_NEVER_GRANTED, false) // what another tenant's purpose rests on is its own affair
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "newsletter", OccurredAt: timestamppb.New(s.Clock.Now().AddDate(0, 0, -31))})
		expect("newsletter", contactv1.ConsentReason_CONSENT_REASON_EXPIRED, false)
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "newsletter", OccurredAt: timestamppb.New(s.Clock.Now().AddDate(0, 0, -29))})
		expect("newsletter", contactv1.ConsentReason_CONSENT_REASON_GRANTED, true)

		for _, purpose := range []string{"profiling", "bookkeeping", "newsletter"} {
			no := must(a.ObjectToProcessing(ctx, &contactv1.ObjectToProcessingRequest{Consent: &contactv1.Consent{Contact: siti, Purpose: purpose, Evidence: "letter"}}))(t)
			if no.GetState() != contactv1.ConsentState_CONSENT_STATE_OBJECTED {
				t.Errorf("recorded %v", no)
			}
		}
		if got := expect("profiling", contactv1.ConsentReason_CONSENT_REASON_OBJECTED, false); got.GetProof().GetEvidence() != "letter" {
			t.Errorf("the proof is %v", got.GetProof())
		}
		expect("newsletter", contactv1.ConsentReason_CONSENT_REASON_OBJECTED, false)
		expect("bookkeeping", contactv1.ConsentReason_CONSENT_REASON_LEGAL_OBLIGATION, true)
		_, err := a.ObjectToProcessing(ctx, &contactv1.ObjectToProcessingRequest{Consent: &contactv1.Consent{
			Contact: siti, Purpose: "profiling", ExpireTime: timestamppb.New(s.Clock.Now().Add(time.Hour)),
		}})
		violates(t, err, "consent.expire_time", "")
		_, err = other.ObjectToProcessing(ctx, &contactv1.ObjectToProcessingRequest{Consent: &contactv1.Consent{Contact: siti, Purpose: "profiling"}})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// CON-44: a restricted contact is kept, can be put right, and is not used.
func testRestrictContact(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx, r := a.Ctx(), rightsOf(a)
		siti := a.named(t, "Siti").GetName()
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "marketing"})
		first := must(r.RestrictContact(ctx, &contactv1.RestrictContactRequest{Name: siti}))(t)
		again := must(r.RestrictContact(ctx, &contactv1.RestrictContactRequest{Name: siti}))(t)
		if first.GetRestrictTime() == nil || again.GetEtag() != first.GetEtag() {
			t.Errorf("restricted %v, then %v", first, again)
		}
		for _, purpose := range []string{"marketing", "transactional"} {
			if got := a.check(t, siti, purpose, byEmail); got.GetAllowed() || got.GetReason() != contactv1.ConsentReason_CONSENT_REASON_RESTRICTED {
				t.Errorf("%s: %v", purpose, got)
			}
		}
		put := must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti, DisplayName: "Siti Aminah"}, UpdateMask: mask("display_name")}))(t)
		if put.GetDisplayName() != "Siti Aminah" || put.GetRestrictTime() == nil {
			t.Errorf("put right: %v", put)
		}
		since := `restrict_time > "2020-01-01T00:00:00Z"`
		if list := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: since}))(t).GetContacts(); len(list) != 1 {
			t.Errorf("restricted contacts: %v", list)
		}
		if list := must(other.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: since}))(t).GetContacts(); len(list) != 0 {
			t.Errorf("another tenant reads %v", list)
		}
		agent := rightsOf(of(a.As(s.User(a.Caller.Tenant, "agnes", auth.Agent))))
		_, err := agent.LiftRestriction(ctx, &contactv1.LiftRestrictionRequest{Name: siti})
		refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		_, err = rightsOf(other).RestrictContact(ctx, &contactv1.RestrictContactRequest{Name: siti})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = r.LiftRestriction(ctx, &contactv1.LiftRestrictionRequest{Name: siti, Etag: first.GetEtag()})
		refused(t, err, codes.Aborted, "ETAG_MISMATCH")
		if free := must(r.LiftRestriction(ctx, &contactv1.LiftRestrictionRequest{Name: siti}))(t); free.GetRestrictTime() != nil {
			t.Errorf("lifted: %v", free)
		}
		if !a.check(t, siti, "marketing", byEmail).GetAllowed() {
			t.Error("consent did not outlive the restriction")
		}
	})
}

// CON-47: at other hours than those a contact named it is not rung up, and the answer
// says when it may be.
func TestCheckConsent_quietHours(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Clock.Set(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)) // 16:00 in Jakarta
	both(t, s, []string{"CON-47"}, func(t *testing.T, a, other *api) {
		siti := a.create(t, &contactv1.Contact{
			Kind: person, DisplayName: "Siti", Preference: &contactv1.ContactPreference{Hours: "18:00-20:00", TimeZone: "Asia/Jakarta"},
		}).GetName()
		yes := a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "marketing"})
		got := a.check(t, siti, "marketing", byPhone)
		if got.GetAllowed() || got.GetReason() != contactv1.ConsentReason_CONSENT_REASON_QUIET_HOURS || got.GetProof().GetName() != yes.GetName() {
			t.Errorf("at 16:00: %v", got)
		}
		if opens := time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC); !got.GetHoursBeginTime().AsTime().Equal(opens) {
			t.Errorf("again at %s", got.GetHoursBeginTime().AsTime())
		}
		never := a.check(t, siti, "profiling", byPhone)
		if never.GetReason() != contactv1.ConsentReason_CONSENT_REASON_NEVER_GRANTED || never.GetHoursBeginTime() == nil {
			t.Errorf("the hour is not told beside another reason: %v", never)
		}
		if got := a.check(t, siti, "marketing", byEmail); !got.GetAllowed() || got.GetHoursBeginTime() != nil {
			t.Errorf("mail: %v", got)
		}
		if got := a.check(t, siti, "transactional", byChat); !got.GetAllowed() {
			t.Errorf("what a contract needs: %v", got)
		}
		s.Clock.Set(got.GetHoursBeginTime().AsTime())
		if got := a.check(t, siti, "marketing", byPhone); !got.GetAllowed() {
			t.Errorf("at 18:00: %v", got)
		}
		s.Clock.Set(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	})
}
