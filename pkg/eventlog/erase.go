package eventlog

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// QueueErasure removes what the log's own tables hold of a contact in the open:
// the answers kept for repeated requests. A repetition is then answered
// FAILED_PRECONDITION CONTACT_ERASED. For a transaction of role relay.
func QueueErasure(b *pgx.Batch, tenant, contact uuid.UUID) {
	b.Queue("UPDATE idempotency SET response = NULL WHERE tenant = $1 AND $2 = ANY (contacts)", tenant, contact)
}
