package store

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store/projection"
)

// TimelineQuery says which entries of a timeline to read, the newest first.
type TimelineQuery struct {
	// Limit is how many at most, at least one.
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
	// Field is the number of the list in the answer that the page is for.
	Field protowire.Number
}

// TimelineKey is the place of an entry on a timeline.
type TimelineKey struct {
	OccurredAt time.Time
	EventID    uuid.UUID
}

// Page is a page of a timeline.
type Page struct {
	// Count is how many messages TimelineEntry it has, Entries the elements of the list
	// TimelineQuery.Field that hold them as they are kept, and Last the last of them.
	Count         int
	Entries, Last []byte
	// More is true where there are older ones.
	More bool
}

// Whether a guarded resource is the reader's own is asked for by a subquery, for each such
// entry and for no other: EXISTS might be answered by reading all there are.
const (
	timelinePage = `
SELECT {family:DISTINCT ON (t.occurred_at, t.event_id)} t.entry
FROM timeline t
WHERE t.tenant = $1 AND t.contact = {contact} AND t.recorded_at <= $3 AND t.occurred_at <= $4
  AND (t.guarded = '' OR split_part(t.guarded, '/', 1) = ANY ($6::text[]){own})
  {filter}
ORDER BY t.occurred_at DESC, t.event_id DESC
LIMIT $5`

	timelineOwn = `
       OR split_part(t.guarded, '/', 1) = ANY ($7::text[]) AND (
           SELECT o.owner = $8 OR o.team = ANY ($9::text[])
           FROM aggregate_state o
           WHERE o.tenant = $1 AND o.aggregate = t.guarded AND {valid:o}
           ORDER BY o.seq DESC
           LIMIT 1
       )`

	timelineFilter = `
  AND (t.occurred_at, t.event_id) < ($10, $11)
  AND ($12::text[] IS NULL OR t.area = ANY ($12))
  AND ($13::text[] IS NULL OR t.type = ANY ($13))
  AND ($14::smallint[] IS NULL OR t.channel = ANY ($14))
  AND (NOT $15::boolean OR t.interaction)`

	timelineConversation = `
  AND t.conversation = $16::text AND t.conversation <> ''`
)

// Most pages are the first of all there is, for a reader who sees all or none of what is
// guarded: what others need is checked for every entry, and is left out there.
var (
	selectLatest       = prepareTimeline("", "")
	selectLatestOwn    = prepareTimeline(timelineOwn, "")
	selectTimeline     = prepareTimeline(timelineOwn, timelineFilter)
	selectConversation = prepareTimeline(timelineOwn, timelineFilter+timelineConversation)
)

func prepareTimeline(own, filter string) query {
	return prepare(strings.NewReplacer("{own}", own, "{filter}", filter).Replace(timelinePage))
}

// latest says whether the page is the first of all there is.
func (q TimelineQuery) latest() bool {
	return q.Before == nil && q.Areas == nil && q.Types == nil && q.Channels == nil && q.Conversation == "" && !q.Interactions
}

// statement answers what reads a page and one entry more, and its arguments.
func (q TimelineQuery) statement(tenant uuid.UUID, ref Ref, at Instant) (query, []any) {
	args := []any{tenant, ref.arg(), at.known(), at.held(), q.Limit + 1, q.Reach.All}
	if q.latest() && len(q.Reach.Own) == 0 {
		return selectLatest, args
	}
	args = append(args, q.Reach.Own, q.Reach.Subject, q.Reach.Teams)
	if q.latest() {
		return selectLatestOwn, args
	}
	before := TimelineKey{OccurredAt: farFuture, EventID: uuid.Max}
	if q.Before != nil {
		before = *q.Before
	}
	args = append(args, before.OccurredAt, before.EventID, q.Areas, q.Types, q.Channels, q.Interactions)
	if q.Conversation == "" {
		return selectTimeline, args
	}
	return selectConversation, append(args, q.Conversation)
}

func queueTimelinePage(b *pgx.Batch, tenant uuid.UUID, ref Ref, at Instant, q TimelineQuery, page *Page) {
	statement, args := q.statement(tenant, ref, at)
	b.Queue(statement.of(ref, at), args...).Query(func(rows pgx.Rows) error { return page.read(rows, q) })
}

// read takes a page's entries, and whether there is one more.
func (p *Page) read(rows pgx.Rows, q TimelineQuery) error {
	buffer := pages.Get().(*[]byte)
	defer pages.Put(buffer)
	list, last := (*buffer)[:0], 0
	var entry pgtype.DriverBytes
	_, err := pgx.ForEachRow(rows, []any{&entry}, func() error {
		if p.More = p.Count == q.Limit; p.More {
			return nil
		}
		p.Count++
		list = protowire.AppendVarint(protowire.AppendTag(list, q.Field, protowire.BytesType), uint64(len(entry)))
		last = len(list)
		list = append(list, entry...)
		return nil
	})
	*buffer = list
	p.Entries = bytes.Clone(list)
	p.Last = p.Entries[last:]
	return err
}

// pages are the buffers in which pages are put together.
var pages = sync.Pool{New: func() any { return new([]byte) }}

// TimelinePage is a page of a customer's timeline, and who the customer is.
type TimelinePage struct {
	Customer Customer
	Page     Page
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
	queueTimelinePage(b, tenant, ref, at, q, &p.Page)
	queueFactSums(b, ViewQuery{
		Tenant: tenant, Ref: ref, At: at, Purchases: purchases, Facts: []projection.FactKind{projection.Purchase},
	}, &p.Facts)
	return p, postgres.Run(ctx, s.db, b)
}
