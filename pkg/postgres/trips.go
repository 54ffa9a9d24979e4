package postgres

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

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

// tellTrips tells the meters how many round trips each pool makes, by database, role
// and RPC.
func tellTrips(meters metric.MeterProvider, pools map[*pgxpool.Pool]*Trips) (metric.Registration, error) {
	meter := meters.Meter("github.com/lingkar-crm/lingkar/pkg/postgres")
	made, err := meter.Int64ObservableCounter("lingkar.postgres.trips",
		metric.WithDescription("Round trips to PostgreSQL, by database, role and the RPC they are made for."), metric.WithUnit("{trip}"))
	if err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for pool, t := range pools {
			c := pool.Config().ConnConfig
			for method, n := range t.Made() {
				o.ObserveInt64(made, n, metric.WithAttributes(
					attribute.String("database", c.Database), attribute.String("role", c.User), attribute.String("method", method)))
			}
		}
		return nil
	}, made)
}
