package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/metric"
)

// The limits of a pool and of its sessions. A cluster serves
// max_connections/MaxConns processes with room for operators.
const (
	MaxConns          = 10
	ConnectTimeout    = 3 * time.Second
	AcquireTimeout    = time.Second
	StatementTimeout  = 5 * time.Second
	LockTimeout       = 2 * time.Second
	IdleInTransaction = 30 * time.Second
	// UndeclaredTimeout caps a list whose filter and order no index serves.
	UndeclaredTimeout = 2 * time.Second
)

// DB is a service's database, through two roles.
type DB struct {
	// App serves requests: role app, bound to one tenant by row-level security.
	App *pgxpool.Pool
	// System serves the relay, projections and timers: role relay, whose
	// policies show all tenants.
	System *pgxpool.Pool

	shares *shares
	pages  *pageSeal
	told   metric.Registration // nil without meters
}

// Options tune Open. The zero value is right for a service.
type Options struct {
	// MaxConns of each pool; 0 means the constant MaxConns.
	MaxConns int32
	// PageKey authenticates page tokens: 16 random bytes or more, the same in
	// all replicas. Without one a key is made that dies with the process, and
	// page tokens with it.
	PageKey []byte
	// Now is the clock that page tokens expire by; nil means time.Now.
	Now func() time.Time
	// Configure may change the settings of both pools, for tracing say.
	Configure func(*pgxpool.Config)
	// Meters are told how many round trips the pools make, unless Configure sets a
	// tracer of its own, and how calls share transactions; nil is told nothing.
	Meters metric.MeterProvider
}

// Open makes both pools. It connects lazily: a database that is down is an error
// of the first call, not of the start. Close frees the pools.
func Open(ctx context.Context, appURL, systemURL string, o Options) (*DB, error) {
	seal, err := newPageSeal(o.PageKey, o.Now)
	if err != nil {
		return nil, err
	}
	var byApp, bySystem Trips
	app, err := openPool(ctx, appURL, o, StatementTimeout, &byApp)
	if err != nil {
		return nil, err
	}
	system, err := openPool(ctx, systemURL, o, 0, &bySystem)
	if err != nil {
		app.Close()
		return nil, err
	}
	db := &DB{App: app, System: system, shares: newShares(app.Config().MaxConns), pages: seal}
	if o.Meters != nil {
		db.told, err = db.tell(o.Meters, map[*pgxpool.Pool]*Trips{app: &byApp, system: &bySystem})
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close waits for the connections in use and frees both pools.
func (db *DB) Close() {
	if db.told != nil {
		_ = db.told.Unregister() // it fails for other meters only
	}
	db.App.Close()
	db.System.Close()
}

// SendBatch sends the batch as role app. A batch is one transaction and one round
// trip: see QueueTenant and Run. It must not use Batch.BeginTx: the connection is
// given back when the results are closed.
func (db *DB) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	conn, err := acquire(ctx, db.App)
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	return &releasing{BatchResults: conn.SendBatch(ctx, b), conn: conn}
}

// releasing gives the connection back when the results are closed.
type releasing struct {
	pgx.BatchResults
	conn *pgxpool.Conn
}

func (r *releasing) Close() error {
	if r.conn != nil {
		defer r.conn.Release() // also when a callback panics
		r.conn = nil
	}
	return r.BatchResults.Close()
}

// openPool makes a pool. A statement timeout of 0 leaves the server's own: a
// background job bounds itself by its context.
func openPool(ctx context.Context, url string, o Options, statement time.Duration, made *Trips) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: database url: %w", err)
	}
	c.MaxConns = MaxConns
	if o.MaxConns > 0 {
		c.MaxConns = o.MaxConns
	}
	c.MinConns = min(2, c.MaxConns)
	c.MaxConnLifetime = 30 * time.Minute
	c.MaxConnLifetimeJitter = 5 * time.Minute
	c.MaxConnIdleTime = 5 * time.Minute
	c.PingTimeout = time.Second
	c.ConnConfig.ConnectTimeout = ConnectTimeout
	c.ConnConfig.DialFunc = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	for name, value := range sessionSettings(statement) {
		if _, given := c.ConnConfig.RuntimeParams[name]; !given {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
	c.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		readTimesAsUTC(conn)
		sendUUIDs(conn)
		sendArrays(conn)
		return nil
	}
	if o.Meters != nil {
		made.Trace(c)
	}
	if o.Configure != nil {
		o.Configure(c)
	}
	return pgxpool.NewWithConfig(ctx, c)
}

// readTimesAsUTC makes times come back in UTC, not in the zone of this machine.
func readTimesAsUTC(conn *pgx.Conn) {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
}

// sessionSettings are sent when a connection starts; what the URL sets wins.
func sessionSettings(statement time.Duration) map[string]string {
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	s := map[string]string{
		"timezone":                            "UTC",
		"lock_timeout":                        ms(LockTimeout),
		"idle_in_transaction_session_timeout": ms(IdleInTransaction),
		"tcp_keepalives_idle":                 "30",
		"tcp_user_timeout":                    "10000",
	}
	if statement > 0 {
		s["statement_timeout"] = ms(statement)
	}
	return s
}

// acquire takes a connection and waits at most AcquireTimeout for one.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, AcquireTimeout)
	defer cancel()
	conn, err := pool.Acquire(wait)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, sqlError(ctx, err)
	case errors.Is(err, context.DeadlineExceeded) && pool.Stat().AcquiredConns() >= pool.Config().MaxConns:
		return nil, errBusy.Wrap(err)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errUnavailable.Wrap(err)
	default:
		return nil, SQLError(err)
	}
}
