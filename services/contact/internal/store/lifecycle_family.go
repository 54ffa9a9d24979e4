package store

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/lifecycle"
	"github.com/lingkar-crm/lingkar/pkg/text"
	"github.com/lingkar-crm/lingkar/services/contact/internal/standing"
)

// tenantZone is that of tenants that said nothing.
const tenantZone = "Asia/Jakarta"

// latestPurchases is how many of a contact's purchases are looked at, beside those that
// change now: two decide.
const latestPurchases = 100

// member is what is known of one contact by events.
type member struct {
	id              uuid.UUID
	related, noNeed bool
	// deleted and erased say whether it is there; contactSeq is the number of the latest
	// event of the contact that was read for it.
	deleted, erased bool
	contactSeq      int64
	purchases       map[uuid.UUID]time.Time
	// place, since, moves, asOf and next are the row's: those of the contacts that are one
	// stand in the survivor's.
	place       lifecycle.Place
	since       *time.Time
	moves       int64
	asOf, next  *time.Time
	changed     bool
	nextChanged bool
}

// family is the contacts that are one by merges; most are alone.
type family struct {
	root      *member
	members   []*member
	partition int16
	state     standing.State
}

// families are those that are looked at together, of one tenant.
type families struct {
	tenant  uuid.UUID
	by      lifecycle.Definition
	members map[uuid.UUID]*member
	// of answers the family of each member.
	of map[uuid.UUID]*family
	// orders are the numbers of the latest event that was read of each of the orders.
	orders map[uuid.UUID]int64
	moved  []moved
	// erased are those that were erased now, bought the orders that changed.
	erased []uuid.UUID
	bought []boughtOrder
}

// moved is a move of a family, with what else its event says.
type moved struct {
	*family
	standing.Move
	number                 int64
	correlation, causation string
	next                   time.Time
	lastPurchase           time.Time
}

// boughtOrder is an order as its latest event shows it; at is nil where it is no purchase.
type boughtOrder struct {
	id, contact uuid.UUID
	at          *time.Time
	seq         int64
}

// one are the contacts that are one with any of $2.
const one = `
WITH asked AS (
	SELECT DISTINCT COALESCE(m.root, a.id) AS id
	FROM unnest($2::uuid[]) AS a (id)
	LEFT JOIN merged_contact AS m ON m.tenant = $1 AND m.contact = a.id
), one AS (
	SELECT id, id AS root FROM asked
	UNION ALL
	SELECT m.contact, m.root FROM asked JOIN merged_contact AS m ON m.tenant = $1 AND m.root = asked.id
)`

// queueFamilies queues reading all of the contacts and of those that are one with them,
// under the locks of their rows, which are made where there are none. Orders are those
// that are going to change.
func queueFamilies(b *pgx.Batch, tenant uuid.UUID, contacts, orders []uuid.UUID) *families {
	f := &families{tenant: tenant, members: map[uuid.UUID]*member{}, of: map[uuid.UUID]*family{}, orders: map[uuid.UUID]int64{}}
	b.Queue(one+`
		INSERT INTO contact_lifecycle (tenant, id) SELECT $1, id FROM one ORDER BY id
		ON CONFLICT (tenant, id) DO NOTHING`, tenant, contacts)
	b.Queue(one+`
		SELECT l.id, l.related, l.no_need, l.deleted, l.erased, l.contact_seq, l.class, l.phase, l.since, l.moves, l.as_of, l.due
		FROM one
		JOIN contact_lifecycle AS l ON l.tenant = $1 AND l.id = one.id
		ORDER BY l.id
		FOR UPDATE OF l`, tenant, contacts).Query(f.readMembers)
	b.Queue(one+`
		SELECT one.id, one.root, c.partition
		FROM one JOIN contact AS c ON c.tenant = $1 AND c.id = one.root`, tenant, contacts).Query(f.readFamilies)
	b.Queue(one+`
		SELECT one.id, p.id, p.purchase_time
		FROM one
		CROSS JOIN LATERAL (
			SELECT id, purchase_time FROM contact_purchase
			WHERE tenant = $1 AND contact = one.id AND purchase_time IS NOT NULL
			ORDER BY purchase_time DESC LIMIT $3
		) AS p`, tenant, contacts, latestPurchases+len(orders)).Query(f.readPurchases)
	if len(orders) > 0 {
		b.Queue("SELECT id, seq FROM contact_purchase WHERE tenant = $1 AND id = ANY ($2)", tenant, orders).Query(f.readOrders)
	}
	queueDefinition(b, tenant, &f.by)
	return f
}

// queueDefinition queues reading what a tenant counts by.
func queueDefinition(b *pgx.Batch, tenant uuid.UUID, into *lifecycle.Definition) {
	b.Queue("SELECT time_zone, window_months FROM lifecycle_definition WHERE tenant = $1", tenant).Query(func(rows pgx.Rows) (err error) {
		zone, months := tenantZone, lifecycle.DefaultMonths
		if _, err := pgx.ForEachRow(rows, []any{&zone, &months}, func() error { return nil }); err != nil {
			return err
		}
		into.Months = months
		into.Zone, err = text.TimeZone(zone)
		return err
	})
}

func (f *families) readMembers(rows pgx.Rows) error {
	for rows.Next() {
		m := &member{purchases: map[uuid.UUID]time.Time{}}
		err := rows.Scan(&m.id, &m.related, &m.noNeed, &m.deleted, &m.erased, &m.contactSeq,
			&m.place.Class, &m.place.Phase, &m.since, &m.moves, &m.asOf, &m.next)
		if err != nil {
			return err
		}
		f.members[m.id] = m
	}
	return rows.Err()
}

func (f *families) readFamilies(rows pgx.Rows) error {
	var id, root uuid.UUID
	var partition int16
	_, err := pgx.ForEachRow(rows, []any{&id, &root, &partition}, func() error {
		of := f.of[root]
		if of == nil {
			of = &family{root: f.members[root], partition: partition}
			f.of[root] = of
		}
		f.of[id] = of
		of.members = append(of.members, f.members[id])
		return nil
	})
	return err
}

func (f *families) readPurchases(rows pgx.Rows) error {
	var contact, order uuid.UUID
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&contact, &order, &at}, func() error {
		f.members[contact].purchases[order] = at
		return nil
	})
	return err
}

func (f *families) readOrders(rows pgx.Rows) error {
	var id uuid.UUID
	var seq int64
	_, err := pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
		f.orders[id] = seq
		return nil
	})
	return err
}

// begin readies the families to be looked at, once all was read.
func (f *families) begin() {
	for _, of := range f.of {
		of.state = standing.State{Place: of.root.place, Since: orZero(of.root.since), AsOf: orZero(of.root.asOf), Next: orZero(of.root.next)}
		of.know()
	}
}

// know brings what a family is known by in line with its members.
func (of *family) know() {
	s := &of.state
	s.Gone, s.NoNeed, s.Related, s.Purchases = of.root.deleted || of.root.erased, of.root.noNeed, false, nil
	for _, m := range of.members {
		s.Related = s.Related || m.related
		for _, at := range m.purchases {
			s.Purchases = append(s.Purchases, at)
		}
	}
}

// occasion is what leads to a look at contacts.
type occasion struct {
	// at is when it was recorded.
	at time.Time
	standing.Why
	correlation, causation string
}

// look lets time pass for the family of a contact, changes what is known of the contact,
// and tells where that moves the family. A contact of nobody is looked at by nobody.
func (f *families) look(contact uuid.UUID, o occasion, change func(m *member)) {
	of, m := f.of[contact], f.members[contact]
	if of == nil || m == nil {
		return
	}
	if o.Cause != standing.Definition { // boundaries of before are not those of now
		f.tell(of, o, of.state.Pass(o.at, f.by))
	}
	if gone := of.state.Gone; change != nil {
		m.changed = true
		change(m)
		if of.know(); gone {
			f.tell(of, o, of.state.Pass(o.at, f.by)) // what it missed meanwhile
		}
	}
	f.tell(of, o, of.state.Settle(o.at, o.Why, f.by))
	of.keep()
}

// tell notes moves to be told of.
func (f *families) tell(of *family, o occasion, moves []standing.Move) {
	for _, move := range moves {
		of.root.moves++
		told := moved{family: of, Move: move, number: of.root.moves, lastPurchase: latest(of.state.Purchases)}
		told.next = of.state.Known.Next(move.At, f.by)
		if move.Cause != standing.Time {
			told.next, told.correlation, told.causation = of.state.Known.Next(of.state.AsOf, f.by), o.correlation, o.causation
		}
		f.moved = append(f.moved, told)
	}
}

func latest(of []time.Time) time.Time {
	if len(of) == 0 {
		return time.Time{}
	}
	return slices.MaxFunc(of, time.Time.Compare)
}

// keep notes where the family stands in the row of its root.
func (of *family) keep() {
	r, s := of.root, &of.state
	r.changed = true
	r.nextChanged = r.nextChanged || !orZero(r.next).Equal(s.Next)
	r.place, r.since, r.asOf, r.next = s.Place, orNil(s.Since), orNil(s.AsOf), orNil(s.Next)
	if r.erased {
		r.place, r.since, r.asOf = standing.Unmoved, nil, nil
	}
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
