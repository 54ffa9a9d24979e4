package eventlog

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// Projection is a read model: a pure function of the events of some areas.
type Projection struct {
	// Name is unique within the database, such as "timeline".
	Name string
	// Areas are the areas whose events it reads.
	Areas []string
	// Sealed leaves the events as they were published: Apply unseals them itself.
	// For a store of events, which must not hold personal fields in the open.
	Sealed bool
	// Apply writes what the events mean, in the transaction that also moves the
	// cursor. The events are of several tenants and partitions, each partition in
	// order, unsealed unless Sealed, and each comes once. Apply must do nothing but read and
	// write through tx: it runs again when the transaction is repeated, and on
	// single events when one of a batch is poison.
	Apply func(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error
}

// Runner keeps a projection up to date. Every replica of a service may run one:
// they compete, and the cursor lets each event through once.
type Runner struct {
	Projection Projection
	// DB is the projection's database as role relay.
	DB *pgxpool.Pool
	// NATS is the broker.
	NATS *nats.Conn
	// Keys unseal the events.
	Keys Keys
	// Sources are the logs of the areas: area to source.
	Sources map[string]Source
	// Logger gets what an operator should know.
	Logger *slog.Logger
}

// Run applies events until the context ends.
func (r *Runner) Run(ctx context.Context) error { panic("not implemented") }

// WaitFor waits up to 2 seconds until the projection shows the change whose
// lingkar-position is token, then answers UNAVAILABLE NOT_YET_VISIBLE. A token
// of an area that the projection does not read is no reason to wait.
func (r *Runner) WaitFor(ctx context.Context, token string) error { panic("not implemented") }

// ParkedEvent is an event that a projection could not apply, or one of the same
// customer that came after it.
type ParkedEvent struct {
	Area      string
	Partition int16
	Position  int64
	Tenant    uuid.UUID
	// Key is what is parked together: the primary contact, or the aggregate
	// where the event has none.
	Key string
	// Event is as it was received, personal fields sealed.
	Event *eventv1.Event
	// Error is why the event could not be applied; empty for one that waits
	// behind another.
	Error      string
	Attempts   int
	ParkedAt   time.Time
	LastFailed time.Time
}

// Parked lists the parked events, oldest first, at most limit of them.
func (r *Runner) Parked(ctx context.Context, limit int) ([]ParkedEvent, error) {
	panic("not implemented")
}

// RetryParked applies the parked events of a key in order, and answers how many
// went through before one failed again.
func (r *Runner) RetryParked(ctx context.Context, tenant uuid.UUID, key string) (int, error) {
	panic("not implemented")
}

// DiscardParked gives up one parked event for the reason told, which is kept in
// the audit log. Later ones of its key stay parked until they are retried.
func (r *Runner) DiscardParked(ctx context.Context, area string, partition int16, position int64, reason string) error {
	panic("not implemented")
}
