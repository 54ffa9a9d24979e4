package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	definition "github.com/lingkar-crm/lingkar/services/service-ticket"
	"github.com/lingkar-crm/lingkar/services/service-ticket/internal/store"
)

// open answers a database of the ticket service, filled and analysed, and the
// tenant of half of its rows.
func open(t testing.TB) (*postgres.DB, uuid.UUID) {
	t.Helper()
	urls := testkit.Database(t, "ticket", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, definition.Definition, ownerURL)
	}, eventlog.Migrations, store.Migrations())
	owner, err := pgx.Connect(t.Context(), urls.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.WithoutCancel(t.Context()))
	tenant := uuid.New()
	if _, err := owner.Exec(t.Context(), fill, tenant, uuid.New()); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), "ANALYZE queue, ticket, message"); err != nil {
		t.Fatal(err)
	}
	return testkit.Open(t, urls), tenant
}

// fill writes, for each of two tenants, 4,000 tickets of 500 contacts with a
// message each, half of these in one ticket, and 2,000 queues.
const fill = `
	WITH tenants (tenant, n) AS (VALUES ($1::uuid, 1), ($2::uuid, 2)),
	queued AS (
		INSERT INTO queue (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, display_name, description)
		SELECT tenant, md5('q' || i)::uuid, now() + i * interval '1 s', now(), 1, 0, '', '', '',
			'{}', '{}', '{}', 'queue ' || i, ''
		FROM tenants, generate_series(1, 2000) i
		RETURNING tenant, id
	),
	opened AS (
		INSERT INTO ticket (tenant, id, create_time, update_time, seq, partition, owner, team, source,
			external_ids, labels, custom_fields, number, contact, kind, severity, channel, subject, cause_code,
			queue, status, conversation, resolution_code, resolution, satisfaction, satisfaction_comment,
			customer_confirmed, open_time, reopen_count, status_time, open_for, pending_for, resolved_for, closed_for)
		SELECT tenant, md5('t' || i)::uuid, now() + i * interval '1 s', now() - i * interval '1 s', 1, 0, 'users/' || i % 50, '', '',
			'{}', '{}', '{}', 'T-' || i, md5('c' || i % 500)::uuid, 1 + i % 4, 2, 2, 'subject', '',
			md5('q' || i % 20 + 1)::uuid, 1 + i % 2, 'conversation ' || i % 700, '', '', 0, '',
			false, now(), 0, now(), 0, 0, 0, 0
		FROM tenants, generate_series(1, 4000) i
		RETURNING tenant, id, create_time
	)
	INSERT INTO message (tenant, id, ticket, author_kind, author, channel, direction, internal, body, say_time, create_time)
	SELECT tenant, id, CASE WHEN i % 2 = 0 THEN id ELSE md5('t1')::uuid END, 1, '', 2, 1, false, 'body', create_time, create_time
	FROM (SELECT *, row_number() OVER () AS i FROM opened) o`

// Every filter and order that lists declare runs on an index, as role app.
func TestLists_useTheirIndexes(t *testing.T) {
	t.Parallel()
	db, tenant := open(t)
	s := store.New(db, &eventlog.Log{})
	demandIndexes(t, db, tenant, s.Queues.Table)
	demandIndexes(t, db, tenant, s.Tickets.Table)
	demandIndexes(t, db, tenant, store.MessageTable)
}

func demandIndexes[T any](t *testing.T, db *postgres.DB, tenant uuid.UUID, table *postgres.Table[T]) {
	t.Helper()
	if err := table.CheckIndexes(t.Context(), db); err != nil {
		t.Error(err)
	}
	for _, q := range table.Declared() {
		plan, err := table.Explain(t.Context(), db, tenant, q)
		if errs.Reason(err) == "ORDER_BY_INVALID" {
			continue // the leading column of an index that only filters use
		}
		if err != nil || strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s: filter %q, order %q: %v\n%s", table.Def().Name, q.Filter, q.OrderBy, err, plan)
		}
	}
}
