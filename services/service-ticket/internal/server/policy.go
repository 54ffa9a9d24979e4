package server

import (
	"github.com/lingkar-crm/lingkar/pkg/auth"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

var (
	// desk are those who work on tickets.
	desk = auth.Allow(auth.All, auth.Admin, auth.Manager, auth.Agent, auth.Service)
	// front are all who meet customers: each sees what the others have open, and
	// takes up what a customer says (SVC-01).
	front = desk.And(auth.Allow(auth.All, auth.Sales))
	// readers are those who may know.
	readers = front.And(auth.Allow(auth.All, auth.Marketer, auth.Analyst))
	// themselves are the contacts, through a portal: each over its own tickets, and of
	// those what Window opens.
	themselves = auth.Allow(auth.Self, auth.Portal)
	// heads run the desk.
	heads = auth.Allow(auth.All, auth.Admin, auth.Manager)
	// auditors look whether the audit log is what was written.
	auditors = auth.Allow(auth.All, auth.Admin, auth.Operator, auth.Service)
)

// Policy says who may make which call, over which records.
var Policy = auth.Policy{
	ticketv1.TicketService_CreateTicket_FullMethodName:   front,
	ticketv1.TicketService_OpenTicket_FullMethodName:     front.And(themselves),
	ticketv1.TicketService_GetTicket_FullMethodName:      readers.And(themselves),
	ticketv1.TicketService_ListTickets_FullMethodName:    readers.And(themselves),
	ticketv1.TicketService_UpdateTicket_FullMethodName:   desk,
	ticketv1.TicketService_DeleteTicket_FullMethodName:   heads,
	ticketv1.TicketService_UndeleteTicket_FullMethodName: heads,
	ticketv1.TicketService_ReplyToTicket_FullMethodName:  front.And(themselves),
	ticketv1.TicketService_AssignTicket_FullMethodName:   desk,
	ticketv1.TicketService_ResolveTicket_FullMethodName:  desk,
	ticketv1.TicketService_ReopenTicket_FullMethodName:   desk,
	ticketv1.TicketService_CloseTicket_FullMethodName:    desk,
	ticketv1.TicketService_RateTicket_FullMethodName:     front,
	ticketv1.TicketService_ListMessages_FullMethodName:   front.And(themselves),

	ticketv1.AuditService_VerifyAudit_FullMethodName:     auditors,
	ticketv1.AuditService_ProveAuditEntry_FullMethodName: auditors,

	ticketv1.QueueService_CreateQueue_FullMethodName:   heads,
	ticketv1.QueueService_GetQueue_FullMethodName:      readers,
	ticketv1.QueueService_ListQueues_FullMethodName:    readers,
	ticketv1.QueueService_UpdateQueue_FullMethodName:   heads,
	ticketv1.QueueService_DeleteQueue_FullMethodName:   heads,
	ticketv1.QueueService_UndeleteQueue_FullMethodName: heads,
}
