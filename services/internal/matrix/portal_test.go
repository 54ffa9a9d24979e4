package matrix

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// Each call that is open to a portal works for what is about its caller, and answers what
// is about another contact as what is not there; its lists hold the one and not the other.
func testPortal(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "PLT-01")
	mine, theirs := b.ofPortal(t, b.ours.person, contactv1.RoleKind_ROLE_KIND_INVESTOR), b.ofPortal(t, everybody(t, b, b.head), contactv1.RoleKind_ROLE_KIND_SUPPLIER)
	hidden := map[string]bool{}
	for _, name := range theirs {
		hidden[idOf(name)] = true
	}
	me := b.as(auth.Portal)
	b.each(t, func(m fuzz.Method) {
		if b.policy[m.Full][auth.Portal] != auth.Self {
			return
		}
		request := b.opened(t, me, m, mine)
		a := b.ask(t, me, m, request)
		if a.Status.Code() != codes.OK {
			t.Errorf("%s of its own: %v\n  %v", m.Full, a.Status, request)
			return
		}
		b.demandNone(t, me, m, request, a, hidden, "of another contact")
		if pattern := listed(m); mine[pattern] != "" {
			found := b.list(t, me, m, pattern, false)
			b.demandListed(t, me, m, found, mine[pattern], true)
			b.demandListed(t, me, m, found, theirs[pattern], false)
		}
		for _, r := range m.References() {
			for _, pattern := range r.Patterns {
				if theirs[pattern] != "" {
					b.demandOwn(t, me, m, r, request, pattern, theirs[pattern])
				}
			}
		}
	})
}

// admit gives the person of our stock access.
func (b *board) admit(t *testing.T) string {
	t.Helper()
	access, err := contactv1.NewPortalServiceClient(b.Conn("contact", b.head)).CreatePortalAccess(t.Context(), &contactv1.CreatePortalAccessRequest{
		PortalAccess: &contactv1.PortalAccess{Contact: b.ours.person, Roles: []contactv1.RoleKind{contactv1.RoleKind_ROLE_KIND_INVESTOR}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return access.GetName()
}

// ofPortal makes what a portal shows, of a contact and for a role, by the patterns of names.
func (b *board) ofPortal(t *testing.T, contact string, audience contactv1.RoleKind) map[string]string {
	t.Helper()
	conn := b.Conn("contact", b.head)
	asked, err := contactv1.NewInvestorRelationsServiceClient(conn).CreateInformationRequest(t.Context(), &contactv1.CreateInformationRequestRequest{
		InformationRequest: &contactv1.InformationRequest{Contact: contact, Subject: "Dividend"},
	})
	if err != nil {
		t.Fatal(err)
	}
	given, err := contactv1.NewConsentServiceClient(conn).GrantConsent(t.Context(), &contactv1.GrantConsentRequest{
		Consent: &contactv1.Consent{Contact: contact, Purpose: "investor-news"},
	})
	if err != nil {
		t.Fatal(err)
	}
	published, err := contactv1.NewInvestorRelationsServiceClient(conn).CreatePublication(t.Context(), &contactv1.CreatePublicationRequest{
		Publication: &contactv1.Publication{
			Kind: contactv1.PublicationKind_PUBLICATION_KIND_STRATEGY, Audience: audience, Code: strings.ToLower(strings.ReplaceAll(audience.String(), "_", "-")),
			LanguageCode: "en", Title: "Strategy", PublishTime: timestamppb.New(b.Clock.Now()),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		contacts: contact, "informationRequests/*": asked.GetName(), "consents/*": given.GetName(), "publications/*": published.GetName(),
		"orders/*": b.bought(t, contact), "tickets/*": b.fixtures.recorded(t, b, "tickets/*", contact),
	}
}

// bought makes an order of a contact: no draft, of which a portal does not know.
func (b *board) bought(t *testing.T, contact string) string {
	t.Helper()
	sold, err := salesv1.NewOrderServiceClient(b.Conn("sales", b.head)).RecordPurchase(t.Context(), &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: contact, ExternalIds: map[string]string{"pos": idOf(contact)}, Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 12_000},
		PurchaseTime: timestamppb.New(b.Clock.Now().Add(-time.Hour)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return sold.GetName()
}

// opened is a request about what is the caller's own that holds no field which is closed
// to it.
func (b *board) opened(t *testing.T, c auth.Caller, m fuzz.Method, own map[string]string) proto.Message {
	t.Helper()
	request := b.ours.base.Of(t.Context(), m)
	if told, ok := request.(*contactv1.RecordFactRequest); ok {
		told.Fact = &contactv1.Fact{Source: "portal", Content: &contactv1.Fact_InvestorFeedback{InvestorFeedback: &contactv1.InvestorFeedback{Topic: "Dividend"}}}
	}
	harmless(m, request)
	for _, r := range m.References() {
		if name := own[r.Patterns[0]]; name != "" {
			b.ours.base.Refer(m, request, r, name)
		}
	}
	for range 100 {
		field := closed(b.ask(t, c, m, request))
		if field == "" {
			break
		}
		clearPath(request.ProtoReflect(), strings.Split(field, "."))
	}
	return request
}

// closed is the field for which a request was refused because it is not open; empty where
// it was not.
func closed(a fuzz.Answer) string {
	for _, d := range a.Status.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == "FIELD_NOT_OPEN" {
			return info.GetMetadata()["field"]
		}
	}
	return ""
}

// clearPath clears the field at a path, or the list that it lies in. What is no field of
// the request is named by a mask, a filter or an order.
func clearPath(in protoreflect.Message, path []string) {
	f := in.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if f == nil {
		for _, by := range []protoreflect.Name{"update_mask", "filter", "order_by"} {
			if f := in.Descriptor().Fields().ByName(by); f != nil {
				in.Clear(f)
			}
		}
		return
	}
	if len(path) == 1 || f.IsList() || f.IsMap() {
		in.Clear(f)
		return
	}
	clearPath(in.Mutable(f).Message(), path[1:])
}

// demandOwn fails the test where a name of what is another contact's is answered otherwise
// than one that nothing has, or is taken by anything but a list, which is empty then.
func (b *board) demandOwn(t *testing.T, c auth.Caller, m fuzz.Method, r fuzz.Reference, own proto.Message, pattern, foreign string) {
	t.Helper()
	ask := func(name string) fuzz.Answer {
		request := proto.Clone(own)
		b.ours.base.Refer(m, request, r, name)
		return b.ask(t, c, m, request)
	}
	nothing := b.ours.missing(pattern)
	a := ask(foreign)
	if closed(a) != "" {
		return // nothing can be named there
	}
	if got, missing := told(a, foreign), told(ask(nothing), nothing); got != missing {
		t.Errorf("%s, with %s of another:\n  answers %s\n  and of none %s", m.Full, r, got, missing)
	}
	if listed(m) == "" && a.Status.Code() != codes.NotFound || listed(m) != "" && slices.ContainsFunc(a.Messages, func(answer proto.Message) bool { return len(namesIn(answer)) > 0 }) {
		t.Errorf("%s takes %s of another: %v", m.Full, r, a.Status)
	}
}
