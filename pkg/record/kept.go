package record

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// keptAnswer is one that is kept for a request id.
type keptAnswer struct {
	tenant              uuid.UUID
	subject, method, id string
	hash, response      []byte
	contacts            []uuid.UUID
	// changed says that the request wrote events.
	changed bool
	at      time.Time
}

const insertKept = `
	INSERT INTO idempotency (tenant, subject, method, key, hash, response, contacts, position, create_time)
	VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN currval('event_position') END, $9)`

// insertAllKept keeps the answers to several requests. The position is that of the last
// event of the transaction.
const insertAllKept = `
	INSERT INTO idempotency (tenant, subject, method, key, hash, response, contacts, position, create_time)
	SELECT $1, k.subject, k.method, k.key, k.hash, k.response, k.contacts::uuid[],
		CASE WHEN k.changed THEN currval('event_position') END, k.create_time
	FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[], $8::boolean[], $9::timestamptz[])
		AS k (subject, method, key, hash, response, contacts, changed, create_time)`

// queueKept queues keeping the answers, all of one tenant, after the events.
func queueKept(b *pgx.Batch, all ...keptAnswer) {
	switch len(all) {
	case 0:
		return
	case 1:
		k := all[0]
		b.Queue(insertKept, k.tenant, k.subject, k.method, k.id, k.hash, k.response, k.contacts, k.changed, k.at)
		return
	}
	n := len(all)
	var (
		subjects, methods, ids = make([]string, n), make([]string, n), make([]string, n)
		hashes, responses      = make([][]byte, n), make([][]byte, n)
		contacts               = make([]any, n)
		changed                = make([]bool, n)
		at                     = make([]time.Time, n)
	)
	for i, k := range all {
		subjects[i], methods[i], ids[i] = k.subject, k.method, k.id
		hashes[i], responses[i] = k.hash, k.response
		contacts[i], changed[i], at[i] = postgres.ArrayLiteral(k.contacts), k.changed, k.at
	}
	b.Queue(insertAllKept, all[0].tenant, subjects, methods, ids, hashes, responses, contacts, changed, at)
}
