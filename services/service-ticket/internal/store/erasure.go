package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// eraseContact removes what the tables hold in the open of a contact that was erased:
// the fields that its events carry sealed. States, times and ratings stay.
func eraseContact(ctx context.Context, tx pgx.Tx, tenant, contact uuid.UUID) error {
	b := &pgx.Batch{}
	b.Queue(`
		UPDATE ticket
		SET subject = '', resolution = '', satisfaction_comment = '', custom_fields = '{}'
		WHERE tenant = $1 AND contact = $2`, tenant, contact)
	b.Queue(`
		UPDATE message AS m
		SET body = ''
		FROM ticket AS t
		WHERE t.tenant = $1 AND t.contact = $2 AND m.tenant = $1 AND m.ticket = t.id`, tenant, contact)
	return tx.SendBatch(ctx, b).Close()
}
