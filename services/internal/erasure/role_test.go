package erasure

import (
	"fmt"
	"testing"

	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// furnishFiles writes the canary through a file and through a custom field that is kept
// apart, because no two contacts have the same.
func (a *api) furnishFiles(t *testing.T, p *person) {
	t.Helper()
	stream := must(contactv1.NewDocumentServiceClient(a.Conn).UploadDocument(a.Ctx()))(t)
	for _, part := range []*contactv1.UploadDocumentRequest{
		{Part: &contactv1.UploadDocumentRequest_Document{Document: &contactv1.Document{Contact: p.contact, Title: canary, FileName: canary + ".txt"}}},
		{Part: &contactv1.UploadDocumentRequest_Chunk{Chunk: []byte("Dear " + canary)}},
	} {
		if err := stream.Send(part); err != nil {
			t.Fatal(err)
		}
	}
	filled(t, must(stream.CloseAndRecv())(t))
	fields := contactv1.NewCustomFieldServiceClient(a.Conn)
	tax := must(fields.CreateCustomField(a.Ctx(), &contactv1.CreateCustomFieldRequest{CustomField: &contactv1.CustomField{
		Resource: "contacts", Key: "tax_number", DisplayNames: map[string]string{"en": "Tax number"}, Type: contactv1.CustomFieldType_CUSTOM_FIELD_TYPE_TEXT,
		Unique: true, Indexed: true,
	}}))(t)
	testkit.Eventually(t, func() error {
		f, err := fields.GetCustomField(a.Ctx(), &contactv1.GetCustomFieldRequest{Name: tax.GetName()})
		if err == nil && f.GetIndexState() != contactv1.CustomFieldIndexState_CUSTOM_FIELD_INDEX_STATE_READY {
			err = fmt.Errorf("the index is %s", f.GetIndexState())
		}
		return err
	})
	values := must(structpb.NewStruct(map[string]any{"tax_number": canary}))(t)
	must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{
		Contact: &contactv1.Contact{Name: p.contact, CustomFields: values}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"custom_fields.tax_number"}},
	}))(t)
}

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
	filled(t, must(contactv1.NewPortalServiceClient(a.Conn).CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{
		Contact: p.contact, Roles: []contactv1.RoleKind{contactv1.RoleKind_ROLE_KIND_INVESTOR}, Subject: canary,
		ExternalIds: map[string]string{"idp": canary}, Labels: map[string]string{"mark": canary},
	}}))(t))
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
