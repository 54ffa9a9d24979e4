package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/text"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/duplicate"
)

var (
	dropBlockingKeys = postgres.NewStatement("blocking_key", `
		DELETE FROM blocking_key AS b
		USING unnest($2::bigint[], $3::uuid[]) AS g (key, contact)
		WHERE b.tenant = $1 AND b.key = g.key AND b.contact = g.contact`)
	insertBlockingKeys = postgres.NewStatement("blocking_key", `
		INSERT INTO blocking_key (tenant, key, contact)
		SELECT $1, f.key, f.contact
		FROM unnest($2::bigint[], $3::uuid[]) AS f (key, contact)
		ON CONFLICT DO NOTHING`)
	refuseDuplicates = postgres.NewStatement("refuse_duplicates", `
		SELECT refuse_duplicates($1, $2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::smallint[], $7::text[], $8::boolean[], $9::uuid[])`)
)

// writeBlockingKeys keeps the numbers under which a contact is looked for as a
// duplicate in step with it.
func writeBlockingKeys(w *postgres.Writes, before, after *contact.Contact) {
	var had []int64
	if before != nil {
		had = blockingKeys(before)
	}
	has := blockingKeys(after)
	for _, k := range had {
		if !slices.Contains(has, k) {
			w.Add(dropBlockingKeys, k, after.ID)
		}
	}
	for _, k := range has {
		if !slices.Contains(had, k) {
			w.Add(insertBlockingKeys, k, after.ID)
		}
	}
}

// blockingKeys are none of a deleted contact: nobody is to find it.
func blockingKeys(c *contact.Contact) []int64 {
	if c.Deleted() {
		return nil
	}
	return duplicate.Of(c).Keys()
}

// guard lets the database look whether a new contact is there already, in the same
// round trip and after all other rows were written.
func guard(w *postgres.Writes, c *contact.Contact) {
	if c.Guard == contact.Unguarded {
		return
	}
	add := func(kind contact.IdentifierKind, key string) {
		w.Add(refuseDuplicates, c.ID, int16(c.Kind), c.NameKey, c.Birthday, int16(kind), key, c.Guard == contact.Compared, w.Origin())
	}
	add(0, "")
	for _, i := range c.Identifiers {
		if i.Kind == contact.Email || i.Kind == contact.Phone {
			add(i.Kind, i.Key)
		}
	}
}

const (
	// maxHolders is how many contacts are looked at under one key. More have a key
	// only where it says little: a placeholder for a birthday, the address of a block
	// of flats.
	maxHolders = 100
	// maxCompared is how many contacts one contact is compared with, those that share
	// most keys first.
	maxCompared = 300
)

const selectShared = `
	SELECT shared.contact
	FROM (
		SELECT b.contact
		FROM unnest($2::bigint[]) AS k (key)
		CROSS JOIN LATERAL (
			SELECT contact FROM blocking_key WHERE tenant = $1 AND key = k.key AND contact <> $5 LIMIT $6
		) AS b
		UNION ALL
		SELECT i.contact
		FROM unnest($3::smallint[], $4::text[]) AS h (kind, key)
		CROSS JOIN LATERAL (
			SELECT contact FROM identifier WHERE tenant = $1 AND kind = h.kind AND key = h.key AND contact <> $5 LIMIT $6
		) AS i
	) AS shared
	GROUP BY shared.contact
	ORDER BY count(*) DESC, shared.contact
	LIMIT $7`

// sharing answers the living contacts that share a key or an identifier with the
// record, those that share most first.
func (s *Store) sharing(ctx context.Context, tenant uuid.UUID, r duplicate.Record) ([]*contact.Contact, error) {
	kinds, keys := columns(lookedUp(r))
	ids, err := s.ids(ctx, tenant, selectShared, tenant, r.Keys(), kinds, keys, r.ID, maxHolders, maxCompared)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
}

// lookedUp are the record's handles, and the e-mail addresses that one of it would
// pass for.
func lookedUp(r duplicate.Record) []contact.Handle {
	handles := slices.Clone(r.Handles)
	for _, h := range r.Handles {
		if plain := text.Skeleton(h.Key); h.Kind == contact.Email && plain != h.Key {
			handles = append(handles, contact.Handle{Kind: contact.Email, Key: plain})
		}
	}
	return handles
}

const (
	// sweepStep is how many contacts a sweep looks at together, leastStep how many at
	// least.
	sweepStep, leastStep = 500, 32
	// maxSwept is how many contacts it looks at under one key for each of them.
	maxSwept = 50
)

const selectStep = `
	SELECT id
	FROM contact
	WHERE tenant = $1 AND id >= $2 AND delete_time IS NULL
	ORDER BY id
	LIMIT $3`

// Each pair is answered once, under its older contact.
const selectPairs = `
	SELECT k.contact, b.contact
	FROM unnest($2::uuid[], $3::bigint[]) AS k (contact, key)
	CROSS JOIN LATERAL (
		SELECT contact FROM blocking_key WHERE tenant = $1 AND key = k.key AND contact > k.contact ORDER BY contact LIMIT $7
	) AS b
	UNION
	SELECT h.contact, i.contact
	FROM unnest($4::uuid[], $5::smallint[], $6::text[]) AS h (contact, kind, key)
	CROSS JOIN LATERAL (
		SELECT contact FROM identifier WHERE tenant = $1 AND kind = h.kind AND key = h.key AND contact > h.contact ORDER BY contact LIMIT $7
	) AS i`

// pairs answers, for each of the contacts, the younger ones that share a key or an
// identifier with it.
func (s *Store) pairs(ctx context.Context, tenant uuid.UUID, records []duplicate.Record) (pairs [][2]uuid.UUID, err error) {
	var holders, named []uuid.UUID
	var blocks []int64
	var handles []contact.Handle
	for _, r := range records {
		for _, k := range r.Keys() {
			holders, blocks = append(holders, r.ID), append(blocks, k)
		}
		for _, h := range lookedUp(r) {
			named, handles = append(named, r.ID), append(handles, h)
		}
	}
	kinds, keys := columns(handles)
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(selectPairs, tenant, holders, blocks, named, kinds, keys, maxSwept).Query(func(rows pgx.Rows) error {
		var pair [2]uuid.UUID
		_, err := pgx.ForEachRow(rows, []any{&pair[0], &pair[1]}, func() error {
			pairs = append(pairs, pair)
			return nil
		})
		return err
	})
	return pairs, postgres.Run(ctx, s.db, b)
}
