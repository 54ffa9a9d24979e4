package postgres

import (
	"context"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ByEntry answers the row whose map column holds the entry, such as
// ("external_ids", "erp", "4711"), deleted or not; nil when there is none. The
// column must be an IndexedMap whose entries stand alone.
func (t *Table[T]) ByEntry(ctx context.Context, db Sender, tenant uuid.UUID, column, key, value string) (*T, error) {
	var row *T
	b := &pgx.Batch{}
	QueueTenant(b, tenant)
	b.Queue(t.listSQL+` AND t.id = (
			SELECT e.id FROM map_entry e
			WHERE e.tenant = $1 AND e.source = $2 AND e.key = $3 AND e.value = $4 AND e.alone)`,
		[16]byte(tenant), t.def.Name+"."+column, key, value).Query(func(rows pgx.Rows) error {
		if !rows.Next() {
			return nil
		}
		row = new(T)
		return t.plan.scan(rows, unsafe.Pointer(row))
	})
	return row, Run(ctx, db, b)
}
