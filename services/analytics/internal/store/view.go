package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// ViewQuery says what of a view to read.
type ViewQuery struct {
	Tenant uuid.UUID
	Ref    Ref
	At     Instant
	// Sections are the sections whose resources to read, and Limit how many of
	// each. That of projection.CustomFields are all that the tenant has for contacts.
	Sections []Section
	Limit    int
	// Subject and Teams are the caller's, for sections of which it sees its own.
	Subject string
	Teams   []string
	// Relationships is how many of them to read; 0 leaves them out.
	Relationships int
	// Facts say which of them to read, if any, and Purchases how to count them.
	Facts     []projection.FactKind
	Purchases PurchaseQuery
	// Timeline leaves it out where nil.
	Timeline *TimelineQuery
}

// Section is one whose resources to read: all of them, or those of the caller and
// its teams.
type Section struct {
	ID  int16
	Own bool
}

// View is what was read.
type View struct {
	Customer      Customer
	Cursors       Part[[]Cursor]
	Work          map[int16]*Part[[]State]
	Relationships Part[[]Relationship]
	Facts         Part[Facts]
	Timeline      Part[Page]
}

// Part is a piece of a view that may fail by itself.
type Part[T any] struct {
	Value T
	Err   error
}

// piece is a statement of a view, and what to do where it fails alone.
type piece struct {
	queue  func(b *pgx.Batch)
	failed func(err error)
}

// View reads a view in one round trip; in two more where the customer was merged: then it
// is that of the survivor and of all that are one with it. Where a round trip fails, each piece is read by
// itself, so that only those that cannot be read are missing. The error is one
// that concerns all of them: the customer is not there, or cannot be looked up.
func (s *Store) View(ctx context.Context, q ViewQuery) (*View, error) {
	q.Ref = s.tenants.known(q.Tenant, q.Ref)
	v, err := s.view(ctx, q)
	if err != nil {
		return v, err
	}
	s.tenants.learn(q.Tenant, v.Customer)
	if !v.Customer.Merged {
		return v, nil
	}
	if q.Ref, err = s.whole(ctx, q.Tenant, q.Ref, v.Customer, q.At); err != nil {
		return nil, err
	}
	return s.view(ctx, q)
}

func (s *Store) view(ctx context.Context, q ViewQuery) (*View, error) {
	v, pieces := viewPieces(q, q.Sections)
	err := s.readPieces(ctx, q.Tenant, pieces...)
	if err == nil || ctx.Err() != nil || errs.Code(err) == codes.NotFound {
		return v, err
	}
	each := make([][]Section, len(q.Sections))
	for i, section := range q.Sections {
		each[i] = []Section{section}
	}
	v, pieces = viewPieces(q, each...)
	if err := s.readPieces(ctx, q.Tenant, pieces[0]); err != nil {
		return nil, err
	}
	for _, p := range pieces[1:] {
		if err := s.readPieces(ctx, q.Tenant, p); err != nil {
			p.failed(err)
		}
	}
	return v, ctx.Err()
}

func (s *Store) readPieces(ctx context.Context, tenant uuid.UUID, pieces ...piece) error {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	for _, p := range pieces {
		p.queue(b)
	}
	return postgres.Run(ctx, s.db, b)
}

// viewPieces answers an empty view and the statements that fill it: the customer
// first, then what else was asked for, with one statement for each group of
// sections.
func viewPieces(q ViewQuery, groups ...[]Section) (*View, []piece) {
	v := &View{Work: map[int16]*Part[[]State]{}}
	pieces := []piece{
		{queue: func(b *pgx.Batch) { queueCustomer(b, q.Tenant, q.Ref, q.At, &v.Customer) }},
		pieceOf(&v.Cursors, func(b *pgx.Batch) { queueCursors(b, q, &v.Cursors.Value) }),
	}
	for _, group := range groups {
		if len(group) > 0 {
			pieces = append(pieces, workPiece(q, group, v))
		}
	}
	if q.Relationships > 0 {
		pieces = append(pieces, pieceOf(&v.Relationships, func(b *pgx.Batch) { queueRelationships(b, q, &v.Relationships.Value) }))
	}
	if len(q.Facts) > 0 {
		pieces = append(pieces, pieceOf(&v.Facts, func(b *pgx.Batch) { queueFactSums(b, q, &v.Facts.Value) }))
	}
	if q.Timeline != nil {
		pieces = append(pieces, pieceOf(&v.Timeline, func(b *pgx.Batch) {
			queueTimelinePage(b, q.Tenant, q.Ref, q.At, *q.Timeline, &v.Timeline.Value)
		}))
	}
	return v, pieces
}

func pieceOf[T any](part *Part[T], queue func(b *pgx.Batch)) piece {
	return piece{queue: queue, failed: func(err error) { part.Err = err }}
}

func workPiece(q ViewQuery, group []Section, v *View) piece {
	for _, section := range group {
		v.Work[section.ID] = &Part[[]State]{}
	}
	return piece{
		queue: func(b *pgx.Batch) { queueWork(b, q, group, v.Work) },
		failed: func(err error) {
			for _, section := range group {
				v.Work[section.ID].Err = err
			}
		},
	}
}
