package erasure

import (
	"testing"

	"google.golang.org/genproto/googleapis/type/money"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// furnishRoles writes the canary through what hangs on the person's roles.
func (a *api) furnishRoles(t *testing.T, p *person) {
	t.Helper()
	for _, e := range []*contactv1.EmployeeRecord{
		{Content: &contactv1.EmployeeRecord_Training{Training: &contactv1.Training{Course: canary}}},
		{Content: &contactv1.EmployeeRecord_Goal{Goal: &contactv1.Goal{Measure: canary}}},
		{Content: &contactv1.EmployeeRecord_PerformanceReview{PerformanceReview: &contactv1.PerformanceReview{Score: 1, Reviewer: "users/ani", Comment: canary}}},
		{Content: &contactv1.EmployeeRecord_Incentive{Incentive: &contactv1.Incentive{Reason: canary}}},
	} {
		e.Contact, e.ExternalIds, e.Labels = p.contact, map[string]string{"hr": canary}, map[string]string{"mark": canary}
		must(a.CreateEmployeeRecord(a.Ctx(), &contactv1.CreateEmployeeRecordRequest{EmployeeRecord: e}))(t)
	}
	must(a.AssignRole(a.Ctx(), &contactv1.AssignRoleRequest{Name: p.contact, Role: &contactv1.Role{Kind: contactv1.RoleKind_ROLE_KIND_INVESTOR}}))(t)
	asked := must(a.CreateInformationRequest(a.Ctx(), &contactv1.CreateInformationRequestRequest{InformationRequest: &contactv1.InformationRequest{
		Contact: p.contact, Subject: canary, Question: canary, ExternalIds: map[string]string{"ir": canary}, Labels: map[string]string{"mark": canary},
	}}))(t)
	filled(t, must(a.AnswerInformationRequest(a.Ctx(), &contactv1.AnswerInformationRequestRequest{Name: asked.GetName(), Answer: canary}))(t))
	for _, f := range []*contactv1.Fact{
		{Content: &contactv1.Fact_AccountBalance{AccountBalance: &contactv1.AccountBalance{Account: canary, Balance: &money.Money{CurrencyCode: "IDR", Units: 7}}}},
		{Content: &contactv1.Fact_WarrantyCard{WarrantyCard: &contactv1.WarrantyCard{Product: canary, SerialNumber: canary}}},
		{Content: &contactv1.Fact_MarketNote{MarketNote: &contactv1.MarketNote{Kind: 1, Topic: canary, Product: canary, Note: canary}}},
	} {
		f.Contact, f.Source, f.SourceId = p.contact, "cards", canary+f.String()
		must(a.CaptureFact(a.Ctx(), &contactv1.CaptureFactRequest{Fact: f, Party: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, DisplayName: canary + " other", OrganisationName: canary,
		}}))(t)
	}
}
