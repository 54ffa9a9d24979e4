package store

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
)

// fieldUse is which fields of contacts a segment or a list names, after an event of it.
type fieldUse struct {
	tenant uuid.UUID
	by     string
	seq    int64
	fields quality.Set
}

// namesFields says whether an event is of what may name fields of contacts. Events that a
// segment's members were found leave it as it was.
func namesFields(e *eventv1.Event) bool {
	switch collection, _, _ := strings.Cut(e.GetAggregate(), "/"); e.GetArea() + "/" + collection {
	case "campaign/segments":
		return !strings.Contains(e.GetType(), "Materializ")
	case "platform/savedViews":
		return true
	}
	return false
}

// fieldUseOf answers what an event says of the use of fields; false where it says nothing.
// Of a list it is the order and the columns: its filter stands in no event. A list counts
// while it is shared.
func fieldUseOf(tenant uuid.UUID, e *eventv1.Event) (u fieldUse, says bool, err error) {
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return u, false, err
	}
	u = fieldUse{tenant: tenant, by: e.GetAggregate(), seq: e.GetAggregateSeq()}
	switch of := payload.(type) {
	case interface{ GetSegment() *campaignv1.Segment }:
		if s := of.GetSegment(); s.GetDeleteTime() == nil {
			paths, _ := filter.Paths(s.GetFilter()) // one that cannot be read names nothing
			u.fields = namedFields(paths)
		}
	case interface{ GetSavedView() *platformv1.SavedView }:
		v := of.GetSavedView()
		shared := v.GetVisibility() != platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_PRIVATE
		if v.GetResource() == contacts && v.GetDeleteTime() == nil && shared {
			paths := v.GetColumns()
			for key := range strings.SplitSeq(v.GetOrderBy(), ",") {
				paths = append(paths, strings.TrimSuffix(strings.TrimSpace(key), " desc"))
			}
			u.fields = namedFields(paths)
		}
	default:
		return u, false, nil
	}
	return u, true, nil
}

// namedFields answers the fields that paths lead into.
func namedFields(paths []string) quality.Set {
	roots := make([]string, len(paths))
	for i, path := range paths {
		roots[i], _, _ = strings.Cut(path, ".")
	}
	return quality.SetOf(roots...)
}

// keepFieldUse answers whether other fields are named than before.
const keepFieldUse = `
WITH before AS (
	SELECT fields FROM field_use WHERE tenant = $1 AND used_by = $2
), kept AS (
	INSERT INTO field_use (tenant, used_by, seq, fields) VALUES ($1, $2, $3, $4)
	ON CONFLICT (tenant, used_by) DO UPDATE SET seq = excluded.seq, fields = excluded.fields WHERE field_use.seq < excluded.seq
	RETURNING fields
)
SELECT EXISTS (SELECT FROM kept WHERE fields <> COALESCE((SELECT fields FROM before), 0))`

// keepFieldUses keeps them, and answers the tenants of those that name other fields now.
func keepFieldUses(ctx context.Context, tx pgx.Tx, uses []fieldUse) (changed []uuid.UUID, err error) {
	if len(uses) == 0 {
		return nil, nil
	}
	b := &pgx.Batch{}
	for _, u := range uses {
		b.Queue(keepFieldUse, u.tenant, u.by, u.seq, int64(u.fields)).QueryRow(func(row pgx.Row) error {
			var others bool
			err := row.Scan(&others)
			if others {
				changed = append(changed, u.tenant)
			}
			return err
		})
	}
	return changed, tx.SendBatch(ctx, b).Close()
}

// queueUsed queues reading which fields are named by any segment or list.
func queueUsed(b *pgx.Batch, tenant uuid.UUID, into *quality.Set) {
	b.Queue("SELECT COALESCE(bit_or(fields), 0) FROM field_use WHERE tenant = $1", tenant).QueryRow(func(row pgx.Row) error {
		var fields int64
		err := row.Scan(&fields)
		*into = quality.Set(fields)
		return err
	})
}
