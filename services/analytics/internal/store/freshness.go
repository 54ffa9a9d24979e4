package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

// Applied answers the position up to which each area was applied, by area and
// partition, and how many events are parked.
func (s *Store) Applied(ctx context.Context) (positions map[string]map[int32]int64, parked int64, err error) {
	positions = map[string]map[int32]int64{}
	b := &pgx.Batch{}
	b.Queue("SELECT area, partition, seq FROM projection_cursor WHERE projection = $1", ProjectionName).Query(func(rows pgx.Rows) error {
		var area string
		var partition int32
		var position int64
		_, err := pgx.ForEachRow(rows, []any{&area, &partition, &position}, func() error {
			if positions[area] == nil {
				positions[area] = map[int32]int64{}
			}
			positions[area][partition] = position
			return nil
		})
		return err
	})
	b.Queue("SELECT count(*) FROM parked_event WHERE projection = $1", ProjectionName).QueryRow(func(row pgx.Row) error {
		return row.Scan(&parked)
	})
	return positions, parked, postgres.SQLError(s.db.System.SendBatch(ctx, b).Close())
}
