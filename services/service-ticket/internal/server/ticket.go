package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

// GetTicket implements ticketv1.TicketServiceServer.
func (s *Server) GetTicket(ctx context.Context, req *ticketv1.GetTicketRequest) (*ticketv1.Ticket, error) {
	return s.Store.Tickets.Read(ctx, tenantOf(ctx), req.GetName())
}

// ListTickets implements ticketv1.TicketServiceServer.
func (s *Server) ListTickets(ctx context.Context, req *ticketv1.ListTicketsRequest) (*ticketv1.ListTicketsResponse, error) {
	tickets, next, err := s.Store.Tickets.List(ctx, tenantOf(ctx), req)
	if err != nil {
		return nil, err
	}
	return &ticketv1.ListTicketsResponse{Tickets: tickets, NextPageToken: next}, nil
}

// UpdateTicket implements ticketv1.TicketServiceServer.
func (s *Server) UpdateTicket(ctx context.Context, req *ticketv1.UpdateTicketRequest) (*ticketv1.Ticket, error) {
	return s.Store.Tickets.Update(ctx, tenantOf(ctx), req.GetTicket(), req.GetUpdateMask())
}

// DeleteTicket implements ticketv1.TicketServiceServer.
func (s *Server) DeleteTicket(ctx context.Context, req *ticketv1.DeleteTicketRequest) (*ticketv1.Ticket, error) {
	return s.Store.Tickets.Delete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// UndeleteTicket implements ticketv1.TicketServiceServer.
func (s *Server) UndeleteTicket(ctx context.Context, req *ticketv1.UndeleteTicketRequest) (*ticketv1.Ticket, error) {
	return s.Store.Tickets.Undelete(ctx, tenantOf(ctx), req.GetName(), req.GetEtag())
}

// change runs a rule of the ticket's life on it.
func (s *Server) change(ctx context.Context, name, etag string, rule func(*ticket.Ticket) ([]entity.Event, error)) (*ticketv1.Ticket, error) {
	return s.Store.Tickets.Change(ctx, tenantOf(ctx), name, etag, rule)
}

// AssignTicket implements ticketv1.TicketServiceServer.
func (s *Server) AssignTicket(ctx context.Context, req *ticketv1.AssignTicketRequest) (*ticketv1.Ticket, error) {
	var r fields.Reader
	to := ticket.Place{
		Owner: r.Line("owner", req.GetOwner()),
		Team:  r.Line("team", req.GetTeam()),
		Queue: r.Optional("queue", "queues", req.GetQueue()),
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s.change(ctx, req.GetName(), req.GetEtag(), func(t *ticket.Ticket) ([]entity.Event, error) {
		return t.Assign(to)
	})
}

// ResolveTicket implements ticketv1.TicketServiceServer.
func (s *Server) ResolveTicket(ctx context.Context, req *ticketv1.ResolveTicketRequest) (*ticketv1.Ticket, error) {
	var r fields.Reader
	words := r.RequiredWords("resolution", req.GetResolution())
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s.change(ctx, req.GetName(), req.GetEtag(), func(t *ticket.Ticket) ([]entity.Event, error) {
		return t.Resolve(req.GetResolutionCode(), words, s.now())
	})
}

// ReopenTicket implements ticketv1.TicketServiceServer.
func (s *Server) ReopenTicket(ctx context.Context, req *ticketv1.ReopenTicketRequest) (*ticketv1.Ticket, error) {
	var r fields.Reader
	reason := r.RequiredWords("reason", req.GetReason())
	if err := r.Err(); err != nil {
		return nil, err
	}
	return s.change(ctx, req.GetName(), req.GetEtag(), func(t *ticket.Ticket) ([]entity.Event, error) {
		return t.Reopen(reason, s.now())
	})
}

// CloseTicket implements ticketv1.TicketServiceServer.
func (s *Server) CloseTicket(ctx context.Context, req *ticketv1.CloseTicketRequest) (*ticketv1.Ticket, error) {
	return s.change(ctx, req.GetName(), req.GetEtag(), func(t *ticket.Ticket) ([]entity.Event, error) {
		return t.Close(req.GetCustomerConfirmed(), s.now())
	})
}

// RateTicket implements ticketv1.TicketServiceServer.
func (s *Server) RateTicket(ctx context.Context, req *ticketv1.RateTicketRequest) (*ticketv1.Ticket, error) {
	var r fields.Reader
	comment := r.Words(req.GetComment())
	return s.change(ctx, req.GetName(), req.GetEtag(), func(t *ticket.Ticket) ([]entity.Event, error) {
		return t.Rate(req.GetSatisfaction(), comment, ticket.Channel(req.GetChannel()))
	})
}
