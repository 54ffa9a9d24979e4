package server

import (
	"github.com/lingkar-crm/lingkar/pkg/auth"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

var (
	// headquarters see all customers at once.
	headquarters = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Analyst, auth.Service)
	// integrators read the events of a whole tenant.
	integrators = auth.Allow(auth.All, auth.Admin, auth.Service)
	operators   = auth.Allow(auth.All, auth.Operator)
	// auditors look whether the audit log is what was written.
	auditors = auth.Allow(auth.All, auth.Admin, auth.Operator, auth.Service)
)

// Policy says who may make which call, over which records.
var Policy = auth.Policy{
	analyticsv1.CustomerViewService_GetCustomerView_FullMethodName: everyone,
	analyticsv1.CustomerViewService_ListTimeline_FullMethodName:    everyone,
	analyticsv1.CustomerViewService_WatchCustomer_FullMethodName:   everyone,

	analyticsv1.AuditService_VerifyAudit_FullMethodName:     auditors,
	analyticsv1.AuditService_ProveAuditEntry_FullMethodName: auditors,

	analyticsv1.PyramidService_GetCustomerPyramid_FullMethodName: headquarters.And(auth.Allow(auth.All, auth.Marketer)),
	analyticsv1.PyramidService_ListPyramidMembers_FullMethodName: headquarters.And(auth.Allow(auth.All, auth.Marketer)),

	analyticsv1.EventStoreService_ListEvents_FullMethodName:         integrators,
	analyticsv1.EventStoreService_WatchEvents_FullMethodName:        integrators,
	analyticsv1.EventStoreService_GetFreshness_FullMethodName:       operators.And(auth.Allow(auth.All, auth.Admin, auth.Service)),
	analyticsv1.EventStoreService_RebuildProjections_FullMethodName: operators,
	analyticsv1.EventStoreService_GetRebuild_FullMethodName:         operators.And(auth.Allow(auth.All, auth.Service)),
	analyticsv1.EventStoreService_ListDeadLetters_FullMethodName:    operators,
	analyticsv1.EventStoreService_RetryDeadLetter_FullMethodName:    operators,
	analyticsv1.EventStoreService_DiscardDeadLetter_FullMethodName:  operators,
}
