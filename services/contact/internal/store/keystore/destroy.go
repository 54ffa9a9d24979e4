package keystore

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Erased is a contact whose key is to be destroyed.
type Erased struct {
	Tenant, Contact, Key uuid.UUID
	At                   time.Time
}

// Destroy destroys the keys of erased contacts, and notes in the database of keys
// whom they belonged to: so that a restored database of contacts is told again. Keys
// that were destroyed already stay so.
func (s *Store) Destroy(ctx context.Context, contacts ...Erased) error {
	n := len(contacts)
	tenants, ids, keys, times := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]time.Time, n)
	for i, c := range contacts {
		tenants[i], ids[i], keys[i], times[i] = c.Tenant, c.Contact, c.Key, c.At
	}
	err := pgx.BeginFunc(ctx, s.keys, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`
			INSERT INTO destroyed_key (tenant, contact, key_id, erase_time)
			SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[])
			ON CONFLICT DO NOTHING`, tenants, ids, keys, times)
		b.Queue("DELETE FROM contact_key WHERE id = ANY ($1)", keys)
		return tx.SendBatch(ctx, b).Close()
	})
	for _, c := range contacts {
		s.Drop(c.Tenant, c.Contact)
	}
	return postgres.SQLError(err)
}

// Erasures answers the contacts that the database of keys knows to be erased, after
// one of them (the zero one for the first), at most so many.
func (s *Store) Erasures(ctx context.Context, after Erased, limit int) ([]Erased, error) {
	rows, err := s.keys.Query(ctx, `
		SELECT tenant, contact, key_id, erase_time
		FROM destroyed_key
		WHERE (tenant, contact) > ($1, $2)
		ORDER BY tenant, contact
		LIMIT $3`, after.Tenant, after.Contact, limit)
	if err != nil {
		return nil, postgres.SQLError(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Erased])
	return found, postgres.SQLError(err)
}
