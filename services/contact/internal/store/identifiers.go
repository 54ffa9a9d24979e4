package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

var (
	dropIdentifiers = postgres.NewStatement("identifier", `
		DELETE FROM identifier AS i
		USING unnest($2::smallint[], $3::text[], $4::uuid[]) AS g (kind, key, contact)
		WHERE i.tenant = $1 AND i.kind = g.kind AND i.key = g.key AND i.contact = g.contact`)
	insertIdentifiers = postgres.NewStatement("identifier", `
		INSERT INTO identifier (tenant, kind, key, contact)
		SELECT $1, f.kind, f.key, f.contact
		FROM unnest($2::smallint[], $3::text[], $4::uuid[]) AS f (kind, key, contact)`)
)

// writeBeside keeps the rows that lie beside a contact in step with it.
func writeBeside(w *postgres.Writes, before, after *contact.Contact) {
	writeIdentifiers(w, before, after)
	writeBlockingKeys(w, before, after)
	writeEmployees(w, before, after)
	if before == nil {
		guard(w, after)
	}
}

// writeIdentifiers keeps what a contact can be found by in step with it.
func writeIdentifiers(w *postgres.Writes, before, after *contact.Contact) {
	var had []contact.Handle
	if before != nil {
		had = before.Handles()
	}
	has := after.Handles()
	for _, h := range without(had, has) {
		w.Add(dropIdentifiers, int16(h.Kind), h.Key, after.ID)
	}
	for _, h := range without(has, had) {
		w.Add(insertIdentifiers, int16(h.Kind), h.Key, after.ID)
	}
}

// without answers what of list is not in other.
func without(list, other []contact.Handle) []contact.Handle {
	return slices.DeleteFunc(slices.Clone(list), func(h contact.Handle) bool { return slices.Contains(other, h) })
}

func columns(handles []contact.Handle) (kinds []int16, keys []string) {
	for _, h := range handles {
		kinds, keys = append(kinds, int16(h.Kind)), append(keys, h.Key)
	}
	return kinds, keys
}

// candidates answers the living contacts that hold a handle, at most max of them.
func (s *Store) candidates(ctx context.Context, tenant uuid.UUID, h contact.Handle, max int) ([]uuid.UUID, error) {
	return s.ids(ctx, tenant, `
		SELECT contact
		FROM identifier
		WHERE tenant = $1 AND kind = $2 AND key = $3
		ORDER BY contact DESC
		LIMIT $4`, tenant, int16(h.Kind), h.Key, max)
}

// ids runs a query for ids as the tenant.
func (s *Store) ids(ctx context.Context, tenant uuid.UUID, query string, args ...any) (ids []uuid.UUID, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(query, args...).Query(func(rows pgx.Rows) error {
		ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	return ids, postgres.Run(ctx, s.db, b)
}
