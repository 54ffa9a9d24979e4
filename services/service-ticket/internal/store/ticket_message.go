package store

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/fields"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

func ticketMessage(t *ticket.Ticket) *ticketv1.Ticket {
	return &ticketv1.Ticket{
		Name:                fields.Name(tickets, &t.ID),
		Number:              t.Number,
		Contact:             fields.Name(contacts, &t.Contact),
		Kind:                ticketv1.TicketKind(t.Kind),
		Severity:            ticketv1.TicketSeverity(t.Severity),
		Channel:             eventv1.Channel(t.Channel),
		Subject:             t.Subject,
		CauseCode:           t.CauseCode,
		Queue:               fields.Name(queues, t.Queue),
		Owner:               t.Owner,
		Team:                t.Team,
		Status:              ticketv1.TicketStatus(t.Status),
		Conversation:        t.Conversation,
		Order:               fields.Name(orders, t.Order),
		Asset:               fields.Name(assets, t.Asset),
		ResolutionCode:      t.ResolutionCode,
		Resolution:          t.Resolution,
		Satisfaction:        t.Satisfaction,
		SatisfactionComment: t.SatisfactionComment,
		CustomerConfirmed:   t.CustomerConfirmed,
		OpenTime:            timestamppb.New(t.OpenTime),
		FirstResponseTime:   fields.Timestamp(t.FirstResponseTime),
		ResolveTime:         fields.Timestamp(t.ResolveTime),
		CloseTime:           fields.Timestamp(t.CloseTime),
		ReopenCount:         t.ReopenCount,
		StatusTime:          timestamppb.New(t.StatusTime),
		StatusTimes:         statusTimes(t),
		Source:              t.Source,
		ExternalIds:         t.ExternalIDs,
		Labels:              t.Labels,
		CustomFields:        fields.Struct(t.CustomFields),
		CreateTime:          timestamppb.New(t.CreateTime),
		UpdateTime:          timestamppb.New(t.UpdateTime),
		DeleteTime:          fields.Timestamp(t.DeleteTime),
		Etag:                t.Etag(),
		AllowedActions:      t.Actions(),
	}
}

// statusTimes leaves out the statuses a ticket was never in.
func statusTimes(t *ticket.Ticket) *ticketv1.StatusTimes {
	some := func(d time.Duration) *durationpb.Duration {
		if d == 0 {
			return nil
		}
		return durationpb.New(d)
	}
	return &ticketv1.StatusTimes{
		Open: some(t.OpenFor), Pending: some(t.PendingFor), Resolved: some(t.ResolvedFor), Closed: some(t.ClosedFor),
	}
}

// fillTicket writes what a caller may. Where the ticket waits is given at its
// opening only; later AssignTicket decides.
func fillTicket(t *ticket.Ticket, m *ticketv1.Ticket) error {
	r := fields.Reader{In: "ticket"}
	if t.Status == 0 {
		t.Owner, t.Team = r.Line("owner", m.GetOwner()), r.Line("team", m.GetTeam())
		t.Queue = r.Optional("queue", queues, m.GetQueue())
	}
	t.Contact = fields.Fixed(&r, "contact", t.Contact, r.Ref("contact", contacts, m.GetContact()))
	t.Channel = fields.Fixed(&r, "channel", t.Channel, ticket.Channel(m.GetChannel()))
	t.Conversation = fields.Fixed(&r, "conversation", t.Conversation, r.Line("conversation", m.GetConversation()))
	t.Kind, t.Severity = ticket.Kind(m.GetKind()), ticket.Severity(m.GetSeverity())
	if t.Severity == 0 {
		t.Severity = ticket.Normal
	}
	t.Subject = r.RequiredLine("subject", m.GetSubject())
	t.CauseCode = m.GetCauseCode()
	t.Order = r.Optional("order", orders, m.GetOrder())
	t.Asset = r.Optional("asset", assets, m.GetAsset())
	t.Source = r.Line("source", m.GetSource())
	r.Labels(&t.Meta, m)
	return r.Err()
}
