// Package store is the database of analytics: the store of all events, the
// projections made of it, and what is asked of them.
//
// Apply writes both in the transaction that moves the runner's cursors, a batch
// of events in a few statements. Readers get what they ask for in one round trip.
// The projections are a pure function of the stored events: Rebuild makes them
// anew beside the live ones, byte for byte the same.
package store

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
)

// Migrations make the tables.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// ProjectionName names the one projection of analytics among the cursors: all
// tables move together.
const ProjectionName = "analytics"

// Areas are the areas whose events are stored.
var Areas = []string{"contact", "sales", "ticket", "campaign", "platform"}

// Store reads and writes the database. Make it by New.
type Store struct {
	db       *postgres.DB
	log      *eventlog.Log
	keys     eventlog.Keys
	now      func() time.Time
	logger   *slog.Logger
	tenants  *tenantCache
	rebuilds chan struct{}
	tail     *tail
}

// New makes a store over the service's database.
func New(db *postgres.DB, log *eventlog.Log, logger *slog.Logger) *Store {
	s := &Store{
		db: db, log: log, keys: log.Keys, now: log.Now, logger: logger,
		tenants: newTenantCache(), rebuilds: make(chan struct{}, 1),
	}
	s.tail = newTail(s)
	return s
}

// Projection is what the runner applies: the store of events, and what is made of
// it.
func (s *Store) Projection() eventlog.Projection {
	return eventlog.Projection{Name: ProjectionName, Areas: Areas, Personal: eventlog.Sealed, Apply: s.Apply, Erase: EraseContact}
}

// PageToken answers the token of a page; see postgres.DB.
func (s *Store) PageToken(cursor []any, binding []byte) (string, error) {
	return s.db.PageToken(cursor, binding)
}

// PageCursor reads a token that was made for this binding.
func (s *Store) PageCursor(token string, binding []byte) ([]any, error) {
	return s.db.PageCursor(token, binding)
}

// Tx is the transaction of an operator's call: the server hands it on and says nothing
// in it.
type Tx = pgx.Tx

// Once does what a call of an operator asks for, and answers a repetition of the
// call what the first one answered; see record.Once.
func Once[R proto.Message](ctx context.Context, s *Store, do func(tx Tx) (answer R, refused, err error)) (R, error) {
	return record.Once(ctx, s.db, s.log, auth.From(ctx).Tenant, do)
}
