package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/jackc/pgx/v5"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/limit"
)

const (
	// rebuildMost is how many events a rebuild is measured with at most: some minutes.
	rebuildMost = 6_000_000
	// settleTimeout is how long the projections may take to catch up.
	settleTimeout = 2 * time.Minute
	eventsPoll    = 50 * time.Millisecond
)

// copyEvents answers how many rows of the log COPY writes in a second: those of the
// newest events of contact.
func (b *bench) copyEvents(ctx context.Context) (float64, error) {
	w, err := limit.Open(ctx, b.adminURL("postgres"), b.adminURL(contactDatabase), 1)
	if err != nil {
		return 0, err
	}
	rows, took, err := w.CopyEvents(ctx, b.adminURL(contactDatabase), b.bulkRows())
	w.Close()
	if dropped := limit.Drop(context.WithoutCancel(ctx), b.adminURL("postgres")); err == nil {
		err = dropped
	}
	return float64(rows) / took.Seconds(), err
}

// catchUp measures how fast a backlog of events goes through the relay and the broker
// into the views: an import records them while the relay is kept from its work. The
// target is of the views alone, as COPY writes one copy: beside them the events go to
// every other service that follows contact.
func catchUp(ctx context.Context, b *bench) (*Row, error) {
	var copies []float64
	var rounds []*round
	for range min(b.Rounds, importRounds) {
		r, err := b.drain(ctx)
		if err != nil {
			return nil, err
		}
		copied, err := b.copyEvents(ctx)
		if err != nil {
			return nil, fmt.Errorf("the limit, COPY: %w", err)
		}
		rounds = append(rounds, r)
		copies = append(copies, copied)
	}
	row := rowOfEvents(rounds)
	row.beside("COPY of the log rows", copies)
	own, err := b.viewsAlone(ctx)
	if err != nil {
		return nil, err
	}
	row.alone(own, "the other followers")
	return row.aim(fmt.Sprintf("catch-up of %d events through relay and broker into the views", b.bulkRows()), "alone: 0.08", "0.20", row.AloneRatio >= 0.08), nil
}

// viewsAlone measures the same while nobody but the views follows.
func (b *bench) viewsAlone(ctx context.Context) (*Row, error) {
	others, err := b.holdFollowers(ctx)
	if err != nil {
		return nil, err
	}
	var rounds []*round
	for range min(b.Rounds, importRounds) {
		r, err := b.drain(ctx)
		if err != nil {
			return nil, errors.Join(err, others.close(ctx))
		}
		rounds = append(rounds, r)
	}
	return rowOfEvents(rounds), others.release(ctx)
}

// rowOfEvents is rowOf rounds whose work is events, not calls.
func rowOfEvents(rounds []*round) *Row {
	row := rowOf(rounds)
	row.Unit, row.P50, row.P95, row.Work = "events/s", 0, 0, nil
	return row
}

// drain makes a backlog and answers how fast it went.
func (b *bench) drain(ctx context.Context) (*round, error) {
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	release, err := b.holdRelay(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := b.reach(ctx, numbered); err != nil { // of what was numbered meanwhile
		return nil, err
	}
	before, err := b.applied(ctx)
	if err != nil {
		return nil, err
	}
	if _, _, err := b.importFile(ctx, b.bulkRows()); err != nil {
		return nil, err
	}
	held, err := b.applied(ctx)
	if err != nil {
		return nil, err
	}
	if held != before {
		return nil, fmt.Errorf("%d events went through although the relay was held", held-before)
	}
	used, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	if err := release(); err != nil {
		return nil, err
	}
	took, err := b.awaitApplied(ctx, before, before+int64(b.bulkRows()))
	if err != nil {
		return nil, err
	}
	after, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	r := &round{rate: float64(b.bulkRows()) / took.Seconds()}
	r.cpu, r.work = after.since(used, "", b.bulkRows())
	return r, nil
}

// holdRelay keeps the relay of contact from its work, by a lock on the rows that it must
// change, until release is called: any number of times, with one effect. It keeps its
// lead, so that waking it costs a write no more than otherwise: kept from the row that
// it leads by, it would be called by a NOTIFY for each write.
func (b *bench) holdRelay(ctx context.Context) (release func() error, err error) {
	lock, err := b.admin[contactDatabase].Begin(ctx)
	if err != nil {
		return nil, err
	}
	release = func() error {
		err := lock.Rollback(context.WithoutCancel(ctx))
		if errors.Is(err, pgx.ErrTxClosed) {
			return nil
		}
		return err
	}
	if _, err := lock.Exec(ctx, "SELECT FROM partition_head FOR UPDATE"); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// applied is how many events of contact the views have.
func (b *bench) applied(ctx context.Context) (n int64, err error) {
	return n, b.admin[analyticsDatabase].QueryRow(ctx, "SELECT coalesce(sum(seq), 0)::bigint FROM projection_cursor WHERE area = 'contact'").Scan(&n)
}

// awaitApplied answers how long it takes from the first event after so many to the
// last: what the relay waits until it tries again is not in it.
func (b *bench) awaitApplied(ctx context.Context, before, until int64) (time.Duration, error) {
	asked := time.Now()
	var begun time.Time
	for {
		at := time.Now()
		n, err := b.applied(ctx)
		switch {
		case err != nil:
			return 0, err
		case n >= until:
			return time.Since(begun), nil
		case n == before:
			begun = at
		case time.Since(asked) > settleTimeout:
			return 0, fmt.Errorf("%d of %d events are in the views after %s", n-before, until-before, settleTimeout)
		}
		time.Sleep(eventsPoll)
	}
}

const (
	// numbered is how many events of contact the relay has numbered, written how many
	// there are.
	numbered = "SELECT sum(seq)::bigint FROM partition_head"
	written  = "SELECT (sum(seq) + (SELECT count(*) FROM outbox))::bigint FROM partition_head"
)

// settle waits until the views have every event of contact.
func (b *bench) settle(ctx context.Context) error { return b.reach(ctx, written) }

// reach waits until the views have as many events of contact as the statement answers.
func (b *bench) reach(ctx context.Context, statement string) error {
	for deadline := time.Now().Add(settleTimeout); ; time.Sleep(eventsPoll) {
		var head int64
		if err := b.admin[contactDatabase].QueryRow(ctx, statement).Scan(&head); err != nil {
			return err
		}
		n, err := b.applied(ctx)
		if err != nil || n >= head {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the views lack %d events after %s", head-n, settleTimeout)
		}
	}
}

// rebuild measures building all views anew from the log, where it is not too long.
func rebuild(ctx context.Context, b *bench) (*Row, error) {
	if err := b.settle(ctx); err != nil {
		return nil, err
	}
	var events int64
	if err := b.admin[analyticsDatabase].QueryRow(ctx, "SELECT coalesce(sum(seq), 0)::bigint FROM projection_cursor").Scan(&events); err != nil {
		return nil, err
	}
	if events > rebuildMost {
		return nil, fmt.Errorf("%d events would take long, and all of them are needed: it is measured up to %d", events, rebuildMost)
	}
	before, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	count, took, err := b.rebuild(ctx)
	if err != nil {
		return nil, err
	}
	after, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	row := &Row{Unit: "events/s", Figure: spread([]float64{float64(count) / took.Seconds()})}
	row.CPU, _ = after.since(before, "", int(count))
	var copies []float64
	for range min(b.Rounds, importRounds) {
		copied, err := b.copyEvents(ctx)
		if err != nil {
			return nil, fmt.Errorf("the limit, COPY: %w", err)
		}
		copies = append(copies, copied)
	}
	row.beside("COPY of the log rows", copies)
	return row.aim(fmt.Sprintf("rebuild of all views from a log of %d events", count), "0.20", "0.45", row.Ratio >= 0.20), nil
}

// rebuild builds the views anew and answers how many events were applied, in what
// time by the suite's own clock.
func (b *bench) rebuild(ctx context.Context) (events int64, took time.Duration, err error) {
	client := analyticsv1.NewEventStoreServiceClient(b.conn)
	began := time.Now()
	op, err := client.RebuildProjections(ctx, &analyticsv1.RebuildProjectionsRequest{})
	for err == nil && !op.GetDone() {
		time.Sleep(eventsPoll)
		op, err = client.GetRebuild(ctx, &analyticsv1.GetRebuildRequest{Name: op.GetName()})
	}
	if err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	var done analyticsv1.RebuildProjectionsResponse
	switch result := op.GetResult().(type) {
	case *longrunningpb.Operation_Response:
		err = result.Response.UnmarshalTo(&done)
	case *longrunningpb.Operation_Error:
		err = fmt.Errorf("the rebuild: %s", result.Error.GetMessage())
	}
	return done.GetEventCount(), took, err
}
