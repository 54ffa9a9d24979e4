package store_test

import (
	"context"
	"io/fs"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/analytics/internal/store"
)

// open answers a store over a database of its own.
func open(t testing.TB, keys eventlog.Keys) (*store.Store, *postgres.DB) {
	t.Helper()
	definition := service.Definition{Name: "analytics", Migrations: store.Migrations}
	urls := testkit.Database(t, "analytics", func(ctx context.Context, ownerURL string) error {
		return service.Migrate(ctx, definition, ownerURL)
	}, []fs.FS{eventlog.Migrations, store.Migrations}...)
	db := testkit.Open(t, urls)
	return store.New(db, &eventlog.Log{Area: "analytics", Keys: keys, Now: time.Now}, slog.New(slog.DiscardHandler)), db
}

// apply stores events as the runner does: in transactions of a batch each, with
// the cursors.
func apply(t testing.TB, s *store.Store, db *postgres.DB, batch int, events []*eventv1.Event) {
	t.Helper()
	ctx := context.Background()
	for part := range slices.Chunk(events, batch) {
		err := pgx.BeginFunc(ctx, db.System, func(tx pgx.Tx) error {
			if err := s.Apply(ctx, tx, part); err != nil {
				return err
			}
			return setCursors(ctx, tx, part)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func setCursors(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	last := map[slot]int64{}
	for _, e := range events {
		last[slot{e.GetArea(), e.GetPartition()}] = e.GetPosition()
	}
	b := &pgx.Batch{}
	for at, position := range last {
		b.Queue(`
			INSERT INTO projection_cursor (projection, area, partition, seq) VALUES ($1, $2, $3, $4)
			ON CONFLICT (projection, area, partition) DO UPDATE SET seq = EXCLUDED.seq`,
			store.ProjectionName, at.area, at.partition, position)
	}
	return tx.SendBatch(ctx, b).Close()
}

// asOwner runs a statement that only the owner of the tables may.
func asOwner(t testing.TB, db *postgres.DB, sql string) {
	t.Helper()
	if _, err := testkit.Owner(t, "analytics", db).Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
