package server

import (
	"github.com/lingkar-crm/lingkar/pkg/auth"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
)

var (
	// marketing are those who run campaigns.
	marketing = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Marketer, auth.Service)
	// front are all who meet customers, and hear what they answer.
	front = marketing.And(auth.Allow(auth.All, auth.Sales, auth.Agent))
	// readers are those who may know.
	readers = front.And(auth.Allow(auth.All, auth.Analyst))
	// auditors look whether the audit log is what was written.
	auditors = auth.Allow(auth.All, auth.Admin, auth.Operator, auth.Service)
)

// Policy says who may make which call, over which records.
var Policy = auth.Policy{
	campaignv1.SegmentService_CreateSegment_FullMethodName:      marketing,
	campaignv1.SegmentService_GetSegment_FullMethodName:         readers,
	campaignv1.SegmentService_ListSegments_FullMethodName:       readers,
	campaignv1.SegmentService_UpdateSegment_FullMethodName:      marketing,
	campaignv1.SegmentService_DeleteSegment_FullMethodName:      marketing,
	campaignv1.SegmentService_UndeleteSegment_FullMethodName:    marketing,
	campaignv1.SegmentService_PreviewSegment_FullMethodName:     marketing,
	campaignv1.SegmentService_MaterializeSegment_FullMethodName: marketing,
	campaignv1.SegmentService_ListSegmentMembers_FullMethodName: readers,

	campaignv1.AuditService_VerifyAudit_FullMethodName:     auditors,
	campaignv1.AuditService_ProveAuditEntry_FullMethodName: auditors,

	campaignv1.CampaignService_CreateCampaign_FullMethodName:      marketing,
	campaignv1.CampaignService_GetCampaign_FullMethodName:         readers,
	campaignv1.CampaignService_ListCampaigns_FullMethodName:       readers,
	campaignv1.CampaignService_UpdateCampaign_FullMethodName:      marketing,
	campaignv1.CampaignService_DeleteCampaign_FullMethodName:      marketing,
	campaignv1.CampaignService_UndeleteCampaign_FullMethodName:    marketing,
	campaignv1.CampaignService_LaunchCampaign_FullMethodName:      marketing,
	campaignv1.CampaignService_PauseCampaign_FullMethodName:       marketing,
	campaignv1.CampaignService_ResumeCampaign_FullMethodName:      marketing,
	campaignv1.CampaignService_FinishCampaign_FullMethodName:      marketing,
	campaignv1.CampaignService_GetCampaignProgress_FullMethodName: readers,

	campaignv1.TouchService_GetTouch_FullMethodName:       readers,
	campaignv1.TouchService_ListTouches_FullMethodName:    readers,
	campaignv1.TouchService_SendTouch_FullMethodName:      front,
	campaignv1.TouchService_RecordResponse_FullMethodName: front,
	campaignv1.TouchService_ListResponses_FullMethodName:  readers,
}
