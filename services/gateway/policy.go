package gateway

import "github.com/lingkar-crm/lingkar/pkg/auth"

const (
	platform    = "/lingkar.platform.v1."
	longrunning = "/google.longrunning.Operations/"
)

var (
	operators = auth.Allow(auth.All, auth.Operator)
	admins    = auth.Allow(auth.All, auth.Admin).And(operators)
	own       = auth.Allow(auth.All, auth.Admin)
	leaders   = auth.Allow(auth.All, auth.Manager).And(admins)
	staff     = auth.Allow(auth.All, auth.Staff...)
	everyone  = auth.Allow(auth.All, auth.Staff...).And(operators, auth.Allow(auth.All, auth.Service))
)

// Policy says who may call area platform. What a tenant's people may know of a
// tenant is their own; operators are those of the installation.
var Policy = auth.Policy{
	platform + "TenantService/CreateTenant":  operators,
	platform + "TenantService/GetTenant":     everyone,
	platform + "TenantService/ListTenants":   operators,
	platform + "TenantService/UpdateTenant":  admins,
	platform + "TenantService/SuspendTenant": operators,
	platform + "TenantService/ResumeTenant":  operators,

	platform + "MemberService/CreateMember":   admins,
	platform + "MemberService/GetMember":      everyone,
	platform + "MemberService/ListMembers":    everyone,
	platform + "MemberService/UpdateMember":   admins,
	platform + "MemberService/DeleteMember":   admins,
	platform + "MemberService/UndeleteMember": admins,

	platform + "TeamService/CreateTeam":   leaders,
	platform + "TeamService/GetTeam":      everyone,
	platform + "TeamService/ListTeams":    everyone,
	platform + "TeamService/UpdateTeam":   leaders,
	platform + "TeamService/DeleteTeam":   leaders,
	platform + "TeamService/UndeleteTeam": leaders,

	platform + "RoleService/GetRole":   everyone,
	platform + "RoleService/ListRoles": everyone,

	platform + "ApiKeyService/CreateApiKey": admins,
	platform + "ApiKeyService/GetApiKey":    admins,
	platform + "ApiKeyService/ListApiKeys":  admins,
	platform + "ApiKeyService/UpdateApiKey": admins,
	platform + "ApiKeyService/RevokeApiKey": admins,

	platform + "ExchangeRateService/CreateExchangeRate":   leaders,
	platform + "ExchangeRateService/GetExchangeRate":      everyone,
	platform + "ExchangeRateService/ListExchangeRates":    everyone,
	platform + "ExchangeRateService/UpdateExchangeRate":   leaders,
	platform + "ExchangeRateService/DeleteExchangeRate":   leaders,
	platform + "ExchangeRateService/UndeleteExchangeRate": leaders,
	platform + "ExchangeRateService/LookupExchangeRate":   everyone,

	platform + "RuleService/CreateRule":             leaders,
	platform + "RuleService/GetRule":                everyone,
	platform + "RuleService/ListRules":              everyone,
	platform + "RuleService/UpdateRule":             leaders,
	platform + "RuleService/DeleteRule":             leaders,
	platform + "RuleService/UndeleteRule":           leaders,
	platform + "RuleService/ListRuleVersions":       everyone,
	platform + "RuleService/StartRulePreview":       leaders,
	platform + "RuleService/CommitRule":             leaders,
	platform + "RuleService/RollbackRule":           leaders,
	platform + "RuleService/RetireRule":             leaders,
	platform + "RuleService/TestRule":               leaders,
	platform + "RuleService/SimulateRule":           leaders,
	platform + "RuleService/GetRuleActivity":        leaders,
	platform + "RuleService/ListRuleDecisions":      leaders,
	platform + "RuleService/ExplainDecision":        leaders,
	platform + "FieldRuleService/CreateFieldRule":   admins,
	platform + "FieldRuleService/GetFieldRule":      everyone,
	platform + "FieldRuleService/ListFieldRules":    everyone,
	platform + "FieldRuleService/UpdateFieldRule":   admins,
	platform + "FieldRuleService/DeleteFieldRule":   admins,
	platform + "FieldRuleService/UndeleteFieldRule": admins,

	platform + "AuditService/VerifyAudit":     admins.And(auth.Allow(auth.All, auth.Service)),
	platform + "AuditService/ProveAuditEntry": admins.And(auth.Allow(auth.All, auth.Service)),
	// Who may use a view, and who may change it, is the view's own.
	platform + "SavedViewService/CreateSavedView":       staff,
	platform + "SavedViewService/GetSavedView":          staff,
	platform + "SavedViewService/ListSavedViews":        staff,
	platform + "SavedViewService/UpdateSavedView":       staff,
	platform + "SavedViewService/DeleteSavedView":       staff,
	platform + "SavedViewService/UndeleteSavedView":     staff,
	platform + "SavedViewService/SetDefaultSavedView":   staff,
	platform + "SavedViewService/ClearDefaultSavedView": staff,

	// Who sets an endpoint up decides what leaves the company: its own administrators.
	platform + "WebhookEndpointService/CreateWebhookEndpoint":       own,
	platform + "WebhookEndpointService/GetWebhookEndpoint":          own,
	platform + "WebhookEndpointService/ListWebhookEndpoints":        own,
	platform + "WebhookEndpointService/UpdateWebhookEndpoint":       own,
	platform + "WebhookEndpointService/DeleteWebhookEndpoint":       own,
	platform + "WebhookEndpointService/UndeleteWebhookEndpoint":     own,
	platform + "WebhookEndpointService/PauseWebhookEndpoint":        own,
	platform + "WebhookEndpointService/ResumeWebhookEndpoint":       own,
	platform + "WebhookEndpointService/RotateWebhookEndpointSecret": own,
	platform + "WebhookEndpointService/TestWebhookEndpoint":         own,
	platform + "WebhookDeliveryService/GetWebhookDelivery":          own,
	platform + "WebhookDeliveryService/ListWebhookDeliveries":       own,
	platform + "WebhookDeliveryService/RedeliverWebhookDelivery":    own,
	platform + "WebhookDeliveryService/ReplayWebhookDeliveries":     own,

	// The area that works says whose operation it is.
	longrunning + "GetOperation":    everyone,
	longrunning + "CancelOperation": everyone,
	longrunning + "ListOperations":  everyone,
	longrunning + "DeleteOperation": everyone,
	longrunning + "WaitOperation":   everyone,
}
