package server_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// A view as of an instant shows what was known then: each section as it was.
func testAsOf(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-01", "CON-34"}, func(t *testing.T, a *api) {
		before := s.Clock.Now()
		c := a.customer(t, "Ibu Siti")
		complaint := a.complain(t, c, "wrong colour")
		order := a.bought(t, c, rupiah(900), s.Clock.Now())
		a.settle(t, number(c))
		then := s.Clock.Now()

		time.Sleep(5 * time.Millisecond)
		must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{
			Contact: &contactv1.Contact{Name: c.GetName(), DisplayName: "Ibu Siti Aminah"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
		}))(t)
		must(a.ResolveTicket(a.Ctx(), &ticketv1.ResolveTicketRequest{Name: complaint.GetName(), ResolutionCode: "replaced", Resolution: "sent another"}))(t)
		must(a.CancelOrder(a.Ctx(), &salesv1.CancelOrderRequest{Name: order.GetName(), Reason: "returned"}))(t)
		a.complain(t, c, "late")

		now := a.view(t, number(c))
		past := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), AsOf: timestamppb.New(then)}))(t)
		if now.GetCustomer().GetDisplayName() != "Ibu Siti Aminah" || past.GetCustomer().GetDisplayName() != "Ibu Siti" {
			t.Errorf("name now %q, then %q", now.GetCustomer().GetDisplayName(), past.GetCustomer().GetDisplayName())
		}
		if i := past.GetTickets().GetItems(); len(i) != 1 || i[0].GetState() != "OPEN" || len(now.GetTickets().GetItems()) != 2 {
			t.Errorf("tickets then %v, now %v", i, now.GetTickets().GetItems())
		}
		if past.GetPurchases().GetCount() != 1 || now.GetPurchases().GetCount() != 0 {
			t.Errorf("purchases then %v, now %v", past.GetPurchases(), now.GetPurchases())
		}
		if past.GetLifecycleClass() != analyticsv1.LifecycleClass_LIFECYCLE_CLASS_ACTIVE || now.GetLifecycleClass() != analyticsv1.LifecycleClass_LIFECYCLE_CLASS_PROSPECT {
			t.Errorf("class then %s, now %s", past.GetLifecycleClass(), now.GetLifecycleClass())
		}
		if len(past.GetTimeline()) != 3 || !slices.Equal(titles(past.GetTimeline()), titles(now.GetTimeline()[len(now.GetTimeline())-3:])) {
			t.Errorf("timeline then %v, now %v", titles(past.GetTimeline()), titles(now.GetTimeline()))
		}
		if !past.GetAsOf().AsTime().Equal(then) || !past.GetEffectiveAt().AsTime().Equal(then) {
			t.Errorf("as of %s, effective at %s", past.GetAsOf().AsTime(), past.GetEffectiveAt().AsTime())
		}
		_, err := a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), AsOf: timestamppb.New(before)})
		refused(t, "as of before it was known", err, codes.NotFound, "CUSTOMER_NOT_FOUND")
		_, err = a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), AsOf: timestamppb.New(s.Clock.Now().Add(time.Hour))})
		refused(t, "as of the future", err, codes.InvalidArgument, "FIELD_INVALID")
	})
}

// What was learned late of what happened early: as_of asks for what was known,
// effective_at for what held.
func testEffectiveAt(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-01"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Pak Anton")
		a.settle(t, number(c))
		known := s.Clock.Now()
		month := s.Clock.Now().AddDate(0, -1, 0)
		a.bought(t, c, rupiah(70), month)
		a.meet(t, c, phone, "a talk of last year", func(i *contactv1.Interaction) {
			i.OccurredAt = timestamppb.New(s.Clock.Now().AddDate(-1, 0, 0))
		})
		a.settle(t, number(c))
		for name, want := range map[string]struct {
			asOf, effectiveAt *timestamppb.Timestamp
			purchases         int64
			class             analyticsv1.LifecycleClass
		}{
			"now":                        {nil, nil, 1, analyticsv1.LifecycleClass_LIFECYCLE_CLASS_ACTIVE},
			"before it was recorded":     {timestamppb.New(known), nil, 0, analyticsv1.LifecycleClass_LIFECYCLE_CLASS_SUSPECT},
			"as of now, before the sale": {nil, timestamppb.New(month.AddDate(0, 0, -2)), 0, analyticsv1.LifecycleClass_LIFECYCLE_CLASS_PROSPECT},
			"as of now, before anything": {nil, timestamppb.New(month.AddDate(-2, 0, 0)), 0, analyticsv1.LifecycleClass_LIFECYCLE_CLASS_SUSPECT},
		} {
			v := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), AsOf: want.asOf, EffectiveAt: want.effectiveAt}))(t)
			if v.GetPurchases().GetCount() != want.purchases || v.GetLifecycleClass() != want.class {
				t.Errorf("%s: %d purchases, %s", name, v.GetPurchases().GetCount(), v.GetLifecycleClass())
			}
		}
	})
}

// I15: a read with the position of a write shows that write, at once.
func testReadYourWrites(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-34"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Dewi")
		for i := range 30 {
			said := a.meet(t, c, chat, "message")
			v := a.view(t, number(c), analyticsv1.Section_SECTION_TIMELINE)
			if got := v.GetTimeline()[0].GetResource(); got != said.GetName() {
				t.Fatalf("after write %d the newest entry is of %s, want %s", i, got, said.GetName())
			}
		}
		_, err := a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), MinPosition: "no position"})
		refused(t, "a position that is none", err, codes.InvalidArgument, "")
	})
}
