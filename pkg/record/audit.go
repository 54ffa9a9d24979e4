package record

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
)

// queueAudit queues the entry that says who changed the resource, and to which of
// its versions. The leaf is the hash of the entry, by which a sealer chains it.
func queueAudit(ctx context.Context, b *pgx.Batch, tenant uuid.UUID, now time.Time, resource string, seq int64) {
	info := call.From(ctx)
	caller, _ := auth.FromOK(ctx)
	leaf := auditLeaf(tenant, now, seq, caller.Subject, info.Method, resource, info.RequestID, info.Correlation)
	b.Queue(`
		INSERT INTO audit (tenant, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, leaf)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9)`,
		tenant, now, caller.Subject, info.Method, resource, seq, info.RequestID, info.Correlation, leaf)
}

// auditLeaf is the SHA-256 of the canonical entry: fixed-width numbers, and texts
// behind their length.
func auditLeaf(tenant uuid.UUID, at time.Time, seq int64, texts ...string) []byte {
	h := sha256.New()
	h.Write(tenant[:])
	writeNumber(h, at.UnixMicro())
	writeNumber(h, seq)
	for _, t := range texts {
		writeNumber(h, int64(len(t)))
		h.Write([]byte(t))
	}
	return h.Sum(nil)
}

func writeNumber(h hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}
