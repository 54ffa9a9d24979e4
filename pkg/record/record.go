// Package record is the generic store of aggregates: the standard methods,
// written once.
//
// A change is one transaction that holds the row, its events, their outbox rows,
// the audit entry and the answer kept for a repeated request; a create takes one
// round trip to the database and a change by a rule two. The rule runs under the
// row lock and returns what happened; an error means that nothing happened.
// Record scope, etag, request_id, validate_only and soft delete mean the same
// for every resource.
//
// Limits: the row lock is waited for at most 2 seconds, then the call answers
// ABORTED. What lists may filter and sort is the table's definition.
package record

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Store keeps the aggregates of one resource. T is the domain type, P its
// message. All fields are required unless they say otherwise.
type Store[T any, P proto.Message] struct {
	DB    *postgres.DB
	Log   *eventlog.Log
	Table *postgres.Table[T]
	// Kind is the resource in words ("price list"), Collection its names'
	// first part ("priceLists").
	Kind, Collection string
	// Meta answers the embedded part of a row.
	Meta func(*T) *entity.Meta
	// Contacts answers the contacts a row concerns, the primary one first. It may
	// answer none (products), and nil Contacts answers none for every row.
	Contacts func(*T) []uuid.UUID
	// Proto words a row as the answer.
	Proto func(*T) P
	// Fill writes the writable fields of a message into the row, normalised and
	// checked (errs.Check). Fields the row keeps for itself stay as they are.
	Fill func(*T, P) error
	// Event words what happened to a row as an event.
	Event func(*T, entity.Event) eventlog.Draft
	// Extra, where set, queues rows that belong to the aggregate but live in
	// tables of their own, such as identifiers. Before is nil at creation.
	Extra func(b *pgx.Batch, tenant uuid.UUID, before, after *T)
}

// ListRequest is what every list request has (AIP-132).
type ListRequest interface {
	GetPageSize() int32
	GetPageToken() string
	GetFilter() string
	GetOrderBy() string
	GetShowDeleted() bool
}

// ParseName answers the id in a resource name, or INVALID_ARGUMENT.
func (s *Store[T, P]) ParseName(name string) (uuid.UUID, error) { panic("not implemented") }

// Create makes a row of the message and stores it. The id is the one an offline
// client brought (a UUIDv7), or empty.
func (s *Store[T, P]) Create(ctx context.Context, tenant uuid.UUID, id string, p P) (P, error) {
	panic("not implemented")
}

// Add stores a new row with the events of its creation (Created where none is
// given), in one round trip. Its id, times and partition are set where empty.
func (s *Store[T, P]) Add(ctx context.Context, tenant uuid.UUID, row *T, events ...entity.Event) (P, error) {
	panic("not implemented")
}

// Get answers a row that the caller may see, deleted or not.
func (s *Store[T, P]) Get(ctx context.Context, tenant uuid.UUID, name string) (*T, error) {
	panic("not implemented")
}

// Read is Get, worded as the answer.
func (s *Store[T, P]) Read(ctx context.Context, tenant uuid.UUID, name string) (P, error) {
	panic("not implemented")
}

// List answers a page of what the caller may see and the token of the next.
func (s *Store[T, P]) List(ctx context.Context, tenant uuid.UUID, req ListRequest, where ...postgres.Cond) ([]P, string, error) {
	panic("not implemented")
}

// Update changes the fields the mask names (AIP-134): an absent mask names the
// fields that are set, "*" all that can be written. An unknown path is
// INVALID_ARGUMENT, an output-only one is ignored, and where nothing differs
// nothing happens. The etag is the message's own.
func (s *Store[T, P]) Update(ctx context.Context, tenant uuid.UUID, p P, mask *fieldmaskpb.FieldMask) (P, error) {
	panic("not implemented")
}

// Change runs a rule on the row under its lock, and stores the row with what the
// rule says happened; where nothing happened, nothing is stored. An empty etag
// is not compared.
func (s *Store[T, P]) Change(ctx context.Context, tenant uuid.UUID, name, etag string, rule func(*T) ([]entity.Event, error)) (P, error) {
	panic("not implemented")
}

// Delete marks the row as deleted (AIP-164).
func (s *Store[T, P]) Delete(ctx context.Context, tenant uuid.UUID, name, etag string) (P, error) {
	panic("not implemented")
}

// Undelete brings a deleted row back.
func (s *Store[T, P]) Undelete(ctx context.Context, tenant uuid.UUID, name, etag string) (P, error) {
	panic("not implemented")
}

// Unit is a transaction over several aggregates, of one resource or more.
type Unit struct{}

// Write runs fn in a transaction and stores what it added and changed, with the
// same promises as a change of one aggregate. It runs fn again after a deadlock
// or when a key had to be fetched, so fn must have no other effect.
func Write[R proto.Message](ctx context.Context, db *postgres.DB, log *eventlog.Log, tenant uuid.UUID, fn func(u *Unit) (R, error)) (R, error) {
	panic("not implemented")
}

// AddIn adds a new row within the unit.
func (s *Store[T, P]) AddIn(u *Unit, row *T, events ...entity.Event) error { panic("not implemented") }

// ChangeIn changes a row within the unit, under its lock.
func (s *Store[T, P]) ChangeIn(u *Unit, name string, rule func(*T) ([]entity.Event, error)) (*T, error) {
	panic("not implemented")
}

// GetIn reads a row within the unit, without locking it.
func (s *Store[T, P]) GetIn(u *Unit, name string) (*T, error) { panic("not implemented") }
