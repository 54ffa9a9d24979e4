package bench

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rpc"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/home"
)

// errUnsent says that a call was left out.
var errUnsent = status.Error(codes.Canceled, "the client has too many calls open")

// crowd are the people of a tenant, and somebody of another.
type crowd struct {
	*bench
	conns   []*grpc.ClientConn
	other   *grpc.ClientConn
	contact string // of the other
	open    atomic.Int64
}

// newCrowd mints tokens of people with the suite's own key, and makes the other
// tenant's one contact.
func (b *bench) newCrowd(ctx context.Context) (*crowd, error) {
	other, err := b.otherTenant(ctx)
	if err != nil {
		return nil, err
	}
	h, err := home.Open(b.Dir)
	if err != nil {
		return nil, err
	}
	key, err := h.SigningKey()
	if err != nil {
		return nil, err
	}
	issuer := auth.NewIssuer(key)
	c := &crowd{bench: b}
	for n := range overloadConns + 1 {
		who := auth.Caller{Tenant: b.tenant, Subject: "users/crowd", Roles: []auth.Role{auth.Admin}}
		if n == overloadConns {
			who = auth.Caller{Tenant: other, Subject: "users/quiet", Roles: []auth.Role{auth.Admin}}
		}
		token, err := issuer.Mint(who, time.Hour)
		if err != nil {
			return nil, err
		}
		conn, err := dial(b.child.GRPC, token)
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	c.other, c.conns = c.conns[overloadConns], c.conns[:overloadConns]
	made, err := contactv1.NewContactServiceClient(c.other).CreateContact(ctx, &contactv1.CreateContactRequest{Contact: fresh(), RequestId: uuid.NewString()})
	if err != nil {
		c.close()
		return nil, err
	}
	c.contact = made.GetName()
	return c, nil
}

// otherTenant makes a tenant beside the one that has the data.
func (b *bench) otherTenant(ctx context.Context) (uuid.UUID, error) {
	state, err := home.ReadState(b.Dir)
	if err != nil {
		return uuid.Nil, err
	}
	db, err := postgres.Open(ctx, state.Platform.App, state.Platform.System, postgres.Options{})
	if err != nil {
		return uuid.Nil, err
	}
	defer db.Close()
	made, err := gateway.CreateTenant(ctx, db, &platformv1.Tenant{DisplayName: "Quiet company", CurrencyCode: "IDR", TimeZone: "Asia/Jakarta"}, auth.Admin)
	if err != nil {
		return uuid.Nil, err
	}
	return uuid.Parse(strings.TrimPrefix(made.Tenant, "tenants/"))
}

func (c *crowd) close() {
	for _, conn := range append(c.conns, c.other) {
		_ = conn.Close() // no call is under way
	}
}

// must makes a call that is to be done.
func (c *crowd) must(ctx context.Context, n int) error {
	_, err := c.try(ctx, n)
	return err
}

// try makes one call of the mix: of ten, four get a contact, two list some, two look
// at a customer and two record an interaction. The answer is not decoded: the client
// shares the machine with what it measures.
func (c *crowd) try(ctx context.Context, n int) (time.Duration, error) {
	if c.open.Add(1) > mostOpen {
		c.open.Add(-1)
		return 0, errUnsent
	}
	defer c.open.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	method, req := c.mix(n)
	began := time.Now()
	err := c.conns[n%overloadConns].Invoke(ctx, method, req, &rpc.Frame{}, grpc.ForceCodecV2(rpc.Codec()))
	return time.Since(began), err
}

func (c *crowd) mix(n int) (method string, req any) {
	contact := c.bench.contact(n)
	switch n % 10 {
	case 0, 5:
		return contactv1.InteractionService_RecordInteraction_FullMethodName, asked(contact)
	case 1, 6:
		return contactv1.ContactService_ListContacts_FullMethodName, &contactv1.ListContactsRequest{PageSize: 20, Filter: `region_code = "ID"`, OrderBy: "create_time desc"}
	case 2, 7:
		return analyticsv1.CustomerViewService_GetCustomerView_FullMethodName, &analyticsv1.GetCustomerViewRequest{Name: "customers" + contact[len("contacts"):]}
	}
	return contactv1.ContactService_GetContact_FullMethodName, &contactv1.GetContactRequest{Name: contact}
}

// heard is what a quiet tenant got.
type heard struct {
	took    []time.Duration
	refused int
}

func (h *heard) add(more heard) {
	h.took, h.refused = append(h.took, more.took...), h.refused+more.refused
}

// note adds what was heard to a row.
func (h *heard) note(row *Row, when string) {
	row.note("p99 of a quiet tenant "+when, quantile(h.took, 0.99), "ms")
	row.note("refused calls of a quiet tenant "+when, 100*float64(h.refused)/float64(max(1, h.refused+len(h.took))), "% of its calls")
}

// listen makes the quiet tenant's calls until the answered function is called, which
// tells what became of them.
func (c *crowd) listen(ctx context.Context) func() (heard, error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var quiet heard
	var failed error
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second / quietRate)
		defer tick.Stop()
		for ctx.Err() == nil {
			began := time.Now()
			_, err := contactv1.NewContactServiceClient(c.other).GetContact(context.WithoutCancel(ctx), &contactv1.GetContactRequest{Name: c.contact})
			switch {
			case err == nil:
				quiet.took = append(quiet.took, time.Since(began))
			case status.Code(err) == codes.ResourceExhausted:
				quiet.refused++
			case failed == nil:
				failed = err
			}
			<-tick.C
		}
	}()
	return func() (heard, error) {
		cancel()
		<-done
		return quiet, failed
	}
}
