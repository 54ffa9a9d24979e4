package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	defaultAudits = 50
	maxAudits     = 1000
)

// AuditEntries answers a page of what the audit log says of a contact that the caller
// may see, the latest first.
func (s *Store) AuditEntries(ctx context.Context, tenant uuid.UUID, contact string, size int32, token string) (*contactv1.ListAuditEntriesResponse, error) {
	binding := fmt.Appendf(nil, "audit|%s|%s|%s", tenant, auth.From(ctx).Subject, contact)
	before, err := s.auditCursor(token, binding)
	if err != nil {
		return nil, err
	}
	if _, err := s.Contacts.Get(ctx, tenant, contact); err != nil {
		return nil, record.At("parent", err)
	}
	limit := int(min(size, maxAudits))
	if limit <= 0 {
		limit = defaultAudits
	}
	resp := &contactv1.ListAuditEntriesResponse{}
	var positions []int64
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT position, recorded_at, actor, method, resource, seq, request_id, correlation_id, note, COALESCE(block, 0)
		FROM audit
		WHERE tenant = $1 AND resource = $2 AND ($3::bigint = 0 OR position < $3)
		ORDER BY position DESC
		LIMIT $4`, tenant, contact, before, limit+1).
		Query(func(rows pgx.Rows) (err error) {
			resp.AuditEntries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*auditv1.AuditEntry, error) {
				var position int64
				var at time.Time
				e := &auditv1.AuditEntry{}
				err := row.Scan(&position, &at, &e.Actor, &e.Method, &e.Resource, &e.ResourceSeq, &e.RequestId, &e.CorrelationId, &e.Note, &e.Block)
				e.RecordTime, e.Position = timestamppb.New(at), position
				positions = append(positions, position)
				return e, err
			})
			return err
		})
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	if len(resp.AuditEntries) <= limit {
		return resp, nil
	}
	resp.AuditEntries = resp.AuditEntries[:limit]
	resp.NextPageToken, err = s.db.PageToken([]any{positions[limit-1]}, binding)
	return resp, err
}

// auditCursor answers the position before which a page begins; 0 for the first.
func (s *Store) auditCursor(token string, binding []byte) (int64, error) {
	if token == "" {
		return 0, nil
	}
	cursor, err := s.db.PageCursor(token, binding)
	if err != nil {
		return 0, err
	}
	return cursor[0].(int64), nil
}
