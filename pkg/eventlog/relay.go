package eventlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
)

// Relay moves committed events from the log to the broker. Every replica of a
// service runs one; one of them leads.
type Relay struct {
	// Area is the area of the log, such as "sales".
	Area string
	// DB is the service's database as role relay.
	DB *pgxpool.Pool
	// NATS is the broker.
	NATS *nats.Conn
	// Now is the clock by which the log's months and the age of idempotent
	// answers are told.
	Now func() time.Time
	// Logger gets what an operator should know.
	Logger *slog.Logger
}

// Run relays until the context ends.
func (r *Relay) Run(ctx context.Context) error { panic("not implemented") }

// Wake tells the leader, wherever it runs, that there is work. It never blocks.
func (r *Relay) Wake() { panic("not implemented") }
