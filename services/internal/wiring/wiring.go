// Package wiring is the table of what each service of the suite needs of the
// others. A service that wants another event or call gets it by a line here, and by
// nothing else: broker, servers and clients all hold to it.
package wiring

import (
	"github.com/lingkar-crm/lingkar/pkg/mesh"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// fetchKeys is what everybody calls who records or reads personal fields.
const fetchKeys = contactv1.KeyService_FetchKeys_FullMethodName

// portalSession is what everybody calls who has something open to portals.
const portalSession = contactv1.PortalService_GetPortalSession_FullMethodName

// Mesh is that of the suite.
var Mesh = mesh.Mesh{
	"contact": {Area: "contact", Reads: []string{"contact", "sales", "ticket", "campaign", "platform"}, Together: true},
	"sales-force-automation": {Area: "sales", Reads: []string{"contact", "platform"}, Calls: []string{
		fetchKeys,
		portalSession,
		contactv1.ContactService_GetContact_FullMethodName,
		contactv1.ContactService_ListContacts_FullMethodName,
		contactv1.ContactService_LookupContact_FullMethodName,
		contactv1.ContactService_CreateContact_FullMethodName,
		contactv1.ContactService_BatchGetContacts_FullMethodName,
		contactv1.ContactService_BatchCreateContacts_FullMethodName,
	}},
	"service-ticket": {Area: "ticket", Reads: []string{"contact", "platform"}, Calls: []string{
		fetchKeys,
		portalSession,
		contactv1.ContactService_GetContact_FullMethodName,
	}},
	"marketing-campaign": {Area: "campaign", Reads: []string{"contact", "platform"}, Calls: []string{
		fetchKeys,
		contactv1.ContactService_GetContact_FullMethodName,
		contactv1.ContactService_ListContacts_FullMethodName,
		contactv1.ContactService_BatchGetContacts_FullMethodName,
		contactv1.ConsentService_CheckConsent_FullMethodName,
	}},
	"analytics": {Area: "analytics", Reads: []string{"contact", "sales", "ticket", "campaign", "platform"}, Together: true, Calls: []string{
		fetchKeys,
	}},
	"gateway": {Area: "platform", Front: true, Reads: []string{"contact", "sales", "ticket", "campaign", "platform"}, Together: true, Calls: []string{
		fetchKeys,
		contactv1.DisclosureService_ScreenDisclosure_FullMethodName,
		contactv1.RuleEngineService_CheckRule_FullMethodName,
		contactv1.RuleEngineService_TryRule_FullMethodName,
		contactv1.RuleEngineService_BackTestRule_FullMethodName,
		contactv1.RuleEngineService_GetRuleActivity_FullMethodName,
		contactv1.RuleEngineService_ListRuleDecisions_FullMethodName,
		contactv1.RuleEngineService_ExplainDecision_FullMethodName,
	}},
}
