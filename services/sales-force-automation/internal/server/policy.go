package server

import (
	"maps"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

// Who may do what. Salespeople see every lead, because a new one belongs to
// nobody, but of deals and orders those of their own and of their teams. The
// catalogue and the prices are for every department to read (SFA-12).
var (
	catalogueRead  = auth.Allow(auth.All, auth.Staff...).And(auth.Allow(auth.All, auth.Operator, auth.Service))
	catalogueWrite = auth.Allow(auth.All, auth.Admin, auth.Manager)
	everyDeal      = auth.Allow(auth.All, auth.Admin, auth.Manager)
	teamDeals      = auth.Allow(auth.Team, auth.Sales)

	leadRead    = auth.Allow(auth.All, auth.Staff...).And(auth.Allow(auth.All, auth.Service))
	leadCapture = everyDeal.And(auth.Allow(auth.All, auth.Sales, auth.Agent, auth.Marketer, auth.Service))
	leadWork    = everyDeal.And(auth.Allow(auth.All, auth.Sales))
	leadDelete  = everyDeal

	dealRead  = everyDeal.And(teamDeals, auth.Allow(auth.All, auth.Agent, auth.Marketer, auth.Analyst, auth.Service))
	dealWork  = everyDeal.And(teamDeals)
	orderTake = dealWork.And(auth.Allow(auth.All, auth.Agent, auth.Service))
	// The contacts, through a portal: each its own orders, and of those what Window opens.
	themselves = auth.Allow(auth.Self, auth.Portal)
	auditors   = auth.Allow(auth.All, auth.Admin, auth.Operator, auth.Service)
	purchases  = everyDeal.And(auth.Allow(auth.All, auth.Operator, auth.Service))
)

// Policy says who may call what: every RPC of the area is in it.
func Policy() auth.Policy {
	p := auth.Policy{}
	for _, table := range []auth.Policy{cataloguePolicy(), pipelinePolicy(), leadPolicy(), opportunityPolicy(), orderPolicy(), importPolicy(), auditPolicy()} {
		maps.Copy(p, table)
	}
	return p
}

func cataloguePolicy() auth.Policy {
	return auth.Policy{
		salesv1.ProductService_CreateProduct_FullMethodName:   catalogueWrite,
		salesv1.ProductService_GetProduct_FullMethodName:      catalogueRead,
		salesv1.ProductService_ListProducts_FullMethodName:    catalogueRead,
		salesv1.ProductService_UpdateProduct_FullMethodName:   catalogueWrite,
		salesv1.ProductService_DeleteProduct_FullMethodName:   catalogueWrite,
		salesv1.ProductService_UndeleteProduct_FullMethodName: catalogueWrite,

		salesv1.PriceListService_CreatePriceList_FullMethodName:   catalogueWrite,
		salesv1.PriceListService_GetPriceList_FullMethodName:      catalogueRead,
		salesv1.PriceListService_ListPriceLists_FullMethodName:    catalogueRead,
		salesv1.PriceListService_UpdatePriceList_FullMethodName:   catalogueWrite,
		salesv1.PriceListService_DeletePriceList_FullMethodName:   catalogueWrite,
		salesv1.PriceListService_UndeletePriceList_FullMethodName: catalogueWrite,
		salesv1.PriceListService_CreatePrice_FullMethodName:       catalogueWrite,
		salesv1.PriceListService_GetPrice_FullMethodName:          catalogueRead,
		salesv1.PriceListService_ListPrices_FullMethodName:        catalogueRead,
		salesv1.PriceListService_UpdatePrice_FullMethodName:       catalogueWrite,
		salesv1.PriceListService_DeletePrice_FullMethodName:       catalogueWrite,
		salesv1.PriceListService_UndeletePrice_FullMethodName:     catalogueWrite,
		salesv1.PriceListService_LookupPrice_FullMethodName:       catalogueRead,
	}
}

func pipelinePolicy() auth.Policy {
	return auth.Policy{
		salesv1.PipelineService_CreatePipeline_FullMethodName:     catalogueWrite,
		salesv1.PipelineService_GetPipeline_FullMethodName:        catalogueRead,
		salesv1.PipelineService_ListPipelines_FullMethodName:      catalogueRead,
		salesv1.PipelineService_UpdatePipeline_FullMethodName:     catalogueWrite,
		salesv1.PipelineService_DeletePipeline_FullMethodName:     catalogueWrite,
		salesv1.PipelineService_UndeletePipeline_FullMethodName:   catalogueWrite,
		salesv1.PipelineService_SetDefaultPipeline_FullMethodName: catalogueWrite,
	}
}

func leadPolicy() auth.Policy {
	return auth.Policy{
		salesv1.LeadService_CreateLead_FullMethodName:     leadCapture,
		salesv1.LeadService_CaptureLead_FullMethodName:    leadCapture,
		salesv1.LeadService_GetLead_FullMethodName:        leadRead,
		salesv1.LeadService_ListLeads_FullMethodName:      leadRead,
		salesv1.LeadService_UpdateLead_FullMethodName:     leadWork,
		salesv1.LeadService_DeleteLead_FullMethodName:     leadDelete,
		salesv1.LeadService_UndeleteLead_FullMethodName:   leadDelete,
		salesv1.LeadService_AcceptLead_FullMethodName:     leadWork,
		salesv1.LeadService_QualifyLead_FullMethodName:    leadWork,
		salesv1.LeadService_ConvertLead_FullMethodName:    leadWork,
		salesv1.LeadService_DisqualifyLead_FullMethodName: leadWork,
		salesv1.LeadService_ReopenLead_FullMethodName:     leadWork,
	}
}

func opportunityPolicy() auth.Policy {
	return auth.Policy{
		salesv1.OpportunityService_CreateOpportunity_FullMethodName:   dealWork,
		salesv1.OpportunityService_GetOpportunity_FullMethodName:      dealRead,
		salesv1.OpportunityService_ListOpportunities_FullMethodName:   dealRead,
		salesv1.OpportunityService_UpdateOpportunity_FullMethodName:   dealWork,
		salesv1.OpportunityService_DeleteOpportunity_FullMethodName:   dealWork,
		salesv1.OpportunityService_UndeleteOpportunity_FullMethodName: dealWork,
		salesv1.OpportunityService_AdvanceOpportunity_FullMethodName:  dealWork,
		salesv1.OpportunityService_WinOpportunity_FullMethodName:      dealWork,
		salesv1.OpportunityService_LoseOpportunity_FullMethodName:     dealWork,
	}
}

func orderPolicy() auth.Policy {
	return auth.Policy{
		salesv1.OrderService_CreateOrder_FullMethodName:          orderTake,
		salesv1.OrderService_GetOrder_FullMethodName:             dealRead.And(themselves),
		salesv1.OrderService_ListOrders_FullMethodName:           dealRead.And(themselves),
		salesv1.OrderService_UpdateOrder_FullMethodName:          orderTake,
		salesv1.OrderService_DeleteOrder_FullMethodName:          dealWork,
		salesv1.OrderService_UndeleteOrder_FullMethodName:        dealWork,
		salesv1.OrderService_ConfirmOrder_FullMethodName:         orderTake,
		salesv1.OrderService_CancelOrder_FullMethodName:          orderTake,
		salesv1.OrderService_RecordPurchase_FullMethodName:       purchases,
		salesv1.OrderService_BatchRecordPurchases_FullMethodName: purchases,
	}
}

// importPolicy lets those bring files who may see every deal and record purchases:
// a file changes records whoever owns them.
func importPolicy() auth.Policy {
	return auth.Policy{
		salesv1.ImportService_UploadImport_FullMethodName:   purchases,
		salesv1.ImportService_RunImport_FullMethodName:      purchases,
		salesv1.ImportService_GetImport_FullMethodName:      purchases,
		salesv1.ImportService_ListImportRows_FullMethodName: purchases,
		salesv1.ImportService_CancelImport_FullMethodName:   purchases,
		salesv1.ImportService_UndoImport_FullMethodName:     purchases,
	}
}

// auditPolicy lets those look whether the audit log is what was written who do so
// everywhere.
func auditPolicy() auth.Policy {
	return auth.Policy{
		salesv1.AuditService_VerifyAudit_FullMethodName:     auditors,
		salesv1.AuditService_ProveAuditEntry_FullMethodName: auditors,
	}
}
