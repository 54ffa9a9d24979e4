package postgres

import (
	"context"
	"fmt"
	"strings"
	"unsafe"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres/filter"
)

// The limits of a search.
const (
	maxSearchBytes = 1 << 10
	maxSearchWords = 8
	maxSearchRows  = 100
)

// SearchQuery is one Search call.
type SearchQuery struct {
	// Text is what to look for, normalised as the search column is.
	Text string
	// Limit is the number of rows: 0 means 20, and 100 is the most.
	Limit int32
	// ShowDeleted includes soft deleted rows.
	ShowDeleted bool
	// Where are the server's own conditions. They are applied to the best 1,000
	// matches.
	Where []Cond
}

// Search answers the rows whose Def.Search column holds every word of the text,
// or one written nearly like it, the best first. Characters have no special
// meaning; words beyond the eighth are passed over. The index it needs is named
// at lingkar_search in the base migration.
func (t *Table[T]) Search(ctx context.Context, db Sender, tenant uuid.UUID, q SearchQuery) ([]*T, error) {
	limit, err := searchLimit(q)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(q.Text)
	if len(words) == 0 {
		return nil, nil
	}
	args := []any{[16]byte(tenant), t.def.Name, t.def.Search, words[:min(len(words), maxSearchWords)], limit}
	where := ""
	if !q.ShowDeleted && t.plan.find("delete_time") != nil {
		where = " AND t.delete_time IS NULL"
	}
	for _, c := range q.Where {
		where += " AND " + c.write(&args)
	}
	sql := fmt.Sprintf(`SELECT %s FROM lingkar_search($2::text::regclass, $3, $4, 1000) s JOIN %s t ON t.tenant = $1 AND t.id = s.id
		WHERE true%s ORDER BY s.score DESC, t.id LIMIT $5`, t.plan.list("t."), filter.Quote(t.def.Name), where)
	var found []*T
	b := &pgx.Batch{}
	QueueTenant(b, tenant)
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			row := new(T)
			if err := t.plan.scan(rows, unsafe.Pointer(row)); err != nil {
				return err
			}
			found = append(found, row)
		}
		return nil
	})
	return found, Run(ctx, db, b)
}

func searchLimit(q SearchQuery) (int, error) {
	switch {
	case len(q.Text) > maxSearchBytes:
		return 0, errs.Invalid("query", "", fmt.Sprintf("has at most %d bytes", maxSearchBytes))
	case q.Limit < 0:
		return 0, errs.Invalid("page_size", "", "must not be negative")
	case q.Limit == 0:
		return 20, nil
	default:
		return int(min(q.Limit, maxSearchRows)), nil
	}
}
