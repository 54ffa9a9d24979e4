package rest

import (
	"context"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// register makes the routes of one service, whose calls go over the connection.
type register func(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error

// of joins what the generator made for one service.
func of[C any](client func(grpc.ClientConnInterface) C, handler func(context.Context, *runtime.ServeMux, C) error) register {
	return func(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error {
		return handler(ctx, mux, client(conn))
	}
}

// areas are the services that are offered over HTTP. A test compares them with
// the contracts, so that none is forgotten.
var areas = map[string][]register{
	"analytics": {
		of(analyticsv1.NewAuditServiceClient, analyticsv1.RegisterAuditServiceHandlerClient),
		of(analyticsv1.NewCustomerViewServiceClient, analyticsv1.RegisterCustomerViewServiceHandlerClient),
		of(analyticsv1.NewEventStoreServiceClient, analyticsv1.RegisterEventStoreServiceHandlerClient),
		of(analyticsv1.NewPyramidServiceClient, analyticsv1.RegisterPyramidServiceHandlerClient),
	},
	"campaign": {
		of(campaignv1.NewAuditServiceClient, campaignv1.RegisterAuditServiceHandlerClient),
		of(campaignv1.NewCampaignServiceClient, campaignv1.RegisterCampaignServiceHandlerClient),
		of(campaignv1.NewSegmentServiceClient, campaignv1.RegisterSegmentServiceHandlerClient),
		of(campaignv1.NewTouchServiceClient, campaignv1.RegisterTouchServiceHandlerClient),
	},
	"contact": {
		of(contactv1.NewConsentServiceClient, contactv1.RegisterConsentServiceHandlerClient),
		of(contactv1.NewPurposeServiceClient, contactv1.RegisterPurposeServiceHandlerClient),
		of(contactv1.NewPrivacyServiceClient, contactv1.RegisterPrivacyServiceHandlerClient),
		of(contactv1.NewDisclosureServiceClient, contactv1.RegisterDisclosureServiceHandlerClient),
		of(contactv1.NewContactServiceClient, contactv1.RegisterContactServiceHandlerClient),
		of(contactv1.NewDocumentServiceClient, contactv1.RegisterDocumentServiceHandlerClient),
		of(contactv1.NewIdentityServiceClient, contactv1.RegisterIdentityServiceHandlerClient),
		of(contactv1.NewEmployeeServiceClient, contactv1.RegisterEmployeeServiceHandlerClient),
		of(contactv1.NewCustomFieldServiceClient, contactv1.RegisterCustomFieldServiceHandlerClient),
		of(contactv1.NewFactServiceClient, contactv1.RegisterFactServiceHandlerClient),
		of(contactv1.NewInvestorRelationsServiceClient, contactv1.RegisterInvestorRelationsServiceHandlerClient),
		of(contactv1.NewAuditServiceClient, contactv1.RegisterAuditServiceHandlerClient),
		of(contactv1.NewSyncServiceClient, contactv1.RegisterSyncServiceHandlerClient),
		of(contactv1.NewImportServiceClient, contactv1.RegisterImportServiceHandlerClient),
		of(contactv1.NewInteractionServiceClient, contactv1.RegisterInteractionServiceHandlerClient),
		of(contactv1.NewLifecycleServiceClient, contactv1.RegisterLifecycleServiceHandlerClient),
		of(contactv1.NewPortalServiceClient, contactv1.RegisterPortalServiceHandlerClient),
		of(contactv1.NewQualityServiceClient, contactv1.RegisterQualityServiceHandlerClient),
		of(contactv1.NewRelationshipServiceClient, contactv1.RegisterRelationshipServiceHandlerClient),
	},
	"platform": {
		of(platformv1.NewAuditServiceClient, platformv1.RegisterAuditServiceHandlerClient),
		of(platformv1.NewApiKeyServiceClient, platformv1.RegisterApiKeyServiceHandlerClient),
		of(platformv1.NewExchangeRateServiceClient, platformv1.RegisterExchangeRateServiceHandlerClient),
		of(platformv1.NewFieldRuleServiceClient, platformv1.RegisterFieldRuleServiceHandlerClient),
		of(platformv1.NewMemberServiceClient, platformv1.RegisterMemberServiceHandlerClient),
		of(platformv1.NewRuleServiceClient, platformv1.RegisterRuleServiceHandlerClient),
		of(platformv1.NewRoleServiceClient, platformv1.RegisterRoleServiceHandlerClient),
		of(platformv1.NewSavedViewServiceClient, platformv1.RegisterSavedViewServiceHandlerClient),
		of(platformv1.NewTeamServiceClient, platformv1.RegisterTeamServiceHandlerClient),
		of(platformv1.NewTenantServiceClient, platformv1.RegisterTenantServiceHandlerClient),
		of(platformv1.NewWebhookDeliveryServiceClient, platformv1.RegisterWebhookDeliveryServiceHandlerClient),
		of(platformv1.NewWebhookEndpointServiceClient, platformv1.RegisterWebhookEndpointServiceHandlerClient),
	},
	"sales": {
		of(salesv1.NewAuditServiceClient, salesv1.RegisterAuditServiceHandlerClient),
		of(salesv1.NewImportServiceClient, salesv1.RegisterImportServiceHandlerClient),
		of(salesv1.NewLeadServiceClient, salesv1.RegisterLeadServiceHandlerClient),
		of(salesv1.NewOpportunityServiceClient, salesv1.RegisterOpportunityServiceHandlerClient),
		of(salesv1.NewOrderServiceClient, salesv1.RegisterOrderServiceHandlerClient),
		of(salesv1.NewPipelineServiceClient, salesv1.RegisterPipelineServiceHandlerClient),
		of(salesv1.NewPriceListServiceClient, salesv1.RegisterPriceListServiceHandlerClient),
		of(salesv1.NewProductServiceClient, salesv1.RegisterProductServiceHandlerClient),
	},
	"ticket": {
		of(ticketv1.NewAuditServiceClient, ticketv1.RegisterAuditServiceHandlerClient),
		of(ticketv1.NewQueueServiceClient, ticketv1.RegisterQueueServiceHandlerClient),
		of(ticketv1.NewTicketServiceClient, ticketv1.RegisterTicketServiceHandlerClient),
	},
}
