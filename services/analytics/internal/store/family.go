package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// maxMerges is how many merges one after the other are followed. Events of contacts in
// different partitions may be applied the other way round, so that for a moment two
// contacts may seem to be merged into each other.
const maxMerges = "50"

// The survivor comes first, then all that were merged into it.
const familyQuery = `
WITH RECURSIVE up AS (
	SELECT c.contact, c.merged_into, 0 AS depth
	FROM customer c
	WHERE c.tenant = $1 AND c.contact = $2 AND {valid:c}
	UNION ALL
	SELECT c.contact, c.merged_into, up.depth + 1
	FROM up
	JOIN customer c ON c.tenant = $1 AND c.contact = up.merged_into AND {valid:c}
	WHERE up.depth < ` + maxMerges + `
), down AS (
	(SELECT contact, 0 AS depth FROM up ORDER BY up.depth DESC LIMIT 1)
	UNION ALL
	SELECT c.contact, down.depth + 1
	FROM down
	JOIN customer c ON c.tenant = $1 AND c.merged_into = down.contact AND {valid:c}
	WHERE down.depth < ` + maxMerges + `
)
SELECT contact
FROM down
GROUP BY contact
ORDER BY min(depth), contact`

var selectFamily = [2]string{valid(familyQuery, " = 'infinity'"), valid(familyQuery, " > $3")}

// Family answers the survivor that a contact is part of, and with it, all that were
// merged into it: the survivor first, the contact alone where it was never merged.
func (s *Store) Family(ctx context.Context, tenant, contact uuid.UUID, at Instant) (family []uuid.UUID, err error) {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(selectFamily[bit(at.Past)], tenant, contact, at.known()).Query(func(rows pgx.Rows) error {
		family, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	})
	return family, postgres.Run(ctx, s.db, b)
}

// whole answers the name of the survivor with all that are one with it, where the
// customer was merged or has merged ones.
func (s *Store) whole(ctx context.Context, tenant uuid.UUID, ref Ref, c Customer, at Instant) (Ref, error) {
	family, err := s.Family(ctx, tenant, c.Contact, at)
	if err != nil {
		return ref, err
	}
	return Ref{Name: ref.Name, Contact: family[0], Family: family}, nil
}

// survivors are, of the contacts of a tenant that were merged, the ones in which they
// end.
const survivors = `
WITH RECURSIVE link AS (
	SELECT c.contact, c.merged_into AS root, 1 AS depth
	FROM customer c
	WHERE c.tenant = $1 AND c.merged_into IS NOT NULL AND {valid:c}
	UNION ALL
	SELECT l.contact, c.merged_into, l.depth + 1
	FROM link l
	JOIN customer c ON c.tenant = $1 AND c.contact = l.root AND c.merged_into IS NOT NULL AND {valid:c}
	WHERE l.depth < ` + maxMerges + `
), survivor AS MATERIALIZED (
	SELECT DISTINCT ON (contact) contact, root FROM link ORDER BY contact, depth DESC
), `

const selectMerged = `SELECT EXISTS (SELECT FROM customer WHERE tenant = $1 AND merged_into IS NOT NULL)`
