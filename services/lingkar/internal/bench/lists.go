package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

const (
	// bigTable is how many rows a table has whose lists are measured.
	bigTable = 1000
	// scannedTable is how many rows a table has that no list may read whole.
	scannedTable = 10_000
	// listSamples is how many rows lend their values to filters.
	listSamples = 40
	// listRounds is how often each of them is asked for.
	listRounds = 2
	listPage   = 50
)

// pair is a declared filter and order of a list.
type pair struct {
	name string
	took []time.Duration
	note string
}

// lists measures every declared pair of filter and order of every list with a big
// table, with the values of rows that are there, one call after the other; and asks
// role app's planner whether it reads a big table whole.
func lists(ctx context.Context, b *bench) (*Row, error) {
	var pairs []*pair
	for _, d := range fleet.All() {
		if d.Lists == nil {
			continue
		}
		found, err := b.listsOf(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("lists of area %s: %w", d.Area, err)
		}
		pairs = append(pairs, found...)
	}
	return listsRow(pairs), nil
}

// listsRow makes one row of all pairs, the slowest first.
func listsRow(pairs []*pair) *Row {
	row := &Row{Unit: "ms"}
	var slowest []float64
	scans := 0
	for _, p := range pairs {
		p95 := quantile(p.took, 0.95)
		slowest = append(slowest, p95)
		if p.note != "" {
			scans++
		}
		row.Details = append(row.Details, Detail{Name: p.name, Value: p95, Unit: "ms", Note: p.note})
	}
	row.Figure = spread(slowest)
	slices.SortStableFunc(row.Details, func(a, b Detail) int {
		return cmp.Or(-cmp.Compare(a.Note, b.Note), cmp.Compare(b.Value, a.Value))
	})
	return row.aim(fmt.Sprintf("lists of %d, %d declared pairs of filter and order, p95 of each, 1 client", listPage, len(pairs)),
		"no sequential scan; 1.5 × at 10,000 contacts", "1.1 ×", scans == 0)
}

// listsOf measures the lists of an area.
func (b *bench) listsOf(ctx context.Context, d service.Definition) ([]*pair, error) {
	admin, err := pgx.Connect(ctx, b.adminURL(fleet.Database(d.Area)))
	if err != nil {
		return nil, err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	db, err := b.asApp(ctx, d.Area)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tables := d.Lists()
	var pairs []*pair
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		l := &lister{bench: b, Lister: tables[name], rpc: listRPC(d.Area, tables[name].Def()), db: db, admin: admin}
		if l.rpc == nil {
			continue
		}
		found, err := l.measure(ctx)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, found...)
	}
	return pairs, nil
}

// asApp opens the database of an area as its role app.
func (b *bench) asApp(ctx context.Context, area string) (*postgres.DB, error) {
	u, err := url.Parse(b.adminURL(fleet.Database(area)))
	if err != nil {
		return nil, err
	}
	query := u.Query()
	query.Set("role", area+"_app")
	u.RawQuery = query.Encode()
	return postgres.Open(ctx, u.String(), u.String(), postgres.Options{MaxConns: 1})
}

// lister measures the lists of one table.
type lister struct {
	*bench
	postgres.Lister
	rpc   *listMethod
	db    *postgres.DB
	admin *pgx.Conn
}

func (l *lister) measure(ctx context.Context) ([]*pair, error) {
	rows, err := l.samples(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	named := l.DeclaredWith(func(postgres.Field) string { return "…" })
	asked := make([][]postgres.Query, len(rows))
	for i, row := range rows {
		asked[i] = l.DeclaredWith(row.written)
	}
	var pairs []*pair
	for nth, q := range named {
		p := &pair{name: pairName(l.Def(), q)}
		if p.note, err = l.scans(ctx, asked[0][nth]); err != nil {
			if errs.Reason(err) == "ORDER_BY_INVALID" {
				continue // the leading column of an index that only filters use
			}
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		for range listRounds {
			for i := range asked {
				at := time.Now()
				if err := l.rpc.call(ctx, l.conn, asked[i][nth]); err != nil {
					return nil, fmt.Errorf("%s: %w", p.name, err)
				}
				p.took = append(p.took, time.Since(at))
			}
		}
		p.took = p.took[len(asked):] // the first round is the warm-up
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// pairName is the same at every size.
func pairName(d postgres.Def, q postgres.Query) string {
	name := d.Name
	if q.Filter != "" {
		name += " where " + q.Filter
	}
	if q.OrderBy != "" {
		name += " by " + q.OrderBy
	}
	return name
}

// sampled is a row of a table, by its columns.
type sampled map[string]any

// samples answers some rows of a big table; none of a small one.
func (l *lister) samples(ctx context.Context) ([]sampled, error) {
	table := pgx.Identifier{l.Def().Name}.Sanitize()
	rows, err := l.rowsOf(ctx, table)
	if err != nil || rows < bigTable {
		return nil, err
	}
	share := min(100, 100*3*listSamples/rows)
	found, err := l.admin.Query(ctx, fmt.Sprintf("SELECT to_jsonb(t) FROM %s t TABLESAMPLE SYSTEM (%f) WHERE tenant = $1 LIMIT %d", table, share, listSamples), l.tenant)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (sampled, error) {
		var raw []byte
		if err := row.Scan(&raw); err != nil {
			return nil, err
		}
		var s sampled
		numbers := json.NewDecoder(strings.NewReader(string(raw)))
		numbers.UseNumber()
		return s, numbers.Decode(&s)
	})
}

// rowsOf answers about how many rows a table has, by the planner's statistics.
func (l *lister) rowsOf(ctx context.Context, table string) (rows float64, err error) {
	return rows, l.admin.QueryRow(ctx, "SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = $1::text::regclass", table).Scan(&rows)
}

// written writes a row's value of a field as a filter does; "" where it has none
// that can be asked for.
func (s sampled) written(f postgres.Field) string {
	column := f.Column
	if column == "" {
		column = f.Path
	}
	switch v := s[column].(type) {
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		if f.Type == postgres.Enum {
			return enumName(f, v)
		}
		return v.String()
	case string:
		if f.Type == postgres.UUID {
			return v
		}
		return strconv.Quote(v)
	}
	return ""
}

func enumName(f postgres.Field, number json.Number) string {
	for _, name := range slices.Sorted(maps.Keys(f.Values)) {
		if strconv.Itoa(int(f.Values[name])) == number.String() {
			return name
		}
	}
	return ""
}

// scans says which big table the planner reads whole for a list, as role app; ""
// where it reads none.
func (l *lister) scans(ctx context.Context, q postgres.Query) (string, error) {
	q.PageSize = listPage
	plan, err := l.Explain(ctx, l.db, l.tenant, q)
	if err != nil {
		return "", err
	}
	_, scan, found := strings.Cut(plan, "Seq Scan on ")
	if !found {
		return "", nil
	}
	table, _, _ := strings.Cut(scan, " ")
	if rows, err := l.rowsOf(ctx, table); err != nil || rows < scannedTable {
		return "", err
	}
	return "reads " + table + " whole", nil
}
