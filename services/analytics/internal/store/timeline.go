package store

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// TimelineQuery says which entries of a timeline to read, the newest first.
type TimelineQuery struct {
	Limit int
	// Before is the key of the last entry of the page before; nil for the first.
	Before *TimelineKey
	// Areas, Channels and Types: only entries of one of these; of any where nil.
	Areas, Types []string
	Channels     []int16
	// Conversation is the only one to read; any where empty.
	Conversation string
	// Interactions leaves out what is no meeting of customer and company.
	Interactions bool
	// Reach says which entries the reader may see.
	Reach Reach
}

// TimelineKey is the place of an entry on a timeline.
type TimelineKey struct {
	OccurredAt time.Time
	EventID    uuid.UUID
}

// Entry is one entry of a timeline.
type Entry struct {
	TimelineKey
	// Body is the message TimelineEntry.
	Body []byte
}

// Whether a guarded resource is the reader's own is asked for by a subquery, for each such
// entry and for no other: EXISTS might be answered by reading all there are.
const timelinePage = `
SELECT {family:DISTINCT ON (t.occurred_at, t.event_id)} t.occurred_at, t.event_id, t.entry
FROM timeline t
WHERE t.tenant = $1 AND t.contact = {contact} AND (t.occurred_at, t.event_id) < ($4, $5)
  AND t.recorded_at <= $3 AND t.occurred_at <= $6
  AND ($7::text[] IS NULL OR t.area = ANY ($7))
  AND ($8::text[] IS NULL OR t.type = ANY ($8))
  AND ($9::smallint[] IS NULL OR t.channel = ANY ($9))
  AND (NOT $10::boolean OR t.interaction)
  AND (t.guarded = '' OR split_part(t.guarded, '/', 1) = ANY ($13::text[])
       OR split_part(t.guarded, '/', 1) = ANY ($14::text[]) AND (
           SELECT o.owner = $15 OR o.team = ANY ($16::text[])
           FROM aggregate_state o
           WHERE o.tenant = $1 AND o.aggregate = t.guarded AND {valid:o}
           ORDER BY o.seq DESC
           LIMIT 1
       ))
  {conversation}
ORDER BY t.occurred_at DESC, t.event_id DESC
LIMIT $11`

var (
	selectTimeline     = prepare(strings.Replace(timelinePage, "{conversation}", "AND $12::text IS NOT NULL", 1))
	selectConversation = prepare(strings.Replace(timelinePage, "{conversation}", "AND t.conversation = $12::text AND t.conversation <> ''", 1))
)

func queueTimelinePage(b *pgx.Batch, tenant uuid.UUID, ref Ref, at Instant, q TimelineQuery, entries *[]Entry) {
	before := TimelineKey{OccurredAt: farFuture, EventID: uuid.Max}
	if q.Before != nil {
		before = *q.Before
	}
	statement := selectTimeline
	if q.Conversation != "" {
		statement = selectConversation
	}
	args := []any{
		tenant, ref.arg(), at.known(), before.OccurredAt, before.EventID, at.held(),
		q.Areas, q.Types, q.Channels, q.Interactions, q.Limit, q.Conversation,
		q.Reach.All, q.Reach.Own, q.Reach.Subject, q.Reach.Teams,
	}
	b.Queue(statement.of(ref, at), args...).Query(func(rows pgx.Rows) (err error) {
		*entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Entry, err error) {
			return e, row.Scan(&e.OccurredAt, &e.EventID, &e.Body)
		})
		return err
	})
}

// TimelinePage is a page of a customer's timeline, and who the customer is.
type TimelinePage struct {
	Customer Customer
	Entries  []Entry
	Facts    Facts
}

// Timeline reads a page of a timeline in one round trip, with what it takes to
// classify the customer; in two more where it was merged.
func (s *Store) Timeline(ctx context.Context, tenant uuid.UUID, ref Ref, at Instant, q TimelineQuery, purchases PurchaseQuery) (*TimelinePage, error) {
	ref = s.tenants.known(tenant, ref)
	p, err := s.timeline(ctx, tenant, ref, at, q, purchases)
	if err != nil {
		return p, err
	}
	s.tenants.learn(tenant, p.Customer)
	if !p.Customer.Merged {
		return p, nil
	}
	if ref, err = s.whole(ctx, tenant, ref, p.Customer, at); err != nil {
		return p, err
	}
	return s.timeline(ctx, tenant, ref, at, q, purchases)
}

func (s *Store) timeline(ctx context.Context, tenant uuid.UUID, ref Ref, at Instant, q TimelineQuery, purchases PurchaseQuery) (*TimelinePage, error) {
	p := &TimelinePage{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	queueCustomer(b, tenant, ref, at, &p.Customer)
	queueTimelinePage(b, tenant, ref, at, q, &p.Entries)
	queueFactSums(b, ViewQuery{
		Tenant: tenant, Ref: ref, At: at, Purchases: purchases, Facts: []projection.FactKind{projection.Purchase},
	}, &p.Facts)
	return p, postgres.Run(ctx, s.db, b)
}
