package store

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// Customer is who a customer is, as far as it takes to find it, to say who may see
// it, and to classify it.
type Customer struct {
	Contact                 uuid.UUID
	CustomerID, DisplayName string
	Owner, Team             string
	Partition               int16
	// Deleted is true where the contact was deleted, NoNeed where it is marked as
	// having no need or wish for what we sell.
	Deleted, NoNeed bool
	// Related is true where the contact has to do with us.
	Related bool
	// Merged is true where it was merged into another contact, or others into it.
	Merged bool
}

const (
	customerQuery = `
SELECT c.contact, c.customer_id, c.display_name, c.owner, c.team, c.partition, c.deleted, c.no_need, {related},
       c.merged_into IS NOT NULL OR EXISTS (SELECT FROM customer m WHERE m.tenant = $1 AND m.merged_into = c.contact AND {valid:m})
FROM customer c
WHERE c.tenant = $1 AND c.contact = {root} AND {valid:c}
{past:ORDER BY c.seq DESC LIMIT 1}`

	relatedSince = "EXISTS (SELECT FROM first_relation r WHERE r.tenant = $1 AND r.contact = {contact} AND r.since <= $3)"

	relatedBefore = `EXISTS (SELECT FROM timeline t WHERE t.tenant = $1 AND t.contact = {contact} AND t.related
                AND t.recorded_at <= $3 AND t.occurred_at <= $4)`
)

// What was known at one instant of what held at an earlier one is looked for in the
// timeline; the first relation is enough otherwise.
var (
	selectCustomer        = prepare(strings.Replace(customerQuery, "{related}", relatedSince, 1))
	selectCustomerEarlier = prepare(strings.Replace(customerQuery, "{related}", relatedBefore, 1))
)

// queueCustomer reads who the customer is; NOT_FOUND where it is not known.
func queueCustomer(b *pgx.Batch, tenant uuid.UUID, ref Ref, at Instant, c *Customer) {
	statement, args := selectCustomer, []any{tenant, ref.arg(), at.known()}
	if at.held().Before(at.known()) {
		statement, args = selectCustomerEarlier, append(args, at.held())
	}
	b.Queue(statement.of(ref, at), args...).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&c.Contact, &c.CustomerID, &c.DisplayName, &c.Owner, &c.Team, &c.Partition, &c.Deleted, &c.NoNeed, &c.Related, &c.Merged)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.NotFound("customer", ref.Name)
		}
		return err
	})
}

// Find answers who a customer is now, the survivor where it was merged; NOT_FOUND where it
// is not known.
func (s *Store) Find(ctx context.Context, tenant uuid.UUID, ref Ref) (c Customer, err error) {
	find := func() error {
		b := &pgx.Batch{}
		postgres.QueueTenant(b, tenant)
		queueCustomer(b, tenant, ref, Instant{}, &c)
		return postgres.Run(ctx, s.db, b)
	}
	if err := find(); err != nil || !c.Merged {
		return c, err
	}
	if ref, err = s.whole(ctx, tenant, ref, c, Instant{}); err != nil {
		return c, err
	}
	return c, find()
}

// Cursor is how far the events of an area were applied on a customer's partition.
type Cursor struct {
	Area      string
	Partition int16
	Position  int64
	// Parked is true where events of this customer could not be applied.
	Parked bool
}

// A customer's events are on the partition of its contact, in every area. Which that is
// needs no looking up, unless only its number is known.
const (
	selectCursors = `
SELECT p.area, p.partition, p.seq, EXISTS (
	SELECT FROM parked_event e
	WHERE e.projection = p.projection AND e.area = p.area AND e.partition = p.partition AND e.tenant = $2 AND e.key = {key})
FROM projection_cursor p
WHERE p.projection = $1 AND p.partition = {partition}`

	partitionByNumber = "(SELECT c.partition FROM customer c WHERE c.tenant = $2 AND c.customer_id = $3 LIMIT 1)"
	keyByNumber       = "(SELECT 'contacts/' || c.contact FROM customer c WHERE c.tenant = $2 AND c.customer_id = $3 LIMIT 1)"
)

var (
	selectCursorsByContact = strings.NewReplacer("{key}", "$3", "{partition}", "$4").Replace(selectCursors)
	selectCursorsByNumber  = strings.NewReplacer("{key}", keyByNumber, "{partition}", partitionByNumber).Replace(selectCursors)
)

func queueCursors(b *pgx.Batch, q ViewQuery, cursors *[]Cursor) {
	statement, args := selectCursorsByNumber, []any{ProjectionName, q.Tenant, q.Ref.Number}
	if contact, known := q.Ref.contact(); known {
		statement, args = selectCursorsByContact, []any{ProjectionName, q.Tenant, "contacts/" + contact.String(), entity.Partition(q.Tenant, contact)}
	}
	b.Queue(statement, args...).Query(func(rows pgx.Rows) (err error) {
		*cursors, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Cursor, err error) {
			return c, row.Scan(&c.Area, &c.Partition, &c.Position, &c.Parked)
		})
		return err
	})
}

// State is a resource as a view shows it.
type State struct {
	Aggregate string
	// Body is the resource itself for the profile, and a WorkItem for everything
	// else.
	Body []byte
}

// Open work comes first, then the latest changed. Sections are read one by one,
// so that many touches cost a section of few tickets nothing. What was deleted is
// left out, except for the profile (section 1), which a view always has, and so is
// work of others where the caller sees only its own and that of its teams. A section below
// 0 is about no customer, and is read whole.
var selectWork = prepare(`
SELECT s.section, w.aggregate, w.state
FROM unnest($4::smallint[], $5::boolean[]) AS s (section, own)
CROSS JOIN LATERAL (
	SELECT a.aggregate, a.state
	FROM aggregate_state a
	WHERE a.tenant = $1 AND a.contact = {contact or nobody} AND a.section = s.section AND {valid:a} AND (NOT a.deleted OR s.section = 1)
	  AND (NOT s.own OR a.owner = $7 OR a.team = ANY ($8::text[]))
	  {family:AND (s.section <> 1 OR a.contact = ($2::uuid[])[1])}
	ORDER BY a.open DESC, a.changed_at DESC, a.aggregate
	LIMIT CASE WHEN s.section >= 0 THEN $6::bigint END
) w`)

func queueWork(b *pgx.Batch, q ViewQuery, sections []Section, work map[int16]*Part[[]State]) {
	args := []any{
		q.Tenant, q.Ref.arg(), q.At.known(),
		column(sections, func(s Section) int16 { return s.ID }), column(sections, func(s Section) bool { return s.Own }),
		q.Limit, q.Subject, q.Teams,
	}
	b.Queue(selectWork.of(q.Ref, q.At), args...).Query(func(rows pgx.Rows) error {
		var section int16
		var s State
		_, err := pgx.ForEachRow(rows, []any{&section, &s.Aggregate, &s.Body}, func() error {
			work[section].Value = append(work[section].Value, s)
			s.Body = nil // the next row gets bytes of its own
			return nil
		})
		return err
	})
}

// Relationship is one of a customer's relationships with what it leads to.
type Relationship struct {
	// Relationship and Type are the resources; Type is nil where it is not known.
	Relationship, Type []byte
	// Peer is the contact on the other side, with its Customer ID and name.
	Peer             uuid.UUID
	PeerID, PeerName string
}

var selectRelationships = prepare(`
SELECT a.state, t.state, a.peer, COALESCE(c.customer_id, ''), COALESCE(c.display_name, '')
FROM (
	SELECT a.state, a.peer, a.refers
	FROM aggregate_state a
	WHERE a.tenant = $1 AND a.contact = {contact} AND a.section = $4 AND {valid:a} AND NOT a.deleted
	  {family:AND a.peer <> ALL ($2::uuid[])}
	ORDER BY a.open DESC, a.changed_at DESC, a.aggregate
	LIMIT $5
) a
LEFT JOIN LATERAL (
	SELECT t.state
	FROM aggregate_state t
	WHERE t.tenant = $1 AND t.aggregate = a.refers AND {valid:t}
	ORDER BY t.seq DESC
	LIMIT 1
) t ON true
LEFT JOIN LATERAL (
	SELECT c.customer_id, c.display_name
	FROM customer c
	WHERE c.tenant = $1 AND c.contact = a.peer AND {valid:c}
	ORDER BY c.seq DESC
	LIMIT 1
) c ON true`)

func queueRelationships(b *pgx.Batch, q ViewQuery, relationships *[]Relationship) {
	args := []any{q.Tenant, q.Ref.arg(), q.At.known(), int16(analyticsv1.Section_SECTION_RELATIONSHIPS), q.Relationships}
	b.Queue(selectRelationships.of(q.Ref, q.At), args...).Query(func(rows pgx.Rows) (err error) {
		*relationships, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Relationship, err error) {
			return r, row.Scan(&r.Relationship, &r.Type, &r.Peer, &r.PeerID, &r.PeerName)
		})
		return err
	})
}
