package testkit

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lingkar-crm/lingkar/pkg/call"
)

// Trips counts the round trips to databases, by the RPC that they are made for. A
// batch is one. Preparing a statement, which each connection does once, is none.
type Trips struct {
	mu       sync.Mutex
	all      int
	byMethod map[string]int
}

// Trace counts the round trips of a pool: it fits postgres.Options.Configure.
func (c *Trips) Trace(pool *pgxpool.Config) { pool.ConnConfig.Tracer = c }

// Of counts the round trips that are made while fn runs, for an RPC by its full
// method, or for whatever it is where the method is empty.
func (c *Trips) Of(method string, fn func()) int {
	before := c.made(method)
	fn()
	return c.made(method) - before
}

func (c *Trips) made(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if method == "" {
		return c.all
	}
	return c.byMethod[method]
}

func (c *Trips) count(ctx context.Context) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byMethod == nil {
		c.byMethod = map[string]int{}
	}
	c.all++
	c.byMethod[call.From(ctx).Method]++
	return ctx
}

// TraceQueryStart implements pgx.QueryTracer.
func (c *Trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return c.count(ctx)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (c *Trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (c *Trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return c.count(ctx)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (c *Trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (c *Trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
