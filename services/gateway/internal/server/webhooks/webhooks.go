// Package webhooks sends the events of tenants to the endpoints that they named, signed as
// the Standard Webhooks specification has it.
//
// A projection keeps each event that an endpoint wants and makes one delivery for the
// pair, in the transaction of its cursor: none is lost and none is doubled, however many
// gateways run. A dispatcher in each gateway claims what is due, asks whether it may
// leave (package disclosure), sends it, and notes what became of it. A process that ends
// in between is found out after a minute, and the event is sent again under the same
// webhook-id: at least once.
//
// Before each attempt everything is looked at anew: the endpoint, its secret, what the
// contacts allow, the rules about fields. What cannot be asked about does not leave and
// is tried later.
//
// Limits: events reach a receiver in no promised order, because one that failed comes
// later. An endpoint has at most InFlight calls under way in a gateway, so one that is
// slow holds nobody else.
package webhooks

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/metric"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fieldaccess"
	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/egress"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/webhook"
)

const (
	// InFlight is how many calls one endpoint gets at a time from a gateway, and busiest
	// how many endpoints are worked on at a time.
	InFlight, busiest = 4, 64
	// rounds is how often an endpoint claims before another one has its turn.
	rounds = 25
	// poll is how often what is due is looked for.
	poll = 250 * time.Millisecond
	// linger is how long events gather before they are kept.
	linger = 100 * time.Millisecond
	// sweep is how often what is too old is removed.
	sweep = time.Hour
)

// Areas are those whose events are sent.
var Areas = []string{"contact", "sales", "ticket", "campaign", "platform"}

// Projection keeps the events that are to be sent. Now is the clock.
func Projection(now func() time.Time) eventlog.Projection {
	return eventlog.Projection{
		Name: "webhooks", Areas: Areas, Personal: eventlog.Unread, Linger: linger,
		Apply: store.KeepEvents(now), Erase: store.EraseWebhookAnswers,
	}
}

// Dispatcher sends what is due. All fields are required.
type Dispatcher struct {
	DB *postgres.DB
	// Guard says where calls may go.
	Guard egress.Guard
	// Now is the clock by which deliveries are due and messages are dated.
	Now func() time.Time
	// As answers the context in which the gateway itself works for a tenant.
	As func(ctx context.Context, tenant uuid.UUID) (context.Context, error)
	// Decides says what may leave; Keys unseal it, and Fields are the rules about fields.
	Decides contactv1.DisclosureServiceClient
	Keys    eventlog.Keys
	Fields  *fieldaccess.Book
	// Seal opens the secrets of endpoints.
	Seal *kek.Wrapper
	// Disable gives up on an endpoint.
	Disable func(ctx context.Context, of store.DueEndpoint, reason string) error
	Logger  *slog.Logger
	// Meters take what becomes of deliveries, and what waits.
	Meters metric.MeterProvider

	client      *http.Client // of Run
	instruments instruments
	mu          sync.Mutex
	busy        map[uuid.UUID]bool
}

// Run sends what is due until the context ends, and then waits for the calls under way,
// which end with it.
func (d *Dispatcher) Run(ctx context.Context) (err error) {
	measured, err := d.measure()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, measured.Unregister()) }()
	calling, hangUp := context.WithCancel(ctx)
	defer hangUp()
	d.client = d.Guard.Client(calling)
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var working sync.WaitGroup
	defer working.Wait()
	for {
		due, err := d.due(ctx)
		if err != nil {
			return err
		}
		for _, of := range due {
			working.Go(func() { d.work(ctx, of) })
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// due answers endpoints to be worked on, and marks them as busy.
func (d *Dispatcher) due(ctx context.Context) ([]store.DueEndpoint, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy == nil {
		d.busy = map[uuid.UUID]bool{}
	}
	if len(d.busy) >= busiest {
		return nil, nil
	}
	ids := make([]uuid.UUID, 0, len(d.busy))
	for id := range d.busy {
		ids = append(ids, id)
	}
	due, err := store.DueEndpoints(ctx, d.DB, d.Now(), ids, busiest-len(ids))
	for _, of := range due {
		d.busy[of.ID] = true
	}
	return due, err
}

// work sends to one endpoint until nothing is due, or others are to have their turn.
func (d *Dispatcher) work(ctx context.Context, of store.DueEndpoint) {
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.busy, of.ID)
	}()
	for range rounds {
		more, err := d.round(ctx, of)
		if err != nil && ctx.Err() == nil {
			d.Logger.WarnContext(ctx, "a webhook endpoint cannot be served now", "endpoint", of.ID.String(), "cause", err.Error())
		}
		if err != nil || !more {
			return
		}
	}
}

// round sends a few deliveries at once, and answers whether there may be more.
func (d *Dispatcher) round(ctx context.Context, of store.DueEndpoint) (more bool, err error) {
	endpoint, err := store.WebhookEndpoints.Get(ctx, d.DB, of.Tenant, of.ID)
	if err != nil {
		return false, err
	}
	if endpoint.State != webhook.Active || endpoint.Deleted() {
		return false, nil
	}
	claimed, err := store.ClaimDeliveries(ctx, d.DB, of, d.Now(), InFlight)
	if err != nil {
		return false, err
	}
	var sending sync.WaitGroup
	for _, c := range claimed {
		sending.Go(func() { d.deliver(ctx, of, endpoint, c) })
	}
	sending.Wait()
	return len(claimed) == InFlight && ctx.Err() == nil, nil
}

// Purge removes what is older than is promised, until the context ends.
func (d *Dispatcher) Purge(ctx context.Context) error {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		if err := store.PurgeWebhooks(ctx, d.DB, d.Now().Add(-webhook.Kept)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
