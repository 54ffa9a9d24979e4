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

// trips counts the round trips of one pool by the RPC that they are made for; the
// method of a job is empty. A query and a batch are one each. Preparing a statement,
// which each connection does once, is none.
type trips struct{ byMethod sync.Map } // string to *atomic.Int64

func (t *trips) count(ctx context.Context) context.Context {
	method := call.From(ctx).Method
	made, ok := t.byMethod.Load(method)
	if !ok {
		made, _ = t.byMethod.LoadOrStore(method, new(atomic.Int64))
	}
	made.(*atomic.Int64).Add(1)
	return ctx
}

// TraceQueryStart implements pgx.QueryTracer.
func (t *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return t.count(ctx)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (t *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return t.count(ctx)
}

// TraceBatchQuery implements pgx.BatchTracer.
func (t *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (t *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// tellTrips tells the meters how many round trips each pool makes, by database, role
// and RPC.
func tellTrips(meters metric.MeterProvider, pools map[*pgxpool.Pool]*trips) (metric.Registration, error) {
	meter := meters.Meter("github.com/lingkar-crm/lingkar/pkg/postgres")
	made, err := meter.Int64ObservableCounter("lingkar.postgres.trips",
		metric.WithDescription("Round trips to PostgreSQL, by database, role and the RPC they are made for."), metric.WithUnit("{trip}"))
	if err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for pool, t := range pools {
			c := pool.Config().ConnConfig
			for method, n := range t.byMethod.Range {
				o.ObserveInt64(made, n.(*atomic.Int64).Load(), metric.WithAttributes(
					attribute.String("database", c.Database), attribute.String("role", c.User), attribute.String("method", method.(string))))
			}
		}
		return nil
	}, made)
}
