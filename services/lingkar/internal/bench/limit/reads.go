package limit

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Reads are the limits of reads, on the suite's own database.
type Reads struct {
	pool   *pgxpool.Pool
	tenant uuid.UUID
}

// OpenReads connects to a database of the suite.
func OpenReads(ctx context.Context, url string, tenant uuid.UUID, clients int32) (*Reads, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = clients
	pool, err := pgxpool.NewWithConfig(ctx, config)
	return &Reads{pool: pool, tenant: tenant}, err
}

// Close closes the connections.
func (r *Reads) Close() { r.pool.Close() }

// Timeline is the one indexed read that a view cannot do without: the newest 50
// entries of a customer.
func (r *Reads) Timeline(ctx context.Context, contact uuid.UUID) error {
	return r.drain(ctx, "SELECT occurred_at, event_id, entry FROM timeline WHERE tenant = $1 AND contact = $2 ORDER BY occurred_at DESC, event_id DESC LIMIT 50", contact)
}

// Contact reads one contact by its id.
func (r *Reads) Contact(ctx context.Context, contact uuid.UUID) error {
	return r.drain(ctx, "SELECT * FROM contact WHERE tenant = $1 AND id = $2", contact)
}

func (r *Reads) drain(ctx context.Context, query string, contact uuid.UUID) error {
	rows, err := r.pool.Query(ctx, query, r.tenant, contact)
	if err != nil {
		return err
	}
	for rows.Next() {
		rows.RawValues()
	}
	return rows.Err()
}
