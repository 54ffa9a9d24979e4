package eventlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// errFenced says that another relay leads.
var errFenced = errors.New("eventlog: another relay has taken the lead")

// planOnce keeps PostgreSQL from planning a statement with an array anew each time, in
// the hope of less than ten elements. Of a step that was most of the cost.
const planOnce = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`

// fence locks the epoch for the transaction: a new leader waits for it, and an
// old one finds no row.
const fence = `SELECT epoch FROM relay_epoch WHERE epoch = $1 FOR SHARE`

// Each statement below names the epoch again, because the statements of a batch
// run whatever the fence answered.

const markPublished = `
UPDATE partition_head h
SET published = m.published
FROM unnest($2::smallint[], $3::bigint[]) AS m (partition, published)
WHERE h.partition = m.partition
  AND h.published < m.published
  AND EXISTS (SELECT FROM relay_epoch WHERE epoch = $1)`

// giveSeqs moves rows from the outbox into the order. What one statement sees of
// the outbox holds, for each event, all earlier events of its aggregate that are
// not in the order already.
//
// The rows to take are those up to a position, and not those that are in a list: an
// outbox is mostly empty when the planner counts it, and a join of it with itself, made
// for no rows, has taken sixteen seconds for a thousand of twenty thousand.
const giveSeqs = `
WITH taken AS (
	DELETE FROM outbox
	WHERE position <= (SELECT max(position) FROM (SELECT position FROM outbox ORDER BY position LIMIT $2) AS next)
	  AND EXISTS (SELECT FROM relay_epoch WHERE epoch = $1)
	RETURNING position, recorded_at, partition
), ordered AS (
	INSERT INTO event_order (partition, seq, position, recorded_at)
	SELECT t.partition,
	       h.seq + row_number() OVER (PARTITION BY t.partition ORDER BY t.position),
	       t.position,
	       t.recorded_at
	FROM taken t
	JOIN partition_head h ON h.partition = t.partition
	RETURNING partition, seq
), heads AS (
	UPDATE partition_head h
	SET seq = o.seq
	FROM (SELECT partition, max(seq) AS seq FROM ordered GROUP BY partition) o
	WHERE h.partition = o.partition
)
SELECT count(*) FROM taken`

// readUnpublished reads the next events of the partitions that have some, after those
// that are being published ($3, $4); $1 turns the order of the partitions, so that a
// busy one does not hold up the others for ever.
const readUnpublished = `
SELECT o.partition, o.seq, h.sent, l.event
FROM (
	SELECT p.partition, greatest(p.published, f.seq) AS sent
	FROM partition_head p
	LEFT JOIN unnest($3::smallint[], $4::bigint[]) AS f (partition, seq) ON f.partition = p.partition
	WHERE greatest(p.published, f.seq) < p.seq
	ORDER BY (p.partition + $1::int) % 16
) h
CROSS JOIN LATERAL (
	SELECT partition, seq, position, recorded_at
	FROM event_order
	WHERE partition = h.partition AND seq > h.sent
	ORDER BY seq
	LIMIT $2
) o
CROSS JOIN LATERAL (
	SELECT event
	FROM event_log
	WHERE position = o.position AND recorded_at = o.recorded_at
	LIMIT 1
) l
LIMIT $2`

// marks are the last seqs that the broker has acknowledged: partition to seq.
type marks map[int16]int64

func marksOf(entries []entry) marks {
	m := make(marks, 16)
	for _, e := range entries {
		m[e.partition] = e.seq
	}
	return m
}

// work is what a step found.
type work struct {
	// given is how many events got their seqs.
	given int64
	// entries are to be published next.
	entries []entry
	// more is set when the step ended at a limit.
	more bool
}

// step is one transaction and one round trip: it notes what was published, gives
// seqs to what is in the outbox, and answers what is to be published after that which
// is in flight, at most limit events. It answers errFenced when another relay leads.
func (r *Relay) step(ctx context.Context, epoch int64, published, inFlight marks, limit int) (work, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	var (
		found, given int64
		entries      []entry
		b            pgx.Batch
	)
	b.Queue(planOnce)
	b.Queue(fence, epoch).QueryRow(func(row pgx.Row) error { return row.Scan(&found) })
	if len(published) > 0 {
		partitions, seqs := published.columns()
		b.Queue(markPublished, epoch, partitions, seqs)
	}
	b.Queue(giveSeqs, epoch, batchEvents).QueryRow(func(row pgx.Row) error { return row.Scan(&given) })
	partitions, seqs := inFlight.columns()
	b.Queue(readUnpublished, r.turn.Add(1)%16, limit, partitions, seqs).Query(func(rows pgx.Rows) (err error) {
		entries, err = scanEntries(rows)
		return err
	})
	err := r.DB.SendBatch(ctx, &b).Close()
	switch {
	case found == 0 && (err == nil || errors.Is(err, pgx.ErrNoRows)):
		return work{}, errFenced
	case err != nil:
		return work{}, fmt.Errorf("eventlog: sequencing: %w", err)
	}
	return work{given: given, entries: entries, more: given == batchEvents || full(entries)}, nil
}

func (m marks) columns() (partitions []int16, seqs []int64) {
	for partition, seq := range m {
		partitions = append(partitions, partition)
		seqs = append(seqs, seq)
	}
	return partitions, seqs
}

// full reports whether a step ended at a limit, so that there may be more.
func full(entries []entry) bool {
	size := 0
	for _, e := range entries {
		size += len(e.body)
	}
	return len(entries) == batchEvents || size >= batchBytes
}

// scanEntries reads about batchBytes of events, and checks that each partition
// continues without a gap where those sent before ended.
func scanEntries(rows pgx.Rows) ([]entry, error) {
	var entries []entry
	last := marks{}
	size := 0
	for rows.Next() && size < batchBytes {
		var e entry
		var sent int64
		if err := rows.Scan(&e.partition, &e.seq, &sent, &e.body); err != nil {
			return nil, err
		}
		if _, seen := last[e.partition]; !seen {
			last[e.partition] = sent
		}
		if e.seq != last[e.partition]+1 {
			return nil, fmt.Errorf("eventlog: partition %d goes on at %d after %d", e.partition, e.seq, last[e.partition])
		}
		last[e.partition] = e.seq
		size += len(e.body)
		entries = append(entries, e)
	}
	rows.Close()
	return entries, rows.Err()
}

// pending reports whether a step would find work. Unlike a step it writes
// nothing.
func (r *Relay) pending(ctx context.Context) (bool, error) {
	var work bool
	err := r.DB.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM outbox)
		    OR EXISTS (SELECT FROM partition_head WHERE published < seq)`).Scan(&work)
	return work, err
}
