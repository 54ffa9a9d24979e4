package bulk

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/record"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// undoRows is how many rows of the report one transaction takes back.
const undoRows = 500

// clockSkew is by how much the clocks of two replicas may differ.
const clockSkew = 5 * time.Minute

// Back is what a Kind is asked to take back.
type Back struct {
	// Import is the id of the import: the correlation of its events.
	Import string
	// Since is before the first of its events.
	Since time.Time
	// Created are the records that it created, Updated those that it changed or met;
	// each once, and created ones before they come as updated.
	Created, Updated []string
}

// undoing is what led to the events that take an import back: what else the import led
// to is another's.
func undoing(id uuid.UUID) string { return uuid.NewSHA1(id, []byte("undo")).String() }

// Undone is what became of a record.
type Undone struct {
	What bulkv1.ImportUndo
	// Reason says why something was kept, Fields what; none where all was.
	Reason string
	Fields []string
}

// undoRow is a row of the report that is to be taken back.
type undoRow struct {
	outcome  int16
	line     int64
	resource string
}

// undo takes an import back in steps: first what it created, then what it changed.
func (e *Engine) undo(ctx context.Context, row *entry) error {
	kind, err := e.kind(row.spec.GetKind())
	if err != nil {
		return err
	}
	for last := (undoRow{}); ; {
		var rows []undoRow
		_, err := record.Write(ctx, e.DB, e.Log, row.caller.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
			if rows, err = undoable(u, row, last); err != nil || len(rows) == 0 {
				return &emptypb.Empty{}, err
			}
			undone, err := kind.Undo(ctx, u, backOf(row, rows))
			if err == nil {
				u.Queue(func(b *pgx.Batch) { e.queueUndone(b, row, rows, undone) })
			}
			return &emptypb.Empty{}, err
		})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return e.finish(ctx, row, bulkv1.ImportState_IMPORT_STATE_UNDONE)
		}
		last = rows[len(rows)-1]
		if err := failpoint.Hit(failpoint.ImportAfterUndo); err != nil {
			return err
		}
	}
}

// undoable locks the import, so that another replica waits, and answers the next rows
// that are not taken back yet.
func undoable(u *record.Unit, row *entry, after undoRow) (rows []undoRow, err error) {
	here := false
	err = u.Read(func(b *pgx.Batch) {
		b.Queue(`SELECT state = 6 FROM import WHERE tenant = $1 AND id = $2 FOR UPDATE`, row.caller.Tenant, row.id).
			QueryRow(func(found pgx.Row) error { return found.Scan(&here) })
		b.Queue(`
			SELECT outcome, line, resource FROM import_row
			WHERE tenant = $1 AND import = $2 AND (outcome, line) > ($3::smallint, $4::bigint) AND outcome <= 2 AND NOT undone AND resource <> ''
			ORDER BY outcome, line LIMIT $5`, row.caller.Tenant, row.id, after.outcome, after.line, undoRows).
			Query(func(found pgx.Rows) error {
				var r undoRow
				_, err := pgx.ForEachRow(found, []any{&r.outcome, &r.line, &r.resource}, func() error {
					rows = append(rows, r)
					return nil
				})
				return err
			})
	})
	if err == nil && !here {
		return nil, errMoved
	}
	return rows, err
}

func backOf(row *entry, rows []undoRow) Back {
	created, updated := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if r.outcome == int16(bulkv1.ImportOutcome_IMPORT_OUTCOME_CREATED) {
			created[r.resource] = true
		} else {
			updated[r.resource] = true
		}
	}
	maps.DeleteFunc(updated, func(name string, _ bool) bool { return created[name] })
	return Back{
		Import: row.id.String(), Since: row.created.Add(-clockSkew),
		Created: slices.Sorted(maps.Keys(created)), Updated: slices.Sorted(maps.Keys(updated)),
	}
}

// queueUndone queues the progress and what became of each row's record.
func (e *Engine) queueUndone(b *pgx.Batch, row *entry, rows []undoRow, undone map[string]Undone) {
	n := map[bulkv1.ImportUndo]int64{}
	var lines []int64
	var whats []int16
	var reasons, fields []string
	for _, r := range rows {
		became := undone[r.resource]
		n[became.What]++
		lines, whats = append(lines, r.line), append(whats, int16(became.What))
		reasons, fields = append(reasons, became.Reason), append(fields, strings.Join(became.Fields, ","))
	}
	b.Queue(`
		UPDATE import SET undo_deleted = undo_deleted + $3, undo_restored = undo_restored + $4, undo_unchanged = undo_unchanged + $5,
			undo_kept = undo_kept + $6, update_time = $7
		WHERE tenant = $1 AND id = $2`,
		row.caller.Tenant, row.id, n[bulkv1.ImportUndo_IMPORT_UNDO_DELETED], n[bulkv1.ImportUndo_IMPORT_UNDO_RESTORED],
		n[bulkv1.ImportUndo_IMPORT_UNDO_UNCHANGED], n[bulkv1.ImportUndo_IMPORT_UNDO_KEPT], e.Now().UTC())
	b.Queue(`
		UPDATE import_row AS r SET undone = true, undo = d.undo, undo_reason = d.reason, kept_fields = string_to_array(d.fields, ',')
		FROM unnest($3::bigint[], $4::smallint[], $5::text[], $6::text[]) AS d (line, undo, reason, fields)
		WHERE r.tenant = $1 AND r.import = $2 AND r.line = d.line`,
		row.caller.Tenant, row.id, lines, whats, reasons, fields)
}
