package seed

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/pgserver"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// filler copies the groups into all databases.
type filler struct {
	db      *cluster
	tokens  *tokens
	keys    *sealer
	wrapper *kek.Wrapper
	order   *order
	batches []*batch
	end     *batch
	tables  map[string][]*table
	tell    func(string)
	// alone copies no more than the tables of contacts.
	alone bool

	rows    atomic.Int64
	telling sync.Mutex
}

func copyGroups(ctx context.Context, h *home.Home, server *pgserver.Server, tmpl *template, o Options) (*Result, error) {
	db, err := connectAll(ctx, server.URL)
	if err != nil {
		return nil, err
	}
	defer db.close()
	f := &filler{db: db, tokens: tmpl.tokens, tables: map[string][]*table{}, tell: o.Progress, alone: o.Alone}
	if err := f.prepare(ctx, h, tmpl, groupsFor(o.Contacts, o.Shape)); err != nil {
		return nil, fmt.Errorf("reading the groups: %w", err)
	}
	group, copying := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, name := range f.databases() {
		group.Go(func() error {
			if err := f.fill(copying, name); err != nil {
				return fmt.Errorf("filling %s: %w", name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	result := &Result{Contacts: 2*groupSize + f.copies()*groupSize, Rows: f.rows.Load()}
	if f.alone {
		return result, nil
	}
	if err := f.setCursors(ctx); err != nil {
		return nil, err
	}
	f.tell("writing to the disk")
	for area := range f.order.areas {
		result.Events += f.end.positions[area]
	}
	return result, nil
}

// databases are those that are copied into.
func (f *filler) databases() []string {
	if f.alone {
		return []string{fleet.Database("contact")}
	}
	return append(f.db.names, fleet.Keys)
}

// ofContacts are the tables of contacts and of what is listed with each of them.
var ofContacts = []string{"contact", "map_entry", "contact_lifecycle", "contact_quality"}

// syncDisk makes what the database wrote without waiting for the disk durable.
func syncDisk() error {
	syscall.Sync()
	return nil
}

func (f *filler) copies() int {
	n := 0
	for _, b := range f.batches {
		n += len(b.copies)
	}
	return n
}

// prepare reads the groups and lays out the copies.
func (f *filler) prepare(ctx context.Context, h *home.Home, tmpl *template, g groups) error {
	secret, err := h.Secret("keys_kek", 32)
	if err != nil {
		return err
	}
	if f.wrapper, err = kek.Parse([]byte(hex.EncodeToString(secret))); err != nil {
		return err
	}
	if f.keys, err = readKeys(ctx, f.db.of(fleet.Database("contact")), f.db.of(fleet.Keys), f.tokens, f.wrapper); err != nil {
		return err
	}
	if f.order, err = readOrder(ctx, f.db, f.tokens); err != nil {
		return err
	}
	if err := f.layOut(ctx, g); err != nil {
		return err
	}
	return f.cut(ctx, tmpl.times)
}

func (f *filler) layOut(ctx context.Context, g groups) error {
	heads := make([][partitions]int64, len(f.order.areas))
	positions := make([]int64, len(f.order.areas))
	for area, name := range f.order.areas {
		conn := f.db.of(fleet.Database(name))
		if err := conn.QueryRow(ctx, "SELECT last_value FROM event_position").Scan(&positions[area]); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, "SELECT partition, seq FROM partition_head")
		if err != nil {
			return err
		}
		var partition int
		var seq int64
		if _, err := pgx.ForEachRow(rows, []any{&partition, &seq}, func() error {
			heads[area][partition] = seq
			return nil
		}); err != nil {
			return err
		}
	}
	var arrival int64
	if err := f.db.of(fleet.Database("analytics")).QueryRow(ctx, "SELECT last_value + 1 FROM event_arrival").Scan(&arrival); err != nil {
		return err
	}
	f.batches, f.end = plan(g, f.order, heads, positions, arrival)
	return nil
}

// cut makes the stencils of all tables: first all instants are collected, then
// they are looked for.
func (f *filler) cut(ctx context.Context, times seconds) error {
	tuples := map[*table][][]byte{}
	for _, name := range f.db.names {
		tables, err := readTables(ctx, f.db.of(name))
		if err != nil {
			return err
		}
		f.tables[name] = tables
		if f.alone {
			tables = slices.DeleteFunc(tables, func(t *table) bool { return !slices.Contains(ofContacts, t.name) })
			f.tables[name] = tables
		}
		for _, t := range tables {
			if tuples[t], err = readTuples(ctx, f.db.of(name), t.inOrder()); err != nil {
				return err
			}
			if err := t.noteTimes(tuples[t], times); err != nil {
				return err
			}
		}
	}
	for area, name := range f.order.areas {
		c := &cutter{tokens: f.tokens, times: times, order: f.order, keys: f.keys, area: area}
		for _, t := range f.tables[fleet.Database(name)] {
			if err := c.cut(t, tuples[t]); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill copies all groups into one database.
func (f *filler) fill(ctx context.Context, database string) error {
	conn := f.db.of(database)
	if database == fleet.Keys {
		return f.fillKeys(ctx, conn)
	}
	// Neither triggers nor foreign keys: what they make is copied like the rest.
	if _, err := conn.Exec(ctx, "SET session_replication_role = replica"); err != nil {
		return err
	}
	if err := makeMonths(ctx, conn); err != nil {
		return err
	}
	restore, err := dropIndexes(ctx, conn, f.tables[database])
	if err != nil {
		return err
	}
	last := time.Now()
	for i, planned := range f.batches {
		b := planned.prepared(f.tokens)
		for _, t := range f.tables[database] {
			if err := f.copyTable(ctx, conn, t, b); err != nil {
				return err
			}
		}
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			f.say(fmt.Sprintf("%s: %d of %d batches", database, i+1, len(f.batches)))
		}
	}
	if len(f.batches) > 1 {
		f.say(database + ": indexes and statistics")
	}
	for _, statement := range append(restore, "VACUUM (ANALYZE)") {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return f.setHeads(ctx, database)
}

func (f *filler) say(line string) {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.tell(line)
}

func (f *filler) copyTable(ctx context.Context, conn *pgx.Conn, t *table, b *batch) error {
	stencils := t.stencils[b.group]
	if len(stencils) == 0 {
		return nil
	}
	p := &pen{tokens: f.tokens, batch: b, keys: f.keys}
	n, err := writeTuples(ctx, conn.PgConn(), pgx.Identifier{t.name}.Sanitize(), func(w io.Writer) error {
		for _, s := range stencils {
			for nth := range b.copies {
				if _, err := w.Write(p.write(s, nth)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	f.rows.Add(n)
	return err
}

// fillKeys makes the keys of all contacts of all copies.
func (f *filler) fillKeys(ctx context.Context, conn *pgx.Conn) error {
	for _, planned := range f.batches {
		b := planned.prepared(f.tokens)
		var rows [][]any
		for contact, key := range f.keys.keyOf {
			if f.tokens.list[contact].group != b.group {
				continue
			}
			for nth := range b.copies {
				id := b.id(f.tokens, key, nth)
				rows = append(rows, []any{id, f.wrapper.Current(), f.wrapper.Wrap(id, f.keys.secretOf(id))})
			}
		}
		n, err := conn.CopyFrom(ctx, pgx.Identifier{"contact_key"}, []string{"id", "kek", "wrapped"}, pgx.CopyFromRows(rows))
		if err != nil {
			return err
		}
		f.rows.Add(n)
	}
	_, err := conn.Exec(ctx, "VACUUM (ANALYZE)")
	return err
}
