package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
)

const (
	// poll is how often what is due is looked for.
	poll = 500 * time.Millisecond
	// page is how many are looked for at a time, and crew how many fire at once.
	page = 200
	crew = 3
	// tries is how often one fails before it is parked; pause is the wait after the first
	// failure, twice as long after each further one.
	tries = 6
	pause = time.Second
	// errorBytes is the most of an error that is kept.
	errorBytes = 2000
)

// Runner fires the timers of a service. Every replica runs one.
type Runner struct {
	DB *postgres.DB
	// Now is the clock by which timers are due.
	Now func() time.Time
	// As answers the context in which the service works for a tenant.
	As func(ctx context.Context, tenant uuid.UUID) (context.Context, error)
	// Handlers are those of the kinds. A timer of another kind is left alone.
	Handlers map[string]Handler
	Logger   *slog.Logger

	woken chan struct{}
	once  sync.Once
}

func (r *Runner) signal() chan struct{} {
	r.once.Do(func() { r.woken = make(chan struct{}, 1) })
	return r.woken
}

// Wake has the runner look for what is due now. Call it after a commit that armed
// something for now; without, it is found at the next poll.
func (r *Runner) Wake() {
	select {
	case r.signal() <- struct{}{}:
	default:
	}
}

// Run fires what is due until the context ends.
func (r *Runner) Run(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		more, err := r.fire(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-r.signal():
		}
	}
}

// fire fires a page of what is due, and answers whether there may be more.
func (r *Runner) fire(ctx context.Context) (more bool, err error) {
	kinds := make([]string, 0, len(r.Handlers))
	for kind := range r.Handlers {
		kinds = append(kinds, kind)
	}
	rows, err := r.DB.System.Query(ctx, `
		SELECT tenant, kind, key, due_time, payload FROM timer
		WHERE NOT parked AND try_time <= $1 AND kind = ANY ($2)
		ORDER BY try_time LIMIT $3`, r.Now(), kinds, page)
	if err != nil {
		return false, postgres.SQLError(err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Timer, err error) {
		return t, row.Scan(&t.Tenant, &t.Kind, &t.Key, &t.Due, &t.Payload)
	})
	if err != nil {
		return false, postgres.SQLError(err)
	}
	queue := make(chan Timer)
	var crewed sync.WaitGroup
	for range min(crew, len(due)) {
		crewed.Go(func() {
			for t := range queue {
				r.handle(ctx, t)
			}
		})
	}
	for _, t := range due {
		queue <- t
	}
	close(queue)
	crewed.Wait()
	return len(due) == page && ctx.Err() == nil, ctx.Err()
}

// handle fires one timer, and notes where that failed.
func (r *Runner) handle(ctx context.Context, t Timer) {
	if ctx.Err() != nil {
		return
	}
	err := r.call(ctx, t)
	if err == nil || ctx.Err() != nil {
		return
	}
	r.Logger.WarnContext(ctx, "a timer failed and is tried again", "kind", t.Kind, "key", t.Key, "cause", err.Error())
	if err := r.failed(ctx, t, err); err != nil && ctx.Err() == nil {
		r.Logger.WarnContext(ctx, "that a timer failed cannot be noted", "kind", t.Kind, "key", t.Key, "cause", err.Error())
	}
}

// call runs the handler, and makes an error of a panic.
func (r *Runner) call(ctx context.Context, t Timer) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	own, err := r.As(ctx, t.Tenant)
	if err != nil {
		return err
	}
	return r.Handlers[t.Kind](own, t)
}

// failed has the timer tried again later, and parks it where that is no use.
func (r *Runner) failed(ctx context.Context, t Timer, cause error) error {
	own := 1
	if transient(cause) {
		own = 0
	}
	text := cause.Error()
	_, err := r.DB.System.Exec(ctx, `
		UPDATE timer
		SET attempts = attempts + $5, parked = attempts + $5 >= $6, error = $7,
			try_time = $8::timestamptz + $9::interval * (1 << least(attempts, 10))
		WHERE tenant = $1 AND kind = $2 AND key = $3 AND due_time = $4`,
		t.Tenant, t.Kind, t.Key, t.Due, own, tries, text[:min(len(text), errorBytes)], r.Now(), pause)
	return postgres.SQLError(err)
}

// transient says that a failure may go away by itself and says nothing of the timer.
func transient(err error) bool {
	switch errs.Code(err) {
	case codes.Unavailable, codes.Aborted, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Canceled:
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
