package bulk

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/ahead"
	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
)

// poll is how often is looked for imports that another process was told of, or left
// when it ended.
const poll = 2 * time.Second

// errMoved says that the import is no longer where this worker left it: another
// one goes on with it, or a caller stopped it.
var errMoved = errors.New("bulk: the import has moved on without this worker")

func (e *Engine) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run works on imports until ctx ends. Several replicas may run: a step that two
// of them do counts once.
func (e *Engine) Run(ctx context.Context) error {
	for {
		worked, err := e.one(ctx)
		if err != nil {
			return err
		}
		if worked {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
		case <-time.After(poll):
		}
	}
}

// one works on the import that waited longest, and tells whether there was one.
func (e *Engine) one(ctx context.Context) (bool, error) {
	row, err := scanEntry(e.DB.System.QueryRow(ctx, `
		SELECT `+entryColumns+` FROM import WHERE state IN (2, 6) ORDER BY update_time LIMIT 1`))
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, postgres.SQLError(err)
	}
	ctx = auth.WithScope(auth.With(ctx, row.caller), row.scope)
	info := call.Info{Method: "/" + e.Collection, Correlation: row.id.String(), ValidateOnly: row.spec.GetDryRun()}
	work := e.run
	if row.state == bulkv1.ImportState_IMPORT_STATE_UNDOING {
		work, info.Causation, info.ValidateOnly = e.undo, undoing(row.id), false
	}
	ctx = call.With(ctx, info)
	err = work(ctx, row)
	switch {
	case err == nil, errors.Is(err, errMoved):
		return true, nil
	case ctx.Err() != nil:
		return false, nil
	case transient(err):
		return false, err
	}
	e.Logger.Error("import stopped", "import", row.id, "cause", err.Error())
	return true, e.stop(ctx, row, err)
}

// transient tells whether the same step may go well later.
func transient(err error) bool {
	switch errs.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded:
		return true
	}
	return false
}

// run works a file through from where it stopped.
func (e *Engine) run(ctx context.Context, row *entry) error {
	kind, err := e.kind(row.spec.GetKind())
	if err != nil {
		return err
	}
	content := e.file(ctx, row.caller.Tenant, row.id, row.size)
	reader, err := sheet.NewReader(content, options(row.spec))
	if err != nil {
		return err
	}
	job := &Job{Tenant: row.caller.Tenant, Import: e.message(row), id: row.id}
	rows := &source{next: reader.Next, columns: row.spec.GetColumns(), done: row.doneLine, together: kind.Together}
	read := func() int64 { return min(content.Done(), row.size) }
	err = ahead.Use(ctx, func(ctx context.Context, hand func(readStep) error) error {
		if kind.Parse != nil {
			rows.parse = func(r Row) any { return kind.Parse(ctx, job, r) }
		}
		return rows.steps(read, hand)
	}, func(next readStep) error {
		if err := e.step(ctx, kind, job, row, next.step, next.read); err != nil {
			return err
		}
		return failpoint.Hit(failpoint.ImportAfterStep)
	})
	if err != nil {
		return err
	}
	return e.finish(ctx, row, bulkv1.ImportState_IMPORT_STATE_DONE)
}

// step prepares the rows and takes them.
func (e *Engine) step(ctx context.Context, kind Kind, job *Job, row *entry, s step, read int64) error {
	if kind.Prepare != nil && len(s.rows) > 0 {
		if err := kind.Prepare(ctx, job, s.rows); err != nil {
			return err
		}
	}
	return e.take(ctx, kind, job, row, s, read)
}

// take brings in the rows of a step, together or, where one of them is refused,
// in halves: in the end only rows that are refused by themselves have failed.
func (e *Engine) take(ctx context.Context, kind Kind, job *Job, row *entry, s step, read int64) error {
	err := e.try(ctx, kind, job, row, s, read)
	if !refused(err) || len(s.rows) == 0 {
		return err
	}
	first, second, ok := s.halves(kind.Together)
	if !ok {
		return e.try(ctx, kind, job, row, s.failed(err), read)
	}
	if err := e.take(ctx, kind, job, row, first, read); err != nil {
		return err
	}
	return e.take(ctx, kind, job, row, second, read)
}

// refused tells whether what a step brings is at fault.
func refused(err error) bool {
	switch errs.Code(err) {
	case codes.InvalidArgument, codes.AlreadyExists, codes.NotFound, codes.FailedPrecondition, codes.OutOfRange:
		return true
	}
	return false
}

// try brings in the rows and writes the report, in one transaction. A trial's
// report is written after its rows were taken back.
func (e *Engine) try(ctx context.Context, kind Kind, job *Job, row *entry, s step, read int64) error {
	outcomes := s.outcomes
	report := func(u *record.Unit) { u.Queue(func(b *pgx.Batch) { e.queueReport(b, row, s.line, read, outcomes) }) }
	_, err := record.Write(ctx, e.DB, e.Log, job.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		outcomes, job.tried = s.outcomes, nil
		if err := e.claim(u, row); err != nil {
			return nil, err
		}
		if len(s.rows) > 0 {
			more, err := kind.Step(ctx, u, job, s.rows)
			if err != nil {
				return nil, err
			}
			outcomes = append(outcomes[:len(outcomes):len(outcomes)], more...)
		}
		if !job.DryRun() {
			report(u)
		}
		return &emptypb.Empty{}, nil
	})
	if err == nil && job.DryRun() {
		for i := range outcomes {
			outcomes[i].Resource = "" // what a trial made is gone
		}
		info := call.From(ctx)
		info.ValidateOnly = false
		_, err = record.Write(call.With(ctx, info), e.DB, e.Log, job.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
			report(u)
			u.Queue(job.queueTried)
			return &emptypb.Empty{}, nil
		})
	}
	if err != nil {
		return err
	}
	row.doneLine = s.line
	return nil
}

// claim locks the import, so that another replica that is at the same step waits,
// and then finds that it has moved on.
func (e *Engine) claim(u *record.Unit, row *entry) error {
	here := false
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`SELECT done_line = $3 AND state = 2 FROM import WHERE tenant = $1 AND id = $2 FOR UPDATE`, row.caller.Tenant, row.id, row.doneLine).
			QueryRow(func(found pgx.Row) error { return found.Scan(&here) })
	})
	if err == nil && !here {
		return errMoved
	}
	return err
}

// queueReport queues the progress, guarded by where the import stood, and the
// outcome of each row.
func (e *Engine) queueReport(b *pgx.Batch, row *entry, line, read int64, outcomes []Outcome) {
	n := map[bulkv1.ImportOutcome]int64{}
	var lines []int64
	var whats []int16
	var resources, reasons, messages []string
	for _, o := range outcomes {
		n[o.What]++
		lines, whats = append(lines, int64(o.Line)), append(whats, int16(o.What))
		resources, reasons, messages = append(resources, o.Resource), append(reasons, o.Reason), append(messages, o.Message)
	}
	b.Queue(`
		UPDATE import SET done_line = $4, done_bytes = $5, rows = rows + $6, created = created + $7, updated = updated + $8,
			skipped = skipped + $9, failed = failed + $10, update_time = $11
		WHERE tenant = $1 AND id = $2 AND done_line = $3 AND state = 2`,
		row.caller.Tenant, row.id, row.doneLine, line, read, int64(len(outcomes)),
		n[bulkv1.ImportOutcome_IMPORT_OUTCOME_CREATED], n[bulkv1.ImportOutcome_IMPORT_OUTCOME_UPDATED],
		n[bulkv1.ImportOutcome_IMPORT_OUTCOME_SKIPPED], n[bulkv1.ImportOutcome_IMPORT_OUTCOME_FAILED], e.Now().UTC(),
	).Exec(mustMove)
	b.Queue(`
		INSERT INTO import_row (tenant, import, line, outcome, resource, reason, message)
		SELECT $1, $2, * FROM unnest($3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[])`,
		row.caller.Tenant, row.id, lines, whats, resources, reasons, messages)
}

// mustMove refuses an update that met no row.
func mustMove(tag pgconn.CommandTag) error {
	if tag.RowsAffected() == 0 {
		return errMoved
	}
	return nil
}

// finish ends an import.
func (e *Engine) finish(ctx context.Context, row *entry, state bulkv1.ImportState) error {
	b := &pgx.Batch{}
	postgres.QueueTenant(b, row.caller.Tenant)
	b.Queue(`
		UPDATE import SET state = $3, done_bytes = size_bytes, update_time = $4, end_time = $4
		WHERE tenant = $1 AND id = $2 AND state = $5`,
		row.caller.Tenant, row.id, int16(state), e.Now().UTC(), int16(row.state)).Exec(mustMove)
	b.Queue("DELETE FROM import_trial WHERE tenant = $1 AND import = $2", row.caller.Tenant, row.id)
	return postgres.Run(ctx, e.DB, b)
}

// stop ends an import that cannot go on, and keeps why.
func (e *Engine) stop(ctx context.Context, row *entry, cause error) error {
	why := "internal error; the log of the service says more"
	if reason := errs.Reason(cause); reason != "" {
		why = reason
	}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, row.caller.Tenant)
	b.Queue(`UPDATE import SET state = $3, error = $4, update_time = $5, end_time = $5 WHERE tenant = $1 AND id = $2`,
		row.caller.Tenant, row.id, int16(bulkv1.ImportState_IMPORT_STATE_FAILED), why, e.Now().UTC())
	return postgres.Run(ctx, e.DB, b)
}
