package eventlog

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
)

// AuditEntry says who changed what. By fills in the caller and the call.
type AuditEntry struct {
	Tenant     uuid.UUID
	RecordedAt time.Time
	// Actor is the caller's subject, Method the full method of the call.
	Actor, Method string
	// Resource is the name of what was changed, Seq the number of the last event
	// that the change wrote of it; 0 where it wrote none.
	Resource string
	Seq      int64
	// RequestID and CorrelationID are those of the call.
	RequestID, CorrelationID string
	// Note says what no event tells; mostly empty.
	Note string
}

// Leaf is the SHA-256 of the canonical entry: each field with its length before
// it, times in microseconds since 1970. It is what the sealer chains, and what a
// verifier computes again from the stored columns.
func (e AuditEntry) Leaf() [32]byte {
	var b []byte
	field := func(v []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	field(e.Tenant[:])
	field(binary.BigEndian.AppendUint64(nil, uint64(e.RecordedAt.UnixMicro())))
	for _, text := range []string{e.Actor, e.Method, e.Resource} {
		field([]byte(text))
	}
	field(binary.BigEndian.AppendUint64(nil, uint64(e.Seq)))
	for _, text := range []string{e.RequestID, e.CorrelationID, e.Note} {
		field([]byte(text))
	}
	return sha256.Sum256(b)
}

// By is the entry with the caller and the call of the context.
func (e AuditEntry) By(ctx context.Context) AuditEntry {
	caller, _ := auth.FromOK(ctx)
	info := call.From(ctx)
	e.Actor, e.Method = caller.Subject, info.Method
	e.RequestID, e.CorrelationID = info.RequestID, info.Correlation
	return e
}

const insertAudit = `
INSERT INTO audit (tenant, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf)
SELECT $1, a.recorded_at, a.actor, a.method, a.resource, a.seq, a.request_id, a.correlation_id, a.note, a.leaf
FROM unnest($2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::bytea[])
	AS a (recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf)`

// QueueAudit adds the entries, all of one tenant, to the batch of the changes they
// tell of.
func QueueAudit(b *pgx.Batch, entries ...AuditEntry) {
	if len(entries) == 0 {
		return
	}
	n := len(entries)
	var (
		recorded = make([]time.Time, n)
		seqs     = make([]int64, n)
		leaves   = make([][]byte, n)
	)
	for i, e := range entries {
		e.RecordedAt = e.RecordedAt.UTC().Truncate(time.Microsecond)
		leaf := e.Leaf()
		recorded[i], seqs[i], leaves[i] = e.RecordedAt, e.Seq, leaf[:]
	}
	texts := func(of func(AuditEntry) string) []string {
		values := make([]string, n)
		for i, e := range entries {
			values[i] = of(e)
		}
		return values
	}
	b.Queue(insertAudit, entries[0].Tenant, recorded,
		texts(func(e AuditEntry) string { return e.Actor }), texts(func(e AuditEntry) string { return e.Method }),
		texts(func(e AuditEntry) string { return e.Resource }), seqs,
		texts(func(e AuditEntry) string { return e.RequestID }), texts(func(e AuditEntry) string { return e.CorrelationID }),
		texts(func(e AuditEntry) string { return e.Note }), leaves)
}
