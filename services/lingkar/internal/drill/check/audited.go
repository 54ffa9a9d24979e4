package check

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	auditv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/audit/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/ledger"
)

// entriesOf answers who is on record for the request ids.
const entriesOf = `
	SELECT request_id, count(*) FILTER (WHERE actor <> '' AND tenant::text <> '' AND method <> '' AND resource <> '')
	FROM audit WHERE request_id = ANY ($1) GROUP BY request_id`

// audited checks that every acknowledged change is on record, with who made it, of
// which tenant and by which request, that no refused one is, and that the chain over the
// contact service's entries verifies (I11).
func (r *Run) audited(ctx context.Context) Result {
	result := Result{ID: "I11", Title: "every change is in the audit log, with its actor, tenant and request"}
	var ids []string
	for _, op := range r.Ops {
		if op.Writes {
			ids = append(ids, op.ID)
		}
	}
	entries := map[string]int64{}
	for _, area := range areas() {
		err := with(ctx, r.Cluster, fleet.Database(area), func(conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, entriesOf, ids)
			if err != nil {
				return err
			}
			var id string
			var n int64
			_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
				entries[id] += n
				return nil
			})
			return err
		})
		if err != nil {
			result.breach("%s cannot be asked: %v", area, err)
		}
	}
	compared := 0
	for _, op := range r.Ops {
		if !op.Writes {
			continue
		}
		compared++
		switch n := entries[op.ID]; {
		case op.Outcome == ledger.OK && n == 0:
			result.breach("%s %s was done and is not on record", op.Kind, op.ID)
		case op.Outcome == ledger.Failed && n > 0:
			result.breach("%s %s was refused and is on record", op.Kind, op.ID)
		}
	}
	sealed := r.sealed(ctx, &result)
	result.Evidence = fmt.Sprintf("%d changes, %d entries sealed", compared, sealed)
	return result
}

// sealed has the chains of all services verified, and answers how many entries they
// seal.
func (r *Run) sealed(ctx context.Context, result *Result) (entries int64) {
	for n, t := range r.Tenants {
		before := entries
		for _, area := range areas() {
			got := &auditv1.VerifyAuditResponse{}
			err := r.Load.Doors(n).GRPC.Invoke(ctx, "/lingkar."+area+".v1.AuditService/VerifyAudit", &auditv1.VerifyAuditRequest{}, got)
			if err != nil || !got.GetIntact() {
				result.breach("the audit log of %s in %s is not intact: %d entries sealed, %v (%v)", t.Name, area, got.GetSealedCount(), got.GetFaults(), err)
			}
			entries += got.GetSealedCount()
		}
		if entries == before {
			result.breach("no entry of the audit log of %s is sealed", t.Name)
		}
	}
	return entries
}
