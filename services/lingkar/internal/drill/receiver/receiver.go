// Package receiver is where the webhooks of a drill arrive: a web server of the drill's
// own process, outside of what is broken, with an inbox for each tenant.
//
// Until it is healed it refuses some calls, hangs on some and cuts some off, by a seed:
// never the same event more than twice, so that what is retried arrives within the first
// two pauses between attempts. It keeps what it accepted, and what must never have come:
// a wrong signature, another tenant's event, what is no event.
//
// Limits: it listens on loopback without TLS, and which call is refused depends on the
// order in which they arrive.
package receiver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

const (
	// refusals is how often the same event is refused at most.
	refusals = 2
	// maxKept is how many wrong calls are told.
	maxKept = 20
	// headerLimit bounds how long a caller may take to say what it wants.
	headerLimit = 10 * time.Second
)

// Types are those of the events that the endpoints get: of every area, those that the
// workload makes most of, and those that tell of people who are one, or none any more.
var Types = []string{
	"lingkar.contact.v1.ContactCreated", "lingkar.contact.v1.ContactErased", "lingkar.contact.v1.ContactMerged",
	"lingkar.contact.v1.ContactUnmerged", "lingkar.contact.v1.InteractionRecorded",
	"lingkar.sales.v1.OpportunityCreated", "lingkar.sales.v1.PurchaseRecorded",
	"lingkar.ticket.v1.TicketOpened", "lingkar.ticket.v1.TicketResolved", "lingkar.campaign.v1.TouchSent",
}

// Receiver is the web server.
type Receiver struct {
	server   *http.Server
	listener net.Listener
	healthy  chan struct{} // closed when it is healed
	heal     sync.Once

	mu      sync.Mutex
	random  *rand.Rand
	inboxes map[string]*Inbox // by their paths
	counts  Counts
	wrong   []string
}

// Inbox is what came for one tenant.
type Inbox struct {
	// Tenant is its name, Since when its endpoint existed.
	Tenant string
	Since  time.Time

	secret   []byte
	refused  map[string]int
	accepted map[string][]*eventv1.Event
}

// Counts are how often calls were answered how.
type Counts struct{ Accepted, Refused, Hung, Cut int }

// Listen starts a receiver on a free port of loopback.
func Listen(seed uint64) (*Receiver, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("receive webhooks: %w", err)
	}
	r := &Receiver{
		listener: l, healthy: make(chan struct{}), random: rand.New(rand.NewPCG(seed, 4)), inboxes: map[string]*Inbox{},
	}
	r.server = &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: headerLimit}
	go func() { _ = r.server.Serve(l) }() // it ends when it is closed
	return r, nil
}

// Subscribe makes an endpoint of the company's own for a tenant, through its door, and
// opens the inbox that it leads to.
func (r *Receiver) Subscribe(ctx context.Context, door grpc.ClientConnInterface, tenant string) error {
	path := "/" + tenant
	made, err := platformv1.NewWebhookEndpointServiceClient(door).CreateWebhookEndpoint(ctx, &platformv1.CreateWebhookEndpointRequest{
		WebhookEndpoint: &platformv1.WebhookEndpoint{
			Url: "http://" + r.listener.Addr().String() + path, Description: "The drill", EventTypes: Types,
			RecipientClass: platformv1.WebhookEndpoint_RECIPIENT_CLASS_FIRST_PARTY,
		},
	})
	if err != nil {
		return fmt.Errorf("make a webhook endpoint: %w", err)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(made.GetSecret(), "whsec_"))
	if err != nil {
		return fmt.Errorf("the secret of a webhook endpoint: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inboxes[path] = &Inbox{
		Tenant: tenant, Since: time.Now(), secret: secret, refused: map[string]int{}, accepted: map[string][]*eventv1.Event{},
	}
	return nil
}

// Heal makes it accept everything from now on; calls that hang are cut off.
func (r *Receiver) Heal() { r.heal.Do(func() { close(r.healthy) }) }

// Inboxes answers those of all tenants.
func (r *Receiver) Inboxes() []*Inbox {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*Inbox, 0, len(r.inboxes))
	for _, i := range r.inboxes {
		all = append(all, i)
	}
	return all
}

// Accepted answers the events that a tenant's inbox accepted, by their ids, each as often
// as it came.
func (r *Receiver) Accepted(of *Inbox) map[string][]*eventv1.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make(map[string][]*eventv1.Event, len(of.accepted))
	for id, came := range of.accepted {
		all[id] = came
	}
	return all
}

// Counts answers how calls were answered so far.
func (r *Receiver) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Wrong answers what came that must never have come.
func (r *Receiver) Wrong() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.wrong...)
}

// Close ends it.
func (r *Receiver) Close() error {
	r.Heal()
	if err := r.server.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop receiving webhooks: %w", err)
	}
	return nil
}
