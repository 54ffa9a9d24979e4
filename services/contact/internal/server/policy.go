package server

import (
	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

var (
	// staff are all who meet customers: sales, marketing and service read and write
	// the same record (CON-29).
	staff = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Sales, auth.Agent, auth.Marketer, auth.Service)
	// readers are those who may know.
	readers = staff.And(auth.Allow(auth.All, auth.Analyst))
	// heads shape what others fill in.
	heads = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Service)
	// ruling is what those may ask of the rules here whom area platform lets rule.
	ruling = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Operator)
	// auditors look whether the audit log is what was written.
	auditors = auth.Allow(auth.All, auth.Admin, auth.Operator, auth.Service)
	// themselves are the contacts, through a portal: each over what is its own, and of that
	// what Window opens.
	themselves = auth.Allow(auth.Self, auth.Portal)
	// services are the processes of Lingkar.
	services = auth.Allow(auth.All, auth.Service)
)

// Policy says who may make which call, over which records.
var Policy = auth.Policy{
	contactv1.ContactService_CreateContact_FullMethodName:       staff,
	contactv1.ContactService_GetContact_FullMethodName:          readers.And(themselves),
	contactv1.ContactService_ListContacts_FullMethodName:        readers,
	contactv1.ContactService_UpdateContact_FullMethodName:       staff.And(themselves),
	contactv1.ContactService_DeleteContact_FullMethodName:       staff,
	contactv1.ContactService_UndeleteContact_FullMethodName:     staff,
	contactv1.ContactService_BatchCreateContacts_FullMethodName: staff,
	contactv1.ContactService_BatchGetContacts_FullMethodName:    readers,
	contactv1.ContactService_UpsertContact_FullMethodName:       staff,
	contactv1.ContactService_LookupContact_FullMethodName:       readers,
	contactv1.ContactService_SearchContacts_FullMethodName:      readers,
	contactv1.ContactService_AssignRole_FullMethodName:          staff,
	contactv1.ContactService_ReviseRole_FullMethodName:          staff,
	contactv1.ContactService_EndRole_FullMethodName:             staff,

	contactv1.InvestorRelationsService_CreatePublication_FullMethodName:          heads,
	contactv1.InvestorRelationsService_GetPublication_FullMethodName:             readers.And(themselves),
	contactv1.InvestorRelationsService_ListPublications_FullMethodName:           readers.And(themselves),
	contactv1.InvestorRelationsService_UpdatePublication_FullMethodName:          heads,
	contactv1.InvestorRelationsService_DeletePublication_FullMethodName:          heads,
	contactv1.InvestorRelationsService_UndeletePublication_FullMethodName:        heads,
	contactv1.InvestorRelationsService_CreateInformationRequest_FullMethodName:   staff.And(themselves),
	contactv1.InvestorRelationsService_GetInformationRequest_FullMethodName:      readers.And(themselves),
	contactv1.InvestorRelationsService_ListInformationRequests_FullMethodName:    readers.And(themselves),
	contactv1.InvestorRelationsService_UpdateInformationRequest_FullMethodName:   staff,
	contactv1.InvestorRelationsService_DeleteInformationRequest_FullMethodName:   staff,
	contactv1.InvestorRelationsService_UndeleteInformationRequest_FullMethodName: staff,
	contactv1.InvestorRelationsService_AnswerInformationRequest_FullMethodName:   staff,

	contactv1.PortalService_CreatePortalAccess_FullMethodName:  heads,
	contactv1.PortalService_GetPortalAccess_FullMethodName:     staff,
	contactv1.PortalService_ListPortalAccesses_FullMethodName:  staff,
	contactv1.PortalService_UpdatePortalAccess_FullMethodName:  heads,
	contactv1.PortalService_SuspendPortalAccess_FullMethodName: staff,
	contactv1.PortalService_ResumePortalAccess_FullMethodName:  heads,
	contactv1.PortalService_RevokePortalAccess_FullMethodName:  staff,
	contactv1.PortalService_IssuePortalToken_FullMethodName:    heads,
	contactv1.PortalService_GetPortalSession_FullMethodName:    services.And(themselves),

	contactv1.FactService_RecordFact_FullMethodName:             staff.And(themselves),
	contactv1.FactService_CaptureFact_FullMethodName:            staff,
	contactv1.FactService_GetFact_FullMethodName:                readers,
	contactv1.FactService_ListFacts_FullMethodName:              readers,
	contactv1.FactService_GetContactProvenance_FullMethodName:   readers,
	contactv1.FactService_GetSupplierPerformance_FullMethodName: readers,
	contactv1.FactService_SummarizeMarketNeeds_FullMethodName:   readers,

	contactv1.EmployeeService_FindEmployees_FullMethodName:          readers,
	contactv1.EmployeeService_CreateEmployeeRecord_FullMethodName:   heads,
	contactv1.EmployeeService_GetEmployeeRecord_FullMethodName:      heads,
	contactv1.EmployeeService_ListEmployeeRecords_FullMethodName:    heads,
	contactv1.EmployeeService_UpdateEmployeeRecord_FullMethodName:   heads,
	contactv1.EmployeeService_DeleteEmployeeRecord_FullMethodName:   heads,
	contactv1.EmployeeService_UndeleteEmployeeRecord_FullMethodName: heads,

	contactv1.RelationshipService_CreateRelationshipType_FullMethodName:   heads,
	contactv1.RelationshipService_GetRelationshipType_FullMethodName:      readers,
	contactv1.RelationshipService_ListRelationshipTypes_FullMethodName:    readers,
	contactv1.RelationshipService_UpdateRelationshipType_FullMethodName:   heads,
	contactv1.RelationshipService_DeleteRelationshipType_FullMethodName:   heads,
	contactv1.RelationshipService_UndeleteRelationshipType_FullMethodName: heads,
	contactv1.RelationshipService_CreateRelationship_FullMethodName:       staff,
	contactv1.RelationshipService_GetRelationship_FullMethodName:          readers,
	contactv1.RelationshipService_ListRelationships_FullMethodName:        readers,
	contactv1.RelationshipService_UpdateRelationship_FullMethodName:       staff,
	contactv1.RelationshipService_EndRelationship_FullMethodName:          staff,
	contactv1.RelationshipService_DeleteRelationship_FullMethodName:       staff,
	contactv1.RelationshipService_UndeleteRelationship_FullMethodName:     staff,

	contactv1.InteractionService_RecordInteraction_FullMethodName:  staff,
	contactv1.InteractionService_GetInteraction_FullMethodName:     readers,
	contactv1.InteractionService_ListInteractions_FullMethodName:   readers,
	contactv1.InteractionService_SearchInteractions_FullMethodName: readers,
	contactv1.InteractionService_GetDocument_FullMethodName:        readers,

	contactv1.DocumentService_UploadDocument_FullMethodName:   staff,
	contactv1.DocumentService_DownloadDocument_FullMethodName: readers,
	contactv1.DocumentService_ListDocuments_FullMethodName:    readers,
	contactv1.DocumentService_SearchDocuments_FullMethodName:  readers,
	contactv1.DocumentService_DeleteDocument_FullMethodName:   staff,
	contactv1.DocumentService_UndeleteDocument_FullMethodName: staff,

	contactv1.AuditService_VerifyAudit_FullMethodName:     auditors,
	contactv1.AuditService_ProveAuditEntry_FullMethodName: auditors,

	contactv1.SyncService_SyncContacts_FullMethodName:  readers,
	contactv1.SyncService_WatchContacts_FullMethodName: readers,
	contactv1.SyncService_PushContacts_FullMethodName:  staff,

	contactv1.ImportService_UploadImport_FullMethodName:   staff,
	contactv1.ImportService_RunImport_FullMethodName:      staff,
	contactv1.ImportService_GetImport_FullMethodName:      readers,
	contactv1.ImportService_ListImportRows_FullMethodName: readers,
	contactv1.ImportService_CancelImport_FullMethodName:   staff,
	contactv1.ImportService_UndoImport_FullMethodName:     staff,

	contactv1.ConsentService_GrantConsent_FullMethodName:       staff.And(themselves),
	contactv1.ConsentService_RevokeConsent_FullMethodName:      staff.And(themselves),
	contactv1.ConsentService_ObjectToProcessing_FullMethodName: staff.And(themselves),
	contactv1.ConsentService_GetConsent_FullMethodName:         readers.And(themselves),
	contactv1.ConsentService_ListConsents_FullMethodName:       readers.And(themselves),
	contactv1.ConsentService_CheckConsent_FullMethodName:       readers.And(themselves),

	contactv1.PurposeService_CreatePurpose_FullMethodName:   heads,
	contactv1.PurposeService_GetPurpose_FullMethodName:      readers,
	contactv1.PurposeService_ListPurposes_FullMethodName:    readers,
	contactv1.PurposeService_UpdatePurpose_FullMethodName:   heads,
	contactv1.PurposeService_DeletePurpose_FullMethodName:   heads,
	contactv1.PurposeService_UndeletePurpose_FullMethodName: heads,

	contactv1.DisclosureService_CreateRecipient_FullMethodName:   heads,
	contactv1.DisclosureService_GetRecipient_FullMethodName:      readers,
	contactv1.DisclosureService_ListRecipients_FullMethodName:    readers,
	contactv1.DisclosureService_UpdateRecipient_FullMethodName:   heads,
	contactv1.DisclosureService_DeleteRecipient_FullMethodName:   heads,
	contactv1.DisclosureService_UndeleteRecipient_FullMethodName: heads,
	contactv1.DisclosureService_ScreenDisclosure_FullMethodName:  readers,
	contactv1.DisclosureService_ListAuditEntries_FullMethodName:  heads,

	contactv1.PrivacyService_RestrictContact_FullMethodName:     staff,
	contactv1.PrivacyService_LiftRestriction_FullMethodName:     heads,
	contactv1.PrivacyService_CreateLegalHold_FullMethodName:     heads,
	contactv1.PrivacyService_GetLegalHold_FullMethodName:        heads,
	contactv1.PrivacyService_ListLegalHolds_FullMethodName:      heads,
	contactv1.PrivacyService_UpdateLegalHold_FullMethodName:     heads,
	contactv1.PrivacyService_DeleteLegalHold_FullMethodName:     heads,
	contactv1.PrivacyService_UndeleteLegalHold_FullMethodName:   heads,
	contactv1.PrivacyService_GetContactRetention_FullMethodName: readers,
	contactv1.PrivacyService_ExportContactData_FullMethodName:   heads,
	contactv1.PrivacyService_GetContactTiming_FullMethodName:    readers,
	contactv1.PrivacyService_EraseContact_FullMethodName:        heads,
	contactv1.PrivacyService_ListErasures_FullMethodName:        heads,

	contactv1.IdentityService_FindDuplicates_FullMethodName:        readers,
	contactv1.IdentityService_ListDuplicates_FullMethodName:        readers,
	contactv1.IdentityService_GetIdentityPolicy_FullMethodName:     readers,
	contactv1.IdentityService_UpdateIdentityPolicy_FullMethodName:  heads,
	contactv1.IdentityService_PreviewMerge_FullMethodName:          staff,
	contactv1.IdentityService_MergeContacts_FullMethodName:         staff,
	contactv1.IdentityService_UnmergeContact_FullMethodName:        staff,
	contactv1.IdentityService_ClaimAnonymousContact_FullMethodName: staff,
	contactv1.IdentityService_GetContactMerge_FullMethodName:       readers,
	contactv1.IdentityService_ListContactMerges_FullMethodName:     readers,

	contactv1.LifecycleService_GetLifecycle_FullMethodName:             readers,
	contactv1.LifecycleService_ListLifecycleTransitions_FullMethodName: readers,

	contactv1.QualityService_GetDataQuality_FullMethodName:        readers,
	contactv1.QualityService_ListDataQuality_FullMethodName:       readers,
	contactv1.QualityService_GetDataQualitySummary_FullMethodName: readers,
	contactv1.QualityService_VerifyField_FullMethodName:           staff,
	contactv1.QualityService_GetQualityPolicy_FullMethodName:      readers,
	contactv1.QualityService_UpdateQualityPolicy_FullMethodName:   heads,

	contactv1.RuleEngineService_CheckRule_FullMethodName:         ruling,
	contactv1.RuleEngineService_TryRule_FullMethodName:           ruling,
	contactv1.RuleEngineService_BackTestRule_FullMethodName:      ruling,
	contactv1.RuleEngineService_GetRuleActivity_FullMethodName:   ruling,
	contactv1.RuleEngineService_ListRuleDecisions_FullMethodName: ruling,
	contactv1.RuleEngineService_ExplainDecision_FullMethodName:   ruling,

	contactv1.CustomFieldService_CreateCustomField_FullMethodName:       heads,
	contactv1.CustomFieldService_GetCustomField_FullMethodName:          readers,
	contactv1.CustomFieldService_ListCustomFields_FullMethodName:        readers,
	contactv1.CustomFieldService_UpdateCustomField_FullMethodName:       heads,
	contactv1.CustomFieldService_DeleteCustomField_FullMethodName:       heads,
	contactv1.CustomFieldService_UndeleteCustomField_FullMethodName:     heads,
	contactv1.CustomFieldService_GetCustomFieldPolicy_FullMethodName:    readers,
	contactv1.CustomFieldService_UpdateCustomFieldPolicy_FullMethodName: heads,
	contactv1.CustomFieldService_GetIndustryPack_FullMethodName:         readers,
	contactv1.CustomFieldService_ListIndustryPacks_FullMethodName:       readers,
	contactv1.CustomFieldService_ApplyIndustryPack_FullMethodName:       heads,

	contactv1.KeyService_FetchKeys_FullMethodName: services,
}
