package eventlog

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const (
	// applyTimeout bounds one transaction of a projection.
	applyTimeout = time.Minute
	// hungTransaction is the silence after which PostgreSQL ends a transaction
	// that holds the cursors, in milliseconds: its process hangs, and another
	// replica is to take over.
	hungTransaction = "4000"
)

// makeCursors makes the cursors of a projection that runs for the first time.
func (s *session) makeCursors(ctx context.Context) error {
	_, err := s.DB.Exec(ctx, `
		INSERT INTO projection_cursor (projection, area, partition)
		SELECT $1, area, partition FROM unnest($2::text[]) AS area, generate_series(0, 15) AS partition
		ON CONFLICT DO NOTHING`, s.Name, s.Areas)
	if err != nil {
		return fmt.Errorf("eventlog: projection %s: %w", s.Name, err)
	}
	return s.loadCursors(ctx)
}

func (s *session) loadCursors(ctx context.Context) error {
	rows, err := s.DB.Query(ctx, "SELECT area, partition, seq FROM projection_cursor WHERE projection = $1", s.Name)
	if err != nil {
		return fmt.Errorf("eventlog: projection %s: %w", s.Name, err)
	}
	s.cursors = map[slot]int64{}
	if err := scanCursors(rows, s.cursors); err != nil {
		return err
	}
	s.progress.note(s.cursors, !s.standby)
	return nil
}

func scanCursors(rows pgx.Rows, into map[slot]int64) error {
	var at slot
	var seq int64
	_, err := pgx.ForEachRow(rows, []any{&at.area, &at.partition, &seq}, func() error {
		into[at] = seq
		return nil
	})
	return err
}

// item is an event as it was received and as it is applied.
type item struct {
	event *eventv1.Event
	open  *eventv1.Event
	// spoilt is why it cannot even be opened.
	spoilt error
}

// apply applies events that continue the cursors, in one transaction. It tries
// again for as long as the database is the cause of a failure, and parks what
// fails for a cause of its own.
func (s *session) apply(ctx context.Context, events []*eventv1.Event) error {
	if len(events) == 0 {
		return nil
	}
	items, err := s.open(ctx, events)
	if err != nil {
		return err
	}
	if err := s.at(failpoint.ProjectionBeforeApply); err != nil {
		return err
	}
	a := &attempt{session: s, items: items}
	for pause := (backoff{}); ; pause.wait(ctx) {
		err := a.run(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if transient(err) {
			s.Logger.WarnContext(ctx, "the projection cannot write now", "projection", s.Name, "error", err)
			continue
		}
		if a.careful {
			return err
		}
		a.careful = true
	}
	return s.at(failpoint.ProjectionAfterCommit)
}

// open unseals the events. An error is one of the store of keys.
func (s *session) open(ctx context.Context, events []*eventv1.Event) ([]item, error) {
	items := make([]item, len(events))
	for _, e := range events {
		Forget(s.Keys, e)
	}
	if s.Personal != Unread {
		if err := FetchKeys(ctx, s.Keys, events); err != nil {
			return nil, err
		}
	}
	for i, e := range events {
		items[i] = item{event: e, open: e}
		if s.Personal != Unsealed || e.GetSealed() == nil {
			continue
		}
		items[i].open = proto.CloneOf(e)
		var altered *alteredError
		err := Unseal(ctx, s.Keys, items[i].open)
		if errors.As(err, &altered) {
			items[i].spoilt = err
		} else if err != nil {
			return nil, err
		}
	}
	return items, nil
}

// attempt is one batch on its way into the database.
type attempt struct {
	*session
	items []item
	// careful is set when the batch as a whole has failed: poison is then looked
	// for.
	careful bool

	// What one run of the transaction found and decided.
	locked  map[slot]int64
	blocked map[parkingKey]bool
	parked  []parking
}

// run is one transaction: it locks the cursors, drops what they cover, applies
// the rest and sets the cursors.
func (a *attempt) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	conn, err := a.DB.Acquire(ctx)
	if err != nil {
		return &unreachableError{err}
	}
	defer conn.Release()
	err = a.transact(ctx, conn.Conn())
	if err != nil && conn.Conn().IsClosed() {
		return &unreachableError{err}
	}
	return err
}

func (a *attempt) transact(ctx context.Context, conn *pgx.Conn) error {
	tx, err := a.begin(ctx, conn)
	if tx != nil {
		defer rollback(ctx, conn, tx)
	}
	if err != nil {
		return err
	}
	items, lost := a.remaining()
	if lost {
		a.standby = true
	}
	if len(items) == 0 {
		a.cursorsAre(a.locked)
		a.progress.note(a.cursors, !a.standby)
		return nil
	}
	a.parked = nil
	if err := a.applyItems(ctx, tx, items); err != nil {
		return err
	}
	if err := a.erase(ctx, tx, items); err != nil {
		return err
	}
	if err := a.at(failpoint.ProjectionBeforeCommit); err != nil {
		return err
	}
	if err := a.commit(ctx, tx, items); err != nil {
		return err
	}
	if !lost {
		a.standby = false
	}
	a.progress.note(a.cursors, !a.standby)
	a.checkAggregates(ctx, items)
	a.report(ctx, items)
	return nil
}

// rollback ends a transaction that was not committed.
func rollback(ctx context.Context, conn *pgx.Conn, tx pgx.Tx) {
	if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // a connection that cannot roll back is closed by pgx
	}
}

// begin opens the transaction and locks the cursors, in one round trip.
func (a *attempt) begin(ctx context.Context, conn *pgx.Conn) (pgx.Tx, error) {
	areas, partitions := a.slots()
	a.locked, a.blocked = map[slot]int64{}, map[parkingKey]bool{}
	var b pgx.Batch
	b.BeginTx(pgx.TxOptions{})
	b.Queue("SELECT set_config('idle_in_transaction_session_timeout', $1, true)", hungTransaction)
	b.Queue(planOnce)
	b.Queue(`
		SELECT c.area, c.partition, c.seq
		FROM projection_cursor c
		JOIN unnest($2::text[], $3::smallint[]) AS s (area, partition) USING (area, partition)
		WHERE c.projection = $1
		ORDER BY c.area, c.partition
		FOR UPDATE OF c`, a.Name, areas, partitions).Query(func(rows pgx.Rows) error {
		return scanCursors(rows, a.locked)
	})
	b.Queue(`
		SELECT DISTINCT area, partition, tenant, key
		FROM parked_event
		JOIN unnest($2::text[], $3::smallint[]) AS s (area, partition) USING (area, partition)
		WHERE projection = $1`, a.Name, areas, partitions).Query(func(rows pgx.Rows) error {
		return scanKeys(rows, a.blocked)
	})
	results := conn.SendBatch(ctx, &b)
	return results.Tx(), results.Close()
}

// slots are the partitions of the batch, as columns.
func (a *attempt) slots() (areas []string, partitions []int16) {
	seen := map[slot]bool{}
	for _, i := range a.items {
		if at := slotOf(i.event); !seen[at] {
			seen[at] = true
			areas, partitions = append(areas, at.area), append(partitions, at.partition)
		}
	}
	return areas, partitions
}

// remaining answers the items that continue the locked cursors, and whether
// another runner has applied some of the batch.
func (a *attempt) remaining() (items []item, lost bool) {
	next := make(map[slot]int64, len(a.locked))
	for at, seq := range a.locked {
		next[at] = seq + 1
		lost = lost || seq > a.cursors[at]
	}
	for _, i := range a.items {
		at := slotOf(i.event)
		if i.event.GetPosition() == next[at] {
			items = append(items, i)
			next[at]++
		}
	}
	return items, lost
}

// applyItems applies the items, less those that wait behind a parked event.
func (a *attempt) applyItems(ctx context.Context, tx pgx.Tx, items []item) error {
	if a.careful || len(a.blocked) > 0 || hasSpoilt(items) {
		return a.sift(ctx, tx, items)
	}
	return a.call(ctx, tx, items)
}

// call runs the projection, and makes an error of a panic.
func (a *attempt) call(ctx context.Context, tx pgx.Tx, items []item) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.Logger.ErrorContext(ctx, "the projection panicked", "projection", a.Name, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	events := make([]*eventv1.Event, len(items))
	for i := range items {
		events[i] = items[i].open
	}
	return a.Apply(ctx, tx, events)
}

// commit sets the cursors, stores what is parked and commits, in one round trip.
func (a *attempt) commit(ctx context.Context, tx pgx.Tx, items []item) error {
	last := map[slot]*eventv1.Event{}
	for _, i := range items {
		last[slotOf(i.event)] = i.event
	}
	var (
		areas      []string
		partitions []int16
		seqs       []int64
		recorded   []time.Time
	)
	for at, e := range last {
		areas, partitions = append(areas, at.area), append(partitions, at.partition)
		seqs, recorded = append(seqs, e.GetPosition()), append(recorded, e.GetRecordedAt().AsTime())
	}
	var b pgx.Batch
	a.queueParked(&b)
	b.Queue(`
		UPDATE projection_cursor c
		SET seq = n.seq, recorded_at = n.recorded_at
		FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::timestamptz[]) AS n (area, partition, seq, recorded_at)
		WHERE c.projection = $1 AND c.area = n.area AND c.partition = n.partition`,
		a.Name, areas, partitions, seqs, recorded)
	b.Queue("COMMIT")
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return err
	}
	a.cursorsAre(a.locked)
	for at, e := range last {
		a.cursors[at] = e.GetPosition()
	}
	return nil
}

func (a *attempt) cursorsAre(seqs map[slot]int64) {
	for at, seq := range seqs {
		a.cursors[at] = seq
	}
}

// checkAggregates is a second net under the order of events, and costs little:
// within a batch an aggregate's numbers must rise by one. That they do not is a
// mistake of the producer, such as a change without the row's lock.
func (a *attempt) checkAggregates(ctx context.Context, items []item) {
	last := make(map[string]int64, len(items))
	for _, i := range items {
		e := i.event
		name := e.GetTenant() + "/" + e.GetAggregate()
		if before, seen := last[name]; seen && e.GetAggregateSeq() != before+1 {
			a.Logger.ErrorContext(ctx, "the events of an aggregate are out of order", "projection", a.Name,
				"area", e.GetArea(), "aggregate", e.GetAggregate(), "seq", e.GetAggregateSeq(), "after", before)
		}
		last[name] = e.GetAggregateSeq()
	}
}

// unreachableError says that the database could not be asked.
type unreachableError struct{ cause error }

// Error implements error.
func (e *unreachableError) Error() string { return "the database is unreachable: " + e.cause.Error() }

// Unwrap answers the cause.
func (e *unreachableError) Unwrap() error { return e.cause }

// transient reports whether an error may go away by itself: it says nothing
// about the events then.
func transient(err error) bool {
	var unreachable *unreachableError
	if errors.As(err, &unreachable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "40", "53", "57", "58":
			return true
		}
		return pg.Code == "55P03" || pg.Code == "25P03"
	}
	switch errs.Code(err) {
	case codes.Unavailable, codes.Aborted, codes.ResourceExhausted:
		return true
	}
	return false
}
