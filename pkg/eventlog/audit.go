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

// AuditEntry says who changed what. QueueAudit fills in the caller and the call.
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

const insertAudit = `
INSERT INTO audit (tenant, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

// QueueAudit adds the entry to the batch of the change it tells of. The caller
// and the call are those of the context.
func QueueAudit(ctx context.Context, b *pgx.Batch, e AuditEntry) {
	caller, _ := auth.FromOK(ctx)
	info := call.From(ctx)
	e.Actor, e.Method = caller.Subject, info.Method
	e.RequestID, e.CorrelationID = info.RequestID, info.Correlation
	e.RecordedAt = e.RecordedAt.UTC().Truncate(time.Microsecond)
	leaf := e.Leaf()
	b.Queue(insertAudit, e.Tenant, e.RecordedAt, e.Actor, e.Method, e.Resource, e.Seq,
		e.RequestID, e.CorrelationID, e.Note, leaf[:])
}
