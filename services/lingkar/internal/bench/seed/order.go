package seed

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

// order says where the events of the groups stand, by group.
type order struct {
	areas  []string
	places map[uuid.UUID]*place
	// byPosition finds the events of an area by the number in its log.
	byPosition []map[int64]grouped
	events     [2][]int
	spread     [2][][partitions]int
	arrivals   [2]int
}

// grouped is a place with the group of its event.
type grouped struct {
	*place
	group int
}

// readOrder reads in which order the events of the groups were recorded and
// stored.
func readOrder(ctx context.Context, db *cluster, t *tokens) (*order, error) {
	o := &order{places: map[uuid.UUID]*place{}}
	for area, d := range fleet.All() {
		o.areas = append(o.areas, d.Area)
		o.byPosition = append(o.byPosition, map[int64]grouped{})
		for g := range o.events {
			o.events[g] = append(o.events[g], 0)
			o.spread[g] = append(o.spread[g], [partitions]int{})
		}
		rows, err := db.of(fleet.Database(d.Area)).Query(ctx, "SELECT id, position, partition FROM event_log ORDER BY position")
		if err != nil {
			return nil, err
		}
		var id uuid.UUID
		var position int64
		var partition int
		_, err = pgx.ForEachRow(rows, []any{&id, &position, &partition}, func() error {
			g := t.groupOf(id)
			if g < 0 {
				return nil
			}
			p := &place{area: area, partition: partition, rank: o.events[g][area], partitionRank: o.spread[g][area][partition]}
			o.events[g][area]++
			o.spread[g][area][partition]++
			o.places[id] = p
			o.byPosition[area][position] = grouped{p, g}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return o, o.readArrivals(ctx, db, t)
}

func (o *order) readArrivals(ctx context.Context, db *cluster, t *tokens) error {
	rows, err := db.of(fleet.Database("analytics")).Query(ctx, "SELECT event_id FROM event_store ORDER BY arrival")
	if err != nil {
		return err
	}
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		if p := o.places[id]; p != nil {
			g := t.groupOf(id)
			p.arrival = o.arrivals[g]
			o.arrivals[g]++
		}
		return nil
	})
	return err
}
