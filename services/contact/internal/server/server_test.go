package server_test

import (
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start runs the contact service on databases of its own.
func start(t testing.TB) *testkit.Suite {
	t.Helper()
	return testkit.Start(t, contact.Definition)
}

// TestCalls runs the tests of the calls against one suite, behind the gateway, each
// in tenants of its own.
func TestCalls(t *testing.T) {
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	for name, test := range map[string]func(*testing.T, *testkit.Suite){
		"CreateContact":                   testCreateContact,
		"FieldRules":                      testFieldRules,
		"CreateContact numbersEachTenant": testCreateContact_numbersEachTenant,
		"CreateContact uniqueIdentifiers": testCreateContact_uniqueIdentifiers,
		"CreateContact chosenID":          testCreateContact_chosenID,
		"CreateContact twins":             testCreateContact_twins,
		"CreateContact requestID":         testCreateContact_requestID,
		"CreateContact badInput":          testCreateContact_badInput,
		"CreateContact oneForm":           testCreateContact_oneForm,
		"CreateContact duplicate":         testCreateContact_duplicate,
		"CreateContact duplicateReplay":   testCreateContact_duplicateReplay,
		"IdentityPolicy":                  testIdentityPolicy,
		"FindDuplicates":                  testFindDuplicates,
		"ListDuplicates":                  testListDuplicates,
		"MergeContacts":                   testMergeContacts,
		"MergeContacts family":            testMergeContacts_family,
		"MergeContacts chain":             testMergeContacts_chain,
		"MergeContacts refuses":           testMergeContacts_refuses,
		"MergeContacts races":             testMergeContacts_races,
		"UnmergeContact":                  testUnmergeContact,
		"ClaimAnonymousContact":           testClaimAnonymousContact,
		"UpdateContact":                   testUpdateContact,
		"UpdateContact outputOnly":        testUpdateContact_outputOnly,
		"UpdateContact allowMissing":      testUpdateContact_allowMissing,
		"UpdateContact movesIdentifiers":  testUpdateContact_movesIdentifiers,
		"DeleteContact":                   testDeleteContact,
		"GetContact badNames":             testGetContact_badNames,
		"ListContacts":                    testListContacts,
		"ListContacts pages":              testListContacts_pages,
		"Include":                         testInclude,
		"Include families":                testInclude_families,
		"Include hides":                   testInclude_hides,
		"BatchCreateContacts":             testBatchCreateContacts,
		"AssignRole":                      testAssignRole,
		"EndRole":                         testEndRole,
		"ReviseRole":                      testReviseRole,
		"FindEmployees":                   testFindEmployees,
		"Investors":                       testInvestors,
		"Publications":                    testPublications,
		"Portal":                          testPortal,
		"Portal others":                   testPortal_others,
		"Portal massAssignment":           testPortal_massAssignment,
		"Portal provider":                 testPortal_provider,
		"Portal merged":                   testPortal_merged,
		"PortalAccess":                    testPortalAccess,
		"IssuePortalToken":                testIssuePortalToken,
		"CreatePortalAccess badInput":     testCreatePortalAccess_badInput,
		"CaptureFact":                     testCaptureFact,
		"ContactProvenance":               testContactProvenance,
		"SupplierPerformance":             testSupplierPerformance,
		"SummarizeMarketNeeds":            testSummarizeMarketNeeds,
		"EmployeeRecords":                 testEmployeeRecords,
		"LookupContact":                   testLookupContact,
		"SearchContacts":                  testSearchContacts,
		"UpsertContact":                   testUpsertContact,
		"UpsertContact race":              testUpsertContact_race,
		"RelationshipTypes":               testRelationshipTypes,
		"Relationships":                   testRelationships,
		"CreateRelationship refuses":      testCreateRelationship_refuses,
		"RecordInteraction everyChannel":  testRecordInteraction_everyChannel,
		"RecordInteraction keepsAll":      testRecordInteraction_keepsAll,
		"RecordInteraction refuses":       testRecordInteraction_refuses,
		"ListInteractions conversation":   testListInteractions_conversation,
		"SearchInteractions":              testSearchInteractions,
		"Consent":                         testConsent,
		"CheckConsent thirdParties":       testCheckConsent_thirdParties,
		"GrantConsent refuses":            testGrantConsent_refuses,
		"CheckConsent purposes":           testCheckConsent_purposes,
		"Purposes":                        testPurposes,
		"RestrictContact":                 testRestrictContact,
		"ExportContactData":               testExportContactData,
		"ExportContactData roles":         testExportContactData_roles,
		"GetContactTiming":                testGetContactTiming,
		"EraseContact":                    testEraseContact,
		"EraseContact retention":          testEraseContact_retention,
		"EraseContact race":               testEraseContact_race,
		"EraseContact merged":             testEraseContact_merged,
		"ScreenDisclosure":                testScreenDisclosure,
		"ScreenDisclosure together":       testScreenTogether,
		"ListAuditEntries":                testListAuditEntries,
		"Recipients":                      testRecipients,
		"CustomFields":                    testCustomFields,
		"CustomFields values":             testCustomFields_values,
		"CustomFields lists":              testCustomFields_lists,
		"CustomFields pages":              testCustomFields_pages,
		"CustomFields change":             testCustomFields_change,
		"CustomFields unique":             testCustomFields_unique,
		"CustomFields search":             testCustomFields_search,
		"CustomFields survive":            testCustomFields_survive,
		"CustomFieldPolicy":               testCustomFieldPolicy,
		"IndustryPacks":                   testIndustryPacks,
		"Guard":                           testGuard,
		"History":                         testHistory,
		"History interaction":             testHistory_interaction,
		"History race":                    testHistory_race,
		"FetchKeys":                       testFetchKeys,
		"Policy":                          testPolicy,
		"DataQuality":                     testDataQuality,
		"Rules":                           testRules,
		"Rules checked":                   testRules_checked,
		"Rules tried":                     testRules_tried,
		"Rules asked/veto":                testQuestions_veto,
		"Rules asked/score":               testQuestions_score,
		"Rules asked/survivorship":        testQuestions_survivorship,
		"Rules asked/tried":               testQuestions_tried,
		"Rules parked":                    testRules_parked,
		"Rules guarded":                   testRules_guarded,
		"Documents":                       testDocuments,
		"Documents pdf":                   testDocuments_pdf,
		"Documents ofInteraction":         testDocuments_ofInteraction,
		"Documents ofPerson":              testDocuments_ofPerson,
		"Documents unfinished":            testDocuments_unfinished,
		"UploadDocument refuses":          testUploadDocument_refuses,
		"DownloadDocument http":           testDownloadDocument_http,
		"ImportUndo":                      testImportUndo,
		"ImportUndo chain":                testImportUndo_chain,
		"ImportUndo gone":                 testImportUndo_gone,
		"SyncContacts":                    testSyncContacts,
		"SyncContacts filter":             testSyncContacts_filter,
		"SyncContacts tokens":             testSyncContacts_tokens,
		"VerifyAudit":                     testVerifyAudit,
		"WatchContacts":                   testWatchContacts,
		"WatchContacts events":            testWatchContacts_events,
		"SyncContacts mask":               testSyncContacts_mask,
		"PushContacts":                    testPushContacts,
		"PushContacts strategies":         testPushContacts_strategies,
		"PushContacts chain":              testPushContacts_chain,
		"PushContacts refuses":            testPushContacts_refuses,
		"PushContacts property":           testPushContacts_property,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}

// both runs a test over both transports, each time as an admin of a fresh tenant,
// with an admin of another one beside it.
func both(t *testing.T, s *testkit.Suite, demands []string, test func(t *testing.T, a, other *api)) {
	t.Helper()
	testkit.Both(t, s, demands, func(t *testing.T, c *testkit.Client) {
		a, other := admins(s, c)
		test(t, a, other)
	})
}

// fresh answers an admin of a fresh tenant, and one of another, over gRPC.
func fresh(t testing.TB, s *testkit.Suite) (a, other *api) {
	t.Helper()
	return admins(s, s.Client(t, s.As(auth.Admin)))
}

func admins(s *testkit.Suite, c *testkit.Client) (a, other *api) {
	return of(c.As(s.User(entity.NewID(), "ann", auth.Admin))), of(c.As(s.User(entity.NewID(), "otto", auth.Admin)))
}

// service answers the caller that another service is in the tenant.
func service(tenant uuid.UUID) auth.Caller {
	return auth.Caller{Tenant: tenant, Subject: "services/analytics", Roles: []auth.Role{auth.Service}}
}

const (
	person       = contactv1.ContactKind_CONTACT_KIND_PERSON
	organisation = contactv1.ContactKind_CONTACT_KIND_ORGANISATION

	email  = contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL
	phone  = contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE
	card   = contactv1.IdentifierKind_IDENTIFIER_KIND_CARD
	device = contactv1.IdentifierKind_IDENTIFIER_KIND_DEVICE

	customer = contactv1.RoleKind_ROLE_KIND_CUSTOMER
	employee = contactv1.RoleKind_ROLE_KIND_EMPLOYEE
	partner  = contactv1.RoleKind_ROLE_KIND_PARTNER
)

// api are the services of the contact area over one transport, as one caller.
type api struct {
	*testkit.Client
	contactv1.ContactServiceClient
	contactv1.RelationshipServiceClient
	contactv1.InteractionServiceClient
	contactv1.ConsentServiceClient
	contactv1.IdentityServiceClient
	contactv1.CustomFieldServiceClient
}

func of(c *testkit.Client) *api {
	return &api{
		Client:                    c,
		ContactServiceClient:      contactv1.NewContactServiceClient(c.Conn),
		RelationshipServiceClient: contactv1.NewRelationshipServiceClient(c.Conn),
		InteractionServiceClient:  contactv1.NewInteractionServiceClient(c.Conn),
		ConsentServiceClient:      contactv1.NewConsentServiceClient(c.Conn),
		IdentityServiceClient:     contactv1.NewIdentityServiceClient(c.Conn),
		CustomFieldServiceClient:  contactv1.NewCustomFieldServiceClient(c.Conn),
	}
}

// create makes a contact, and fails the test where that is refused.
func (a *api) create(t testing.TB, c *contactv1.Contact) *contactv1.Contact {
	t.Helper()
	return must(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: c}))(t)
}

// named makes a person of this name.
func (a *api) named(t testing.TB, name string) *contactv1.Contact {
	t.Helper()
	return a.create(t, &contactv1.Contact{Kind: person, DisplayName: name})
}

// holder makes a person that holds one identifier.
func (a *api) holder(t testing.TB, name string, kind contactv1.IdentifierKind, value string) *contactv1.Contact {
	t.Helper()
	return a.create(t, holding(name, kind, value))
}

func holding(name string, kind contactv1.IdentifierKind, value string) *contactv1.Contact {
	return &contactv1.Contact{
		Kind: person, DisplayName: name, Identifiers: []*contactv1.Identifier{{Kind: kind, Value: value}},
	}
}

// must answers the result of a call that cannot be refused.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused checks code and reason of an error; an empty reason is not looked at.
func refused(t testing.TB, err error, code codes.Code, reason string) {
	t.Helper()
	if errs.Code(err) != code || reason != "" && errs.Reason(err) != reason {
		t.Errorf("got %s %s (%v), want %s %s", errs.Code(err), errs.Reason(err), err, code, reason)
	}
}

// violates checks that an input error names the field.
func violates(t testing.TB, err error, field, reason string) {
	t.Helper()
	refused(t, err, codes.InvalidArgument, "")
	for _, v := range errs.FieldViolations(err) {
		if v.Field == field && (reason == "" || v.Reason == reason) {
			return
		}
	}
	t.Errorf("violations %v, want %s of %q", errs.FieldViolations(err), reason, field)
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

// names answers what the contacts are called.
func names(list []*contactv1.Contact) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.GetDisplayName()
	}
	return out
}
