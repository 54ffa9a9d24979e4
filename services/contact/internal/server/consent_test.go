package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const byEmail = eventv1.Channel_CHANNEL_EMAIL

func (a *api) grant(t testing.TB, e *contactv1.Consent) *contactv1.Consent {
	t.Helper()
	return must(a.GrantConsent(a.Ctx(), &contactv1.GrantConsentRequest{Consent: e}))(t)
}

func (a *api) revoke(t testing.TB, e *contactv1.Consent) *contactv1.Consent {
	t.Helper()
	return must(a.RevokeConsent(a.Ctx(), &contactv1.RevokeConsentRequest{Consent: e}))(t)
}

func (a *api) check(t testing.TB, contact, purpose string, channel eventv1.Channel) *contactv1.CheckConsentResponse {
	t.Helper()
	return must(a.CheckConsent(a.Ctx(), &contactv1.CheckConsentRequest{Contact: contact, Purpose: purpose, Channel: channel}))(t)
}

// Towards CON-44: the ledger only grows; the answer is no until there is a yes, and comes with its
// proof.
func testConsent(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti := a.named(t, "Siti").GetName()
		expect := func(channel eventv1.Channel, reason contactv1.ConsentReason, proof *contactv1.Consent) {
			t.Helper()
			got := a.check(t, siti, "marketing", channel)
			allowed := reason == contactv1.ConsentReason_CONSENT_REASON_GRANTED
			if got.GetAllowed() != allowed || got.GetReason() != reason || !proto.Equal(got.GetProof(), proof) {
				t.Errorf("%s: %v, want %s by %v", channel, got, reason, proof)
			}
		}
		expect(byEmail, contactv1.ConsentReason_CONSENT_REASON_NEVER_GRANTED, nil)
		yes := a.grant(t, &contactv1.Consent{
			Contact: siti, Purpose: "marketing", TextVersion: "2026-01", Evidence: "form 7", IpAddress: "2001:DB8::1", Source: "web-form",
			OccurredAt: timestamppb.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		})
		if yes.GetState() != contactv1.ConsentState_CONSENT_STATE_GRANTED || yes.GetIpAddress() != "2001:db8::1" || yes.GetActor() != a.Caller.Subject {
			t.Errorf("granted %v", yes)
		}
		expect(byEmail, contactv1.ConsentReason_CONSENT_REASON_GRANTED, yes)
		no := a.revoke(t, &contactv1.Consent{Contact: siti, Purpose: "marketing", Channel: byEmail})
		expect(byEmail, contactv1.ConsentReason_CONSENT_REASON_REVOKED, no)
		expect(byPhone, contactv1.ConsentReason_CONSENT_REASON_GRANTED, yes)
		never := a.revoke(t, &contactv1.Consent{Contact: siti, Purpose: "marketing"})
		expect(byPhone, contactv1.ConsentReason_CONSENT_REASON_REVOKED, never)

		list := must(a.ListConsents(ctx, &contactv1.ListConsentsRequest{Contact: siti}))(t).GetConsents()
		if len(list) != 3 || !proto.Equal(list[2], yes) {
			t.Errorf("the ledger reads %v", list)
		}
		if got := must(a.GetConsent(ctx, &contactv1.GetConsentRequest{Name: yes.GetName()}))(t); !proto.Equal(got, yes) {
			t.Errorf("read %v, granted %v", got, yes)
		}
		_, err := other.GetConsent(ctx, &contactv1.GetConsentRequest{Name: yes.GetName()})
		refused(t, err, codes.NotFound, "CONSENT_NOT_FOUND")
		if theirs := must(other.ListConsents(ctx, &contactv1.ListConsentsRequest{Contact: siti}))(t).GetConsents(); len(theirs) != 0 {
			t.Errorf("another tenant reads %v", theirs)
		}
		_, err = other.CheckConsent(ctx, &contactv1.CheckConsentRequest{Contact: siti, Purpose: "marketing"})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	})
}

// Towards CON-45 and A18: who forbids passing on its data is not passed on, whatever the ledger says.
func testCheckConsent_thirdParties(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", NoThirdPartySharing: true}).GetName()
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "third-party-sharing"})
		if got := a.check(t, siti, "third-party-sharing", 0); got.GetAllowed() || got.GetReason() != contactv1.ConsentReason_CONSENT_REASON_NO_THIRD_PARTY_SHARING {
			t.Errorf("got %v", got)
		}
		must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: siti}, UpdateMask: mask("no_third_party_sharing")}))(t)
		if got := a.check(t, siti, "third-party-sharing", 0); !got.GetAllowed() {
			t.Errorf("once it is allowed: %v", got)
		}
		if got := a.check(t, siti, "transactional", byEmail); !got.GetAllowed() || got.GetReason() != contactv1.ConsentReason_CONSENT_REASON_CONTRACT {
			t.Errorf("what a contract needs: %v", got)
		}
		must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: siti}))(t)
		if got := a.check(t, siti, "transactional", byEmail); got.GetAllowed() {
			t.Errorf("of a deleted contact: %v", got)
		}
	})
}

// A grant ends by itself when its time is over.
func TestCheckConsent_expires(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Clock.Set(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	both(t, s, nil, func(t *testing.T, a, other *api) {
		siti := a.named(t, "Siti").GetName()
		end := s.Clock.Now().AddDate(0, 6, 0)
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "marketing", ExpireTime: timestamppb.New(end)})
		if !a.check(t, siti, "marketing", byEmail).GetAllowed() {
			t.Error("a fresh grant does not hold")
		}
		s.Clock.Set(end)
		if got := a.check(t, siti, "marketing", byEmail); got.GetAllowed() || got.GetReason() != contactv1.ConsentReason_CONSENT_REASON_EXPIRED {
			t.Errorf("at its end: %v", got)
		}
	})
}

func testGrantConsent_refuses(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		siti, foreign := a.named(t, "Siti").GetName(), other.named(t, "Foreign").GetName()
		for field, e := range map[string]*contactv1.Consent{
			"consent.purpose":     {Contact: siti, Purpose: "Marketing!"},
			"consent.ip_address":  {Contact: siti, Purpose: "marketing", IpAddress: "1.2.3"},
			"consent.occurred_at": {Contact: siti, Purpose: "marketing", OccurredAt: timestamppb.New(time.Now().AddDate(1, 0, 0))},
			"consent.contact":     {Contact: "siti", Purpose: "marketing"},
		} {
			_, err := a.GrantConsent(ctx, &contactv1.GrantConsentRequest{Consent: e})
			violates(t, err, field, "")
		}
		for _, contact := range []string{foreign, "contacts/" + entity.NewID().String()} {
			_, err := a.RevokeConsent(ctx, &contactv1.RevokeConsentRequest{Consent: &contactv1.Consent{Contact: contact, Purpose: "marketing"}})
			refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		}
	})
}
