package server

import (
	"context"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/record"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/store"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

// CreateTicket implements ticketv1.TicketServiceServer.
func (s *Server) CreateTicket(ctx context.Context, req *ticketv1.CreateTicketRequest) (*ticketv1.Ticket, error) {
	rules, err := s.Store.Tickets.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	number, err := s.Store.Numbers.Next(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	return introduced(ctx, s, req.GetTicket().GetContact(), func() (*ticketv1.Ticket, error) {
		t, events, err := s.start(req.GetTicket(), req.GetTicketId(), number, nil, rules)
		if err != nil {
			return nil, err
		}
		return s.Store.Tickets.Add(ctx, tenantOf(ctx), t, events...)
	})
}

// OpenTicket implements ticketv1.TicketServiceServer.
func (s *Server) OpenTicket(ctx context.Context, req *ticketv1.OpenTicketRequest) (*ticketv1.OpenTicketResponse, error) {
	if err := openedBy(ctx, req.GetTicket()); err != nil {
		return nil, err
	}
	first, err := readMessage(ctx, req.GetMessage())
	if err != nil {
		return nil, err
	}
	rules, err := s.Store.Tickets.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	number, err := s.Store.Numbers.Next(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	open := func(u *record.Unit) (*ticketv1.OpenTicketResponse, error) {
		t, events, err := s.start(req.GetTicket(), req.GetTicketId(), number, &first, rules)
		if err != nil {
			return nil, err
		}
		if err := s.Store.Tickets.AddIn(u, t, events...); err != nil {
			return nil, err
		}
		return &ticketv1.OpenTicketResponse{Ticket: s.Store.Tickets.Proto(t), Message: lastSaid(t)}, nil
	}
	return introduced(ctx, s, req.GetTicket().GetContact(), func() (*ticketv1.OpenTicketResponse, error) {
		return record.Write(ctx, s.Store.DB, s.Store.Log, tenantOf(ctx), open)
	})
}

// start makes a new ticket of a message, by the tenant's custom fields.
func (s *Server) start(m *ticketv1.Ticket, id string, number int64, first *ticket.Message, rules record.CustomRules) (*ticket.Ticket, []entity.Event, error) {
	var r fields.Reader
	t := &ticket.Ticket{}
	t.ID = r.ID("ticket_id", id)
	if err := r.Err(); err != nil {
		return nil, nil, err
	}
	if err := s.Store.Tickets.Fill(t, m); err != nil {
		return nil, nil, err
	}
	if err := s.Store.Tickets.CheckNew(rules, t); err != nil {
		return nil, nil, err
	}
	events, err := t.Start(ticket.FormatNumber(number), first, s.now())
	return t, events, err
}

// ReplyToTicket implements ticketv1.TicketServiceServer.
func (s *Server) ReplyToTicket(ctx context.Context, req *ticketv1.ReplyToTicketRequest) (*ticketv1.ReplyToTicketResponse, error) {
	m, err := readMessage(ctx, req.GetMessage())
	if err != nil {
		return nil, err
	}
	reply := func(t *ticket.Ticket) ([]entity.Event, error) {
		if req.GetEtag() != "" && req.GetEtag() != t.Etag() {
			return nil, errEtag
		}
		return t.Reply(m, req.GetWaitForCustomer(), s.now())
	}
	return record.Write(ctx, s.Store.DB, s.Store.Log, tenantOf(ctx), func(u *record.Unit) (*ticketv1.ReplyToTicketResponse, error) {
		t, err := s.Store.Tickets.ChangeIn(u, req.GetName(), reply)
		if err != nil {
			return nil, err
		}
		return &ticketv1.ReplyToTicketResponse{Ticket: s.Store.Tickets.Proto(t), Message: lastSaid(t)}, nil
	})
}

var errEtag = errs.Aborted("ETAG_MISMATCH", "the record was changed since it was read: read it again")

// readMessage reads what is said. A message of staff is the caller's.
func readMessage(ctx context.Context, m *ticketv1.Message) (ticket.Message, error) {
	r := fields.Reader{In: "message"}
	said := ticket.Message{
		AuthorKind: saidBy(ctx, m),
		Author:     auth.From(ctx).Subject,
		Channel:    ticket.Channel(m.GetChannel()),
		Internal:   m.GetInternal(),
		Body:       r.RequiredWords("body", m.GetBody()),
		SayTime:    r.Time("say_time", m.GetSayTime()),
	}
	return said, r.Err()
}

// lastSaid words the message that was just said.
func lastSaid(t *ticket.Ticket) *ticketv1.Message {
	said := t.Said()
	return store.MessageProto(&said[len(said)-1])
}

// ListMessages implements ticketv1.TicketServiceServer. Who may read the ticket
// may read what was said in it.
func (s *Server) ListMessages(ctx context.Context, req *ticketv1.ListMessagesRequest) (*ticketv1.ListMessagesResponse, error) {
	t, err := s.Store.Tickets.Get(ctx, tenantOf(ctx), req.GetParent())
	if err != nil {
		return nil, record.At("parent", err)
	}
	q := record.Query(ctx, req)
	q.Where = heard(ctx)
	messages, next, err := s.Store.Messages(ctx, tenantOf(ctx), t.ID, q)
	if err != nil {
		return nil, err
	}
	return &ticketv1.ListMessagesResponse{Messages: messages, NextPageToken: next}, nil
}
