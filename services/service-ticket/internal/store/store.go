// Package store keeps tickets, their conversations and their queues in
// PostgreSQL, and says how each becomes a message and an event.
//
// A ticket is one row; what is said in it and what other systems call it stand
// beside, written in the same transaction. What must hold between rows is a
// constraint first: numbers, external ids, names of queues, contacts and queues
// that exist. What lists may filter and sort stands with each table; the pairs
// that an index serves are declared, and a test asks the planner about each.
package store

import (
	"embed"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/lingkar-crm/lingkar/pkg/customfield"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/queue"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/ticket"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables of this service.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return sub
}

// The collections of resource names.
const (
	contacts = "contacts"
	queues   = "queues"
	tickets  = "tickets"
	orders   = "orders"
	assets   = "assets"
)

// CustomTables are the tables of the resources to which fields can be added. The fields
// are area contact's (package customfield).
var CustomTables = map[string]string{tickets: "ticket"}

// Store is the database of the service.
type Store struct {
	DB  *postgres.DB
	Log *eventlog.Log
	// Schemas are the custom fields of tenants.
	Schemas *customfield.Schemas

	Queues  *record.Store[queue.Queue, *ticketv1.Queue]
	Tickets *record.Store[ticket.Ticket, *ticketv1.Ticket]
	Numbers *Numbers
}

// New answers the store of a database.
func New(db *postgres.DB, log *eventlog.Log) *Store {
	s := &Store{
		DB: db, Log: log, Schemas: customfield.NewSchemas(db),
		Queues:  newQueues(db, log),
		Tickets: newTickets(db, log),
		Numbers: newNumbers(db),
	}
	s.Tickets.Custom = s.Schemas.Rules(tickets)
	return s
}

// shared are the fields of every resource that lists may filter, beside its own.
func shared(own ...postgres.Field) []postgres.Field {
	return append(own,
		postgres.Field{Path: "owner"},
		postgres.Field{Path: "team"},
		postgres.Field{Path: "source"},
		postgres.Field{Path: "external_ids", Type: postgres.Map},
		postgres.Field{Path: "labels", Type: postgres.Map},
		postgres.Field{Path: "custom_fields", Type: postgres.JSON},
		postgres.Field{Path: "create_time", Type: postgres.Time},
		postgres.Field{Path: "update_time", Type: postgres.Time},
	)
}

// enum is a field that holds an enumeration of the contract. A filter names a
// value in full, or without the prefix that all values share.
func enum(path string, values map[string]int32, prefix string) postgres.Field {
	names := make(map[string]int32, 2*len(values))
	for name, number := range values {
		if number != 0 {
			names[name], names[strings.TrimPrefix(name, prefix)] = number, number
		}
	}
	return postgres.Field{Path: path, Type: postgres.Enum, Values: names}
}

// queueExternalIDs replaces what other systems call a ticket.
func queueExternalIDs(w *postgres.Writes, t *ticket.Ticket) {
	systems := slices.Sorted(maps.Keys(t.ExternalIDs))
	ids := make([]string, len(systems))
	for i, s := range systems {
		ids[i] = t.ExternalIDs[s]
	}
	w.Queue(`
		DELETE FROM ticket_external_id
		WHERE tenant = $1 AND ticket = $2`, w.Tenant(), t.ID)
	w.Queue(`
		INSERT INTO ticket_external_id (tenant, system, id, ticket)
		SELECT $1, e.system, e.id, $2
		FROM unnest($3::text[], $4::text[]) AS e (system, id)`, w.Tenant(), t.ID, systems, ids)
}
