package store

import (
	"maps"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/survivor"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

func newTickets(db *postgres.DB, log *eventlog.Log) *record.Store[ticket.Ticket, *ticketv1.Ticket] {
	return &record.Store[ticket.Ticket, *ticketv1.Ticket]{
		DB: db, Log: log, Kind: "ticket", Collection: tickets,
		Table:    postgres.NewTable[ticket.Ticket](ticketTable),
		Meta:     func(t *ticket.Ticket) *entity.Meta { return &t.Meta },
		Contacts: func(t *ticket.Ticket) []uuid.UUID { return []uuid.UUID{t.Contact} },
		Proto:    ticketMessage,
		Fill:     fillTicket,
		Event:    ticketEvent,
		Extra:    ticketRows,
		Self:     record.OfContact("contact", func(t *ticket.Ticket) (uuid.UUID, bool) { return t.Contact, t.Deleted() }),
	}
}

var ticketTable = postgres.Def{
	Name: "ticket",
	Kind: "ticket",
	Fields: shared(
		postgres.Field{Path: "number"},
		postgres.Field{Path: "contact", Type: postgres.UUID, Family: survivor.Function},
		enum("kind", ticketv1.TicketKind_value, "TICKET_KIND_"),
		enum("severity", ticketv1.TicketSeverity_value, "TICKET_SEVERITY_"),
		enum("channel", eventv1.Channel_value, "CHANNEL_"),
		postgres.Field{Path: "cause_code"},
		postgres.Field{Path: "queue", Type: postgres.UUID},
		enum("status", ticketv1.TicketStatus_value, "TICKET_STATUS_"),
		postgres.Field{Path: "conversation"},
		postgres.Field{Path: "order", Column: "order_id", Type: postgres.UUID},
		postgres.Field{Path: "asset", Column: "asset_id", Type: postgres.UUID},
		postgres.Field{Path: "resolution_code"},
		postgres.Field{Path: "satisfaction", Type: postgres.Int},
		postgres.Field{Path: "reopen_count", Type: postgres.Int},
		postgres.Field{Path: "open_time", Type: postgres.Time},
		postgres.Field{Path: "resolve_time", Type: postgres.Time},
		postgres.Field{Path: "close_time", Type: postgres.Time},
	),
	Orders: [][]string{
		{"create_time"},
		{"update_time"},
		{"contact", "create_time"},
		{"owner", "create_time"},
		{"owner", "status", "create_time"},
		{"queue", "status", "create_time"},
		{"status", "create_time"},
		{"conversation", "create_time"},
	},
	DefaultOrder: "create_time desc",
	Constraints: map[string]*errs.Error{
		"ticket_external_id_key": errs.AlreadyExists("EXTERNAL_ID_TAKEN", "another ticket has this id in that system"),
		"contact_known":          errs.NotFound("contact", ""),
		"contact_alive":          ErrContactDeleted,
		"queue_known":            errs.NotFound("queue", ""),
		"queue_alive":            errs.Refused("QUEUE_DELETED", "the queue is deleted: it takes no further tickets"),
	},
}

// ErrContactDeleted says that nothing new can be recorded about the contact.
var ErrContactDeleted = errs.Refused("CONTACT_DELETED", "the contact is deleted")

// ticketRows queues what belongs to a ticket and stands in other tables, and
// checks what it refers to.
func ticketRows(w *postgres.Writes, before, after *ticket.Ticket) {
	was := before
	if was == nil {
		was = &ticket.Ticket{}
		w.Queue("SELECT require_contact($1, $2)", w.Tenant(), after.Contact)
	}
	if after.Queue != nil && (was.Queue == nil || *was.Queue != *after.Queue) {
		w.Queue("SELECT require_queue($1, $2)", w.Tenant(), *after.Queue)
	}
	if !maps.Equal(was.ExternalIDs, after.ExternalIDs) {
		queueExternalIDs(w, after)
	}
	for _, m := range after.Said() {
		MessageTable.Insert(w, &m)
	}
}
