package server_test

import (
	"fmt"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	ticket "github.com/lingkar-crm/lingkar/services/service-ticket"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start runs the ticket service, and the contact service beside it.
func start(t testing.TB) *testkit.Suite {
	t.Helper()
	return testkit.Start(t, contact.Definition, ticket.Definition, gateway.Definition)
}

// api are the services that the tests call, over one transport, as one caller.
type api struct {
	*testkit.Client
	contactv1.ContactServiceClient
	ticketv1.TicketServiceClient
	ticketv1.QueueServiceClient
}

func of(c *testkit.Client) *api {
	return &api{
		Client:               c,
		ContactServiceClient: contactv1.NewContactServiceClient(c.Conn),
		TicketServiceClient:  ticketv1.NewTicketServiceClient(c.Conn),
		QueueServiceClient:   ticketv1.NewQueueServiceClient(c.Conn),
	}
}

// customer answers the name of a new contact.
func (a *api) customer(t testing.TB) string {
	t.Helper()
	c, err := a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Sari", FamilyName: "Dewi",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c.GetName()
}

// complaint answers a complaint of the customer that came by phone.
func complaint(customer string) *ticketv1.Ticket {
	return &ticketv1.Ticket{
		Contact: customer, Kind: ticketv1.TicketKind_TICKET_KIND_COMPLAINT, Channel: phone,
		Subject: "Wrong colour delivered", CauseCode: "wrong-colour",
	}
}

// opened answers a new complaint.
func (a *api) opened(t testing.TB) *ticketv1.Ticket {
	t.Helper()
	k, err := a.CreateTicket(a.Ctx(), &ticketv1.CreateTicketRequest{Ticket: complaint(a.customer(t))})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// resolved answers a new complaint that is settled.
func (a *api) resolved(t testing.TB) *ticketv1.Ticket {
	t.Helper()
	k, err := a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{
		Name: a.opened(t).GetName(), ResolutionCode: "replaced", Resolution: "Sent the right one",
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// eventsOf answers the events of a resource as other services read them, when
// there are so many.
func eventsOf(t *testing.T, s *testkit.Suite, name string, want int) (events []*eventv1.Event) {
	t.Helper()
	log := ticketv1.NewEventLogServiceClient(s.Conn("ticket", s.AsService("analytics")))
	testkit.Eventually(t, func() error {
		events = nil
		for partition := range int32(16) {
			page, err := log.ReadEvents(t.Context(), &eventv1.ReadEventsRequest{Partition: partition})
			if err != nil {
				return err
			}
			for _, e := range page.GetEvents() {
				if e.GetAggregate() == name {
					events = append(events, e)
				}
			}
		}
		if len(events) < want {
			return fmt.Errorf("%s has %d events, want %d", name, len(events), want)
		}
		return nil
	})
	return events
}
