package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// eraseContact removes what the tables hold in the open of a contact that was erased:
// what was written to it, what it answered, and what it is called. That it was touched
// and that it answered stay.
func eraseContact(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	b := &pgx.Batch{}
	b.Queue("UPDATE touch SET subject = '', body = '' WHERE tenant = $1 AND contact = $2", tenant, contact)
	b.Queue("UPDATE response SET body = '' WHERE tenant = $1 AND contact = $2", tenant, contact)
	b.Queue(`
		UPDATE known_contact
		SET deleted = true, given_name = '', family_name = '', display_name = '', organisation_name = '', preferred_channel = 0
		WHERE tenant = $1 AND contact = $2`, tenant, contact)
	return tx.SendBatch(ctx, b).Close()
}
