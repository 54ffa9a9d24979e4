package store

import (
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/queue"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

// queueEvent words what happened to a queue.
func queueEvent(q *queue.Queue, e entity.Event) eventlog.Draft {
	m := queueMessage(q)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &ticketv1.QueueCreated{Queue: m}}
	case entity.Updated:
		return eventlog.Draft{Payload: &ticketv1.QueueUpdated{Queue: m, Paths: e.Paths}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &ticketv1.QueueDeleted{Queue: m}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &ticketv1.QueueUndeleted{Queue: m}}
	default:
		panic("store: no message for " + e.EventName())
	}
}

// ticketEvent words what happened to a ticket. Where somebody met the customer it
// is an entry of the timeline too.
func ticketEvent(t *ticket.Ticket, e entity.Event) eventlog.Draft {
	d := eventlog.Draft{Payload: ticketPayload(t, e), Contacts: []uuid.UUID{t.Contact}}
	d.Interaction, d.OccurredAt = interaction(t, e)
	return d
}

func ticketPayload(t *ticket.Ticket, e entity.Event) proto.Message {
	m := ticketMessage(t)
	switch e := e.(type) {
	case ticket.Opened:
		opened := &ticketv1.TicketOpened{Ticket: m}
		if e.Message != nil {
			opened.Message = MessageProto(e.Message)
		}
		return opened
	case ticket.Replied:
		return &ticketv1.TicketReplied{Ticket: m, Message: MessageProto(&e.Message)}
	case ticket.Assigned:
		return &ticketv1.TicketAssigned{
			Ticket:        m,
			PreviousOwner: e.Previous.Owner,
			PreviousTeam:  e.Previous.Team,
			PreviousQueue: fields.Name(queues, e.Previous.Queue),
		}
	case ticket.Settled:
		return &ticketv1.TicketResolved{Ticket: m}
	case ticket.Reopened:
		return &ticketv1.TicketReopened{Ticket: m, Reason: e.Reason}
	case ticket.Finished:
		return &ticketv1.TicketClosed{Ticket: m}
	case ticket.Rated:
		return &ticketv1.TicketRated{Ticket: m}
	case entity.Updated:
		return &ticketv1.TicketUpdated{Ticket: m, Paths: e.Paths}
	case entity.Deleted:
		return &ticketv1.TicketDeleted{Ticket: m}
	case entity.Undeleted:
		return &ticketv1.TicketUndeleted{Ticket: m}
	default:
		panic("store: no message for " + e.EventName())
	}
}

// interaction answers the timeline's entry, nil where nobody met the customer, and
// when that was; the zero time stands for now.
func interaction(t *ticket.Ticket, e entity.Event) (*eventv1.Interaction, time.Time) {
	entry := &eventv1.Interaction{
		Channel:      eventv1.Channel(t.Channel),
		Direction:    eventv1.Direction_DIRECTION_INBOUND,
		Title:        t.Kind.String() + ": " + t.Subject,
		Conversation: t.Conversation,
	}
	switch e := e.(type) {
	case ticket.Opened:
		if e.Message == nil {
			return entry, time.Time{}
		}
		return said(entry, *e.Message)
	case ticket.Replied:
		return said(entry, e.Message)
	case ticket.Rated:
		entry.Channel = eventv1.Channel(e.Channel)
		entry.Title = "Satisfaction " + string('0'+rune(t.Satisfaction)) + " of 5: " + t.Subject
		entry.Summary = beginning(t.SatisfactionComment)
		return entry, time.Time{}
	default:
		return nil, time.Time{}
	}
}

func said(entry *eventv1.Interaction, m ticket.Message) (*eventv1.Interaction, time.Time) {
	entry.Channel = eventv1.Channel(m.Channel)
	entry.Direction = eventv1.Direction(m.Direction)
	entry.Summary = beginning(m.Body)
	return entry, m.SayTime
}

// summaryBytes is about how much of a text its summary shows.
const summaryBytes = 500

// beginning answers the first part of a text, cut between two characters.
func beginning(text string) string {
	if len(text) <= summaryBytes {
		return text
	}
	end := summaryBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
