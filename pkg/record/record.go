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
	"google.golang.org/protobuf/proto"

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
	// Self, where set, says which rows a portal caller reaches (auth.Self). Nil stands for
	// none.
	Self *Self[T]
	// Gone, where set, answers why a deleted row can be neither changed nor brought
	// back, where that is more than its deletion; else nil.
	Gone func(*T) error
	// Extra, where set, writes rows that belong to the aggregate but live in
	// tables of their own, such as identifiers. Before is nil at creation.
	Extra func(w *postgres.Writes, before, after *T)
	// Custom, where set, answers what the tenant has decided on the custom fields of the
	// resource. It is asked before a transaction begins.
	Custom func(ctx context.Context, tenant uuid.UUID) (CustomRules, error)
	// CustomKind answers the kind of a row, where custom fields are of some kinds only;
	// nil stands for 0.
	CustomKind func(*T) int32
}

// ListRequest is what every list request has (AIP-132). Those of resources that
// can be deleted have GetShowDeleted too (AIP-164).
type ListRequest interface {
	GetPageSize() int32
	GetPageToken() string
	GetFilter() string
	GetOrderBy() string
}
