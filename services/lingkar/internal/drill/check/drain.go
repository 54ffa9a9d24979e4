package check

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/drill/cluster"
)

// Drain waits until every committed event has its place and was applied by every
// projection, and answers how long that took.
func Drain(ctx context.Context, c *cluster.Cluster, limit time.Duration) (time.Duration, error) {
	begun := time.Now()
	for {
		behind, err := lag(ctx, c)
		if err == nil && len(behind) == 0 {
			return time.Since(begun), nil
		}
		if time.Since(begun) > limit || ctx.Err() != nil {
			return time.Since(begun), fmt.Errorf("not drained after %s: %v %v", limit, behind, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// lag answers who is behind whom.
func lag(ctx context.Context, c *cluster.Cluster) ([]string, error) {
	var behind []string
	heads := map[string]map[int16]int64{}
	for _, area := range areas() {
		err := with(ctx, c, fleet.Database(area), func(conn *pgx.Conn) error {
			var waiting int64
			if err := conn.QueryRow(ctx, "SELECT count(*) FROM outbox").Scan(&waiting); err != nil {
				return err
			}
			if waiting > 0 {
				behind = append(behind, fmt.Sprintf("%s: %d events without a place", area, waiting))
			}
			heads[area] = map[int16]int64{}
			return headsOf(ctx, conn, heads[area])
		})
		if err != nil {
			return nil, err
		}
	}
	for _, area := range areas() {
		err := with(ctx, c, fleet.Database(area), func(conn *pgx.Conn) error {
			more, err := behindOf(ctx, conn, area, heads)
			behind = append(behind, more...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return behind, nil
}

func headsOf(ctx context.Context, conn *pgx.Conn, into map[int16]int64) error {
	rows, err := conn.Query(ctx, "SELECT partition, seq FROM partition_head")
	if err != nil {
		return err
	}
	var partition int16
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&partition, &seq}, func() error {
		into[partition] = seq
		return nil
	})
	return err
}

// behindOf answers the projections of a service that have not reached a head, or
// have gone past it.
func behindOf(ctx context.Context, conn *pgx.Conn, service string, heads map[string]map[int16]int64) ([]string, error) {
	rows, err := conn.Query(ctx, "SELECT projection, area, partition, seq FROM projection_cursor")
	if err != nil {
		return nil, err
	}
	var behind []string
	var projection, area string
	var partition int16
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&projection, &area, &partition, &seq}, func() error {
		if head := heads[area][partition]; head != seq {
			behind = append(behind, fmt.Sprintf("%s of %s: %s, partition %d at %d of %d", projection, service, area, partition, seq, head))
		}
		return nil
	})
	return behind, err
}
