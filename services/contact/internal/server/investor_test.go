package server_test

import (
	"testing"

	"google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const investing = contactv1.RoleKind_ROLE_KIND_INVESTOR

func investorsOf(a *api) contactv1.InvestorRelationsServiceClient {
	return contactv1.NewInvestorRelationsServiceClient(a.Conn)
}

// CON-43: an investor registers, joins the mailing list, asks and is answered, and says
// what it thinks; only who is or was an investor asks.
func testInvestors(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-43"}, func(t *testing.T, a, other *api) {
		ctx, ir := a.Ctx(), investorsOf(a)
		siti := a.named(t, "Siti").GetName()
		ask := &contactv1.CreateInformationRequestRequest{InformationRequest: &contactv1.InformationRequest{
			Contact: siti, Channel: eventv1.Channel_CHANNEL_WEB, Subject: "Dividend", Question: "When is it paid?\nAnd how much?",
		}}
		_, err := ir.CreateInformationRequest(ctx, ask)
		refused(t, err, codes.FailedPrecondition, "ROLE_NOT_HELD")
		must(a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: siti, Role: &contactv1.Role{Kind: investing}}))(t)
		a.grant(t, &contactv1.Consent{Contact: siti, Purpose: "investor-news"})
		if check := must(a.CheckConsent(ctx, &contactv1.CheckConsentRequest{Contact: siti, Purpose: "investor-news"}))(t); !check.GetAllowed() {
			t.Errorf("on the mailing list: %v", check)
		}
		report := must(ir.CreatePublication(ctx, &contactv1.CreatePublicationRequest{Publication: &contactv1.Publication{
			Kind: contactv1.PublicationKind_PUBLICATION_KIND_FINANCIAL_REPORT, Audience: investing, Code: "annual-2025", LanguageCode: "id", Title: "Laporan tahunan",
		}}))(t)
		asked := must(ir.CreateInformationRequest(ctx, ask))(t)
		if asked.GetState() != contactv1.InformationRequestState_INFORMATION_REQUEST_STATE_OPEN || asked.GetAllowedActions()[0] != "AnswerInformationRequest" {
			t.Errorf("asked %v", asked)
		}
		answer := &contactv1.AnswerInformationRequestRequest{Name: asked.GetName(), Answer: "In June.", Publications: []string{report.GetName()}}
		told := must(ir.AnswerInformationRequest(ctx, answer))(t)
		if told.GetAnswer() != "In June." || told.GetAnswerTime() == nil || told.GetAnswerer() != a.Caller.Subject || len(told.GetPublications()) != 1 {
			t.Errorf("answered %v", told)
		}
		_, err = ir.AnswerInformationRequest(ctx, answer)
		refused(t, err, codes.FailedPrecondition, "INFORMATION_REQUEST_ANSWERED")
		must(a.facts().RecordFact(ctx, &contactv1.RecordFactRequest{Fact: &contactv1.Fact{Contact: siti, Source: "portal", Content: &contactv1.Fact_InvestorFeedback{
			InvestorFeedback: &contactv1.InvestorFeedback{Topic: "Dividend", Text: "Too low", Sentiment: contactv1.Sentiment_SENTIMENT_NEGATIVE},
		}}}))(t)
		open := &contactv1.ListInformationRequestsRequest{Contact: siti, Filter: "state = INFORMATION_REQUEST_STATE_OPEN"}
		if list := must(ir.ListInformationRequests(ctx, open))(t).GetInformationRequests(); len(list) != 0 {
			t.Errorf("still open: %v", list)
		}
		_, err = investorsOf(other).GetInformationRequest(other.Ctx(), &contactv1.GetInformationRequestRequest{Name: asked.GetName()})
		refused(t, err, codes.NotFound, "INFORMATION_REQUEST_NOT_FOUND")

		data := must(rightsOf(a).ExportContactData(ctx, &contactv1.ExportContactDataRequest{Name: siti, Format: contactv1.DataFormat_DATA_FORMAT_CSV}))(t)
		if !containsAll(string(data.GetContent()), "And how much?", "In June.", "Too low") {
			t.Errorf("exported %s", data.GetContent())
		}
		must(rightsOf(a).EraseContact(ctx, &contactv1.EraseContactRequest{Name: siti, Reason: askedFor}))(t)
		if left := must(ir.GetInformationRequest(ctx, &contactv1.GetInformationRequestRequest{Name: asked.GetName()}))(t); left.GetSubject()+left.GetQuestion()+left.GetAnswer() != "" {
			t.Errorf("after the erasure: %v", left)
		}
	})
}

// CON-43: the set of what is published for investors, typed, in versions and languages.
func testPublications(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-43"}, func(t *testing.T, a, other *api) {
		ctx, ir := a.Ctx(), investorsOf(a)
		now := timestamppb.New(s.Clock.Now())
		made := map[contactv1.PublicationKind]*contactv1.Publication{}
		for number, name := range contactv1.PublicationKind_name {
			if number == 0 {
				continue
			}
			kind := contactv1.PublicationKind(number)
			for _, locale := range []string{"en", "id"} {
				made[kind] = must(ir.CreatePublication(ctx, &contactv1.CreatePublicationRequest{Publication: &contactv1.Publication{
					Kind: kind, Audience: investing, Code: "p-" + locale + "x" + string(rune('a'+number)), LanguageCode: locale, Title: name, Body: "In full.", PublishTime: now,
				}}))(t)
			}
		}
		list := must(ir.ListPublications(ctx, &contactv1.ListPublicationsRequest{Filter: `audience = ROLE_KIND_INVESTOR AND kind = PUBLICATION_KIND_FILING`, OrderBy: "publish_time desc"}))(t)
		if len(list.GetPublications()) != 2 || len(made) != 8 {
			t.Errorf("of %d kinds listed %v", len(made), list)
		}
		strategy := made[contactv1.PublicationKind_PUBLICATION_KIND_STRATEGY]
		next := must(ir.UpdatePublication(ctx, &contactv1.UpdatePublicationRequest{Publication: &contactv1.Publication{Name: strategy.GetName(), Body: "Rewritten."}, UpdateMask: mask("body")}))(t)
		if next.GetVersion() != 2 || strategy.GetVersion() != 1 || next.GetTitle() != strategy.GetTitle() {
			t.Errorf("the second version is %v", next)
		}
		twin := &contactv1.Publication{Kind: strategy.GetKind(), Audience: investing, Code: strategy.GetCode(), LanguageCode: strategy.GetLanguageCode(), Title: "twin"}
		_, err := ir.CreatePublication(ctx, &contactv1.CreatePublicationRequest{Publication: twin})
		refused(t, err, codes.AlreadyExists, "PUBLICATION_TAKEN")
		twin.LanguageCode, twin.StartDate, twin.EndDate = "fr", &date.Date{Year: 2026, Month: 2, Day: 1}, &date.Date{Year: 2026, Month: 1, Day: 1}
		_, err = ir.CreatePublication(ctx, &contactv1.CreatePublicationRequest{Publication: twin})
		violates(t, err, "publication.end_date", "")
		must(ir.DeletePublication(ctx, &contactv1.DeletePublicationRequest{Name: strategy.GetName()}))(t)
		must(ir.UndeletePublication(ctx, &contactv1.UndeletePublicationRequest{Name: strategy.GetName()}))(t)
		if got := must(investorsOf(other).ListPublications(other.Ctx(), &contactv1.ListPublicationsRequest{}))(t).GetPublications(); len(got) != 0 {
			t.Errorf("another tenant lists %v", got)
		}
	})
}
