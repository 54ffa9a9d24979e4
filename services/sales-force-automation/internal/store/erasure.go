package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// eraseContact removes what the tables hold in the open of a contact that was erased:
// the fields that its events carry sealed, and the files that brought its records.
// Amounts, dates and states stay.
func eraseContact(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	b := &pgx.Batch{}
	b.Queue(`
		UPDATE lead
		SET display_name = '', note = '', disqualify_reason = '', custom_fields = '{}'
		WHERE tenant = $1 AND contact = $2`, tenant, contact)
	b.Queue(`
		UPDATE opportunity
		SET display_name = '', close_reason = '', description = '', note = '', custom_fields = '{}'
		WHERE tenant = $1 AND contact = $2`, tenant, contact)
	b.Queue(`
		UPDATE sales_order
		SET cancel_reason = '', note = '', custom_fields = '{}'
		WHERE tenant = $1 AND contact = $2`, tenant, contact)
	b.Queue(`
		WITH its AS (
			SELECT 'leads/' || id AS resource FROM lead WHERE tenant = $1 AND contact = $2
			UNION ALL
			SELECT 'opportunities/' || id FROM opportunity WHERE tenant = $1 AND contact = $2
			UNION ALL
			SELECT 'orders/' || id FROM sales_order WHERE tenant = $1 AND contact = $2
		), imported AS (
			UPDATE import_row AS r SET message = ''
			FROM its
			WHERE r.tenant = $1 AND r.resource = its.resource
			RETURNING r.import
		)
		DELETE FROM import_chunk AS c
		USING import AS i
		WHERE c.tenant = $1 AND i.tenant = $1 AND i.id = c.import AND i.end_time IS NOT NULL
			AND c.import IN (SELECT import FROM imported)`, tenant, contact)
	return tx.SendBatch(ctx, b).Close()
}
