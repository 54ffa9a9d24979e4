package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// reader reads the service's log as another service does.
type reader struct {
	log  contactv1.EventLogServiceClient
	keys eventlog.Keys
}

// logOf reads on behalf of the tenant of a.
func logOf(s *testkit.Suite, a *api) *reader {
	keys := contactv1.NewKeyServiceClient(s.Conn("contact", service(a.Caller.Tenant)))
	load := func(ctx context.Context, _ uuid.UUID, contacts []uuid.UUID) (map[uuid.UUID]eventlog.Key, error) {
		req := &contactv1.FetchKeysRequest{}
		for _, c := range contacts {
			req.Contacts = append(req.Contacts, "contacts/"+c.String())
		}
		resp, err := keys.FetchKeys(ctx, req)
		found := map[uuid.UUID]eventlog.Key{}
		for _, k := range resp.GetKeys() {
			if found[uuid.MustParse(strings.TrimPrefix(k.GetContact(), "contacts/"))], err = eventlog.NewKey(k.GetKey(), k.GetSecret()); err != nil {
				return nil, err
			}
		}
		return found, err
	}
	return &reader{
		log:  contactv1.NewEventLogServiceClient(s.Conn("contact", service(auth.NoTenant))),
		keys: eventlog.NewKeyCache(time.Now, load),
	}
}

// sealed answers the events of an aggregate as they are stored, once there are as
// many as wanted.
func (r *reader) sealed(t testing.TB, aggregate string, want int) []*eventv1.Event {
	t.Helper()
	var events []*eventv1.Event
	testkit.Eventually(t, func() (err error) {
		if events, err = r.all(t.Context(), aggregate); err == nil && len(events) < want {
			err = fmt.Errorf("%d of %d events of %s", len(events), want, aggregate)
		}
		return err
	})
	if len(events) != want {
		t.Fatalf("%s has %d events, want %d", aggregate, len(events), want)
	}
	return events
}

// all reads every partition to its end.
func (r *reader) all(ctx context.Context, aggregate string) ([]*eventv1.Event, error) {
	var found []*eventv1.Event
	for partition := range int32(16) {
		for after := int64(0); ; {
			resp, err := r.log.ReadEvents(ctx, &eventv1.ReadEventsRequest{Partition: partition, AfterPosition: after})
			if err != nil {
				return nil, err
			}
			for _, e := range resp.GetEvents() {
				after = e.GetPosition()
				if e.GetAggregate() == aggregate {
					found = append(found, e)
				}
			}
			if len(resp.GetEvents()) == 0 {
				break
			}
		}
	}
	return found, nil
}

// of answers the events with their personal fields in place.
func (r *reader) of(t testing.TB, aggregate string, want int) []*eventv1.Event {
	t.Helper()
	events := r.sealed(t, aggregate, want)
	for n, e := range events {
		if err := eventlog.Unseal(t.Context(), r.keys, e); err != nil {
			t.Fatal(err)
		}
		if e.GetAggregateSeq() != int64(n+1) {
			t.Errorf("event %d has the number %d", n+1, e.GetAggregateSeq())
		}
	}
	return events
}

// payload answers what an event carries.
func payload[P proto.Message](t testing.TB, e *eventv1.Event) P {
	t.Helper()
	m := must(e.GetPayload().UnmarshalNew())(t)
	p, ok := m.(P)
	if !ok {
		t.Fatalf("event %s, want %T", e.GetType(), *new(P))
	}
	return p
}

// What happened to a contact is told once each, in order, with the whole contact;
// nothing personal stands in the log in the open.
func testHistory(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	ctx := a.Ctx()
	c := a.create(t, whole(t))
	must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: c.GetName(), Note: "new"}, UpdateMask: mask("note")}))(t)
	must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: c.GetName(), Note: "new"}, UpdateMask: mask("note")}))(t)
	must(a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: c.GetName(), Role: &contactv1.Role{Kind: partner}}))(t)
	must(a.EndRole(ctx, &contactv1.EndRoleRequest{Name: c.GetName(), Kind: partner}))(t)
	must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: c.GetName()}))(t)
	last := must(a.UndeleteContact(ctx, &contactv1.UndeleteContactRequest{Name: c.GetName()}))(t)

	log := logOf(s, a)
	for _, e := range log.sealed(t, c.GetName(), 6) {
		stored := must(proto.Marshal(e))(t)
		for _, secret := range []string{"Siti", "Nurhaliza", "example.co.id", "81234567890", "Sudirman", "durian", "shoe_size"} {
			if strings.Contains(string(stored), secret) {
				t.Errorf("%s tells %q in the open", e.GetType(), secret)
			}
		}
	}
	events := log.of(t, c.GetName(), 6)
	created := payload[*contactv1.ContactCreated](t, events[0]).GetContact()
	created.AllowedActions = c.GetAllowedActions()
	if !proto.Equal(created, c) {
		t.Errorf("told\n%v\ncreated\n%v", created, c)
	}
	if e := payload[*contactv1.ContactUpdated](t, events[1]); !slices.Equal(e.GetPaths(), []string{"note"}) || e.GetContact().GetNote() != "new" {
		t.Errorf("told %v", e)
	}
	if e := payload[*contactv1.RoleAssigned](t, events[2]); e.GetRole().GetKind() != partner {
		t.Errorf("told %v", e)
	}
	if e := payload[*contactv1.RoleEnded](t, events[3]); e.GetRole().GetEndTime() == nil {
		t.Errorf("told %v", e)
	}
	payload[*contactv1.ContactDeleted](t, events[4])
	state := payload[*contactv1.ContactUndeleted](t, events[5]).GetContact()
	state.AllowedActions = last.GetAllowedActions()
	if !proto.Equal(state, last) {
		t.Errorf("the last event is not the state:\n%v\n%v", state, last)
	}
	if e := events[0]; e.GetActor() != a.Caller.Subject || e.GetTenant() != "tenants/"+a.Caller.Tenant.String() || !slices.Equal(e.GetContacts(), []string{c.GetName()}) {
		t.Errorf("envelope %v", e)
	}
}

// CON-34, and towards CON-02: an interaction is an entry of the timeline by its own event.
func testHistory_interaction(t *testing.T, s *testkit.Suite) {
	testkit.Prove(t, testkit.GRPC, "CON-34")
	a, _ := fresh(t, s)
	siti := a.named(t, "Siti")
	i := a.record(t, &contactv1.Interaction{
		Contact: siti.GetName(), Channel: byPhone, Direction: inbound, Title: "Complaint", Body: strings.Repeat("Terlambat lagi. ", 5000), Conversation: "talk-1",
	})
	e := logOf(s, a).of(t, i.GetName(), 1)[0]
	part := e.GetInteraction()
	if part.GetChannel() != byPhone || part.GetDirection() != inbound || part.GetTitle() != "Complaint" || part.GetConversation() != "talk-1" || !strings.HasPrefix(part.GetSummary(), "Terlambat lagi.") {
		t.Errorf("the timeline gets %v", part)
	}
	if told := payload[*contactv1.InteractionRecorded](t, e).GetInteraction(); !proto.Equal(told, i) || told.GetBodyDocument() == "" {
		t.Errorf("told %.200v, recorded %.200v", told, i)
	}
	yes := a.grant(t, &contactv1.Consent{Contact: siti.GetName(), Purpose: "marketing"})
	if told := payload[*contactv1.ConsentGranted](t, logOf(s, a).of(t, yes.GetName(), 1)[0]).GetConsent(); !proto.Equal(told, yes) {
		t.Errorf("told %v, granted %v", told, yes)
	}
	no := a.revoke(t, &contactv1.Consent{Contact: siti.GetName(), Purpose: "marketing"})
	payload[*contactv1.ConsentRevoked](t, logOf(s, a).of(t, no.GetName(), 1)[0])
}

// Many callers change one contact at once: each change that was answered is one
// event, the numbers have no gap, and folding them gives the contact as it is.
func testHistory_race(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	c := a.named(t, "Contended")
	const callers, each = 8, 12
	var mu sync.Mutex
	notes := map[string]bool{}
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			for k := range each {
				note := fmt.Sprintf("%d-%d", n, k)
				_, err := a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{Name: c.GetName(), Note: note}, UpdateMask: mask("note")})
				if errs.Code(err) == codes.Aborted {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				notes[note] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	last := must(a.GetContact(a.Ctx(), &contactv1.GetContactRequest{Name: c.GetName()}))(t)
	events := logOf(s, a).of(t, c.GetName(), len(notes)+1)
	for _, e := range events[1:] {
		note := payload[*contactv1.ContactUpdated](t, e).GetContact().GetNote()
		if !notes[note] {
			t.Errorf("an event tells %q, which nobody was answered, or which was told before", note)
		}
		delete(notes, note)
	}
	if len(notes) != 0 {
		t.Errorf("not told: %v", notes)
	}
	state := payload[*contactv1.ContactUpdated](t, events[len(events)-1]).GetContact()
	state.AllowedActions = last.GetAllowedActions()
	if !proto.Equal(state, last) {
		t.Errorf("the last event is not the state:\n%v\n%v", state, last)
	}
}

// The same creation asked for many times at once, by one request id, is one
// contact and one event.
func testCreateContact_twins(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	made := make([]*contactv1.Contact, 8)
	var wg sync.WaitGroup
	for n := range made {
		wg.Go(func() {
			var err error
			made[n], err = a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: holding("Twin", card, "1"), RequestId: "one"})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range made {
		if !proto.Equal(c, made[0]) {
			t.Fatalf("answers differ: %v and %v", c, made[0])
		}
	}
	logOf(s, a).of(t, made[0].GetName(), 1)
	if list := must(a.ListContacts(a.Ctx(), &contactv1.ListContactsRequest{}))(t); len(list.GetContacts()) != 1 {
		t.Errorf("listed %v", names(list.GetContacts()))
	}
}
