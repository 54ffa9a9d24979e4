package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// tell tells the meters how many round trips each pool makes, by database, role and RPC,
// and how calls share transactions, by database.
func (db *DB) tell(meters metric.MeterProvider, pools map[*pgxpool.Pool]*Trips) (metric.Registration, error) {
	meter := meters.Meter("github.com/lingkar-crm/lingkar/pkg/postgres")
	made, err := meter.Int64ObservableCounter("lingkar.postgres.trips",
		metric.WithDescription("Round trips to PostgreSQL, by database, role and the RPC they are made for."), metric.WithUnit("{trip}"))
	calls, err2 := meter.Int64ObservableCounter("lingkar.postgres.share.calls",
		metric.WithDescription("Calls that may share a transaction: those that wrote alone, shared one, or wrote apart after it was taken back."), metric.WithUnit("{call}"))
	transactions, err3 := meter.Int64ObservableCounter("lingkar.postgres.share.transactions",
		metric.WithDescription("Transactions of the calls that may share one, those that were taken back too."), metric.WithUnit("{transaction}"))
	if err := errors.Join(err, err2, err3); err != nil {
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
		database := attribute.String("database", db.App.Config().ConnConfig.Database)
		for outcome, name := range shareOutcomes {
			o.ObserveInt64(calls, db.shares.calls[outcome].Load(), metric.WithAttributes(database, attribute.String("outcome", name)))
		}
		o.ObserveInt64(transactions, db.shares.transactions.Load(), metric.WithAttributes(database))
		return nil
	}, made, calls, transactions)
}
