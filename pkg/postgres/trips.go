package postgres

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/call"
)

// Trips counts round trips by the RPC that they are made for; the method of a job is
// empty. A query and a batch are one each. Preparing a statement, which each
// connection does once, is none. The zero Trips is ready.
type Trips struct{ byMethod sync.Map } // string to *atomic.Int64

// Trace counts the round trips of a pool that is yet to be opened.
func (t *Trips) Trace(pool *pgxpool.Config) { pool.ConnConfig.Tracer = t }

// Made answers how many were made so far, by the full method of the RPC.
func (t *Trips) Made() map[string]int64 {
	made := map[string]int64{}
	for method, n := range t.byMethod.Range {
		made[method.(string)] = n.(*atomic.Int64).Load()
	}
	return made
}

func (t *Trips) count(ctx context.Context) context.Context {
	method := call.From(ctx).Method
	made, ok := t.byMethod.Load(method)
	if !ok {
		made, _ = t.byMethod.LoadOrStore(method, new(atomic.Int64))
	}
	made.(*atomic.Int64).Add(1)
	return ctx
}

// TraceQueryStart implements pgx.QueryTracer.
func (t *Trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.count(ctx)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t *Trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (t *Trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.count(ctx)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (t *Trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (t *Trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
