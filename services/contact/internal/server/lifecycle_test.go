package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/analytics"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
)

// relation calls what moves contacts and what tells of it.
type relation struct {
	ruler
	contactv1.LifecycleServiceClient
	salesv1.OrderServiceClient
	platformv1.TenantServiceClient
	analyticsv1.CustomerViewServiceClient
}

func relationOf(a *api) relation {
	return relation{
		rulerOf(a), contactv1.NewLifecycleServiceClient(a.Conn), salesv1.NewOrderServiceClient(a.Conn),
		platformv1.NewTenantServiceClient(a.Conn), analyticsv1.NewCustomerViewServiceClient(a.Conn),
	}
}

const (
	isActive   = contactv1.LifecycleClass_LIFECYCLE_CLASS_ACTIVE
	isInactive = contactv1.LifecycleClass_LIFECYCLE_CLASS_INACTIVE
	isProspect = contactv1.LifecycleClass_LIFECYCLE_CLASS_PROSPECT
	isSuspect  = contactv1.LifecycleClass_LIFECYCLE_CLASS_SUSPECT
	isOutside  = contactv1.LifecycleClass_LIFECYCLE_CLASS_REST_OF_WORLD

	identified = contactv1.LifecyclePhase_LIFECYCLE_PHASE_IDENTIFICATION
	acquired   = contactv1.LifecyclePhase_LIFECYCLE_PHASE_ACQUISITION
	retained   = contactv1.LifecyclePhase_LIFECYCLE_PHASE_RETENTION
	developed  = contactv1.LifecyclePhase_LIFECYCLE_PHASE_DEVELOPMENT

	byFact  = contactv1.LifecycleCause_LIFECYCLE_CAUSE_FACT
	byTime  = contactv1.LifecycleCause_LIFECYCLE_CAUSE_TIME
	byMerge = contactv1.LifecycleCause_LIFECYCLE_CAUSE_MERGE
	byRule  = contactv1.LifecycleCause_LIFECYCLE_CAUSE_DEFINITION
)

func lifecycleOf(c *contactv1.Contact) string {
	return "lifecycles/" + strings.TrimPrefix(c.GetName(), "contacts/")
}

// meets records that a contact asked for a brochure.
func (r relation) meets(t testing.TB, c *contactv1.Contact) *contactv1.Interaction {
	t.Helper()
	return must(r.RecordInteraction(r.Ctx(), &contactv1.RecordInteractionRequest{Interaction: &contactv1.Interaction{
		Contact: c.GetName(), Kind: contactv1.InteractionKind_INTERACTION_KIND_BROCHURE_REQUEST,
		Channel: eventv1.Channel_CHANNEL_EMAIL, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: "Brochure, please",
	}}))(t)
}

// buys records a purchase.
func (r relation) buys(t testing.TB, c *contactv1.Contact, at time.Time) *salesv1.Order {
	t.Helper()
	return must(r.RecordPurchase(r.Ctx(), &salesv1.RecordPurchaseRequest{Purchase: &salesv1.Purchase{
		Contact: c.GetName(), Amount: &moneypb.Money{CurrencyCode: "IDR", Units: 1000}, PurchaseTime: timestamppb.New(at),
		ExternalIds: map[string]string{"till": uuid.NewString()},
	}}))(t)
}

// marks sets the label of those without need.
func (r relation) marks(t testing.TB, c *contactv1.Contact, value string) {
	t.Helper()
	must(r.UpdateContact(r.Ctx(), &contactv1.UpdateContactRequest{
		Contact: &contactv1.Contact{Name: c.GetName(), Labels: map[string]string{"rest_of_world": value}}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}},
	}))(t)
}

// stands waits until a contact stands somewhere after so many moves, and answers it.
func (r relation) stands(t testing.TB, c *contactv1.Contact, class contactv1.LifecycleClass, phase contactv1.LifecyclePhase, moves int) *contactv1.Lifecycle {
	t.Helper()
	var at *contactv1.Lifecycle
	testkit.Eventually(t, func() (err error) {
		if at, err = r.GetLifecycle(r.Ctx(), &contactv1.GetLifecycleRequest{Name: lifecycleOf(c)}); err != nil {
			return err
		}
		list := r.moves(t, c)
		if at.GetLifecycleClass() != class || at.GetPhase() != phase || len(list) != moves {
			return fmt.Errorf("stands at %v after %v, want %s, %s after %d", at, list, class, phase, moves)
		}
		return nil
	})
	return at
}

// moves answers the moves of a contact, the latest first.
func (r relation) moves(t testing.TB, c *contactv1.Contact) []*contactv1.LifecycleTransition {
	t.Helper()
	return must(r.ListLifecycleTransitions(r.Ctx(), &contactv1.ListLifecycleTransitionsRequest{Name: lifecycleOf(c)}))(t).GetTransitions()
}

// TestLifecycle runs two processes of the contact service: whatever moves a contact moves
// it once.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, sales.Definition, analytics.Definition, gateway.With(gateway.Config{}))
	second := s.Replica(t, contact.Definition, 0)
	t.Run("moves", func(t *testing.T) { testLifecycle_moves(t, s) })
	t.Run("marks", func(t *testing.T) { testLifecycle_marks(t, s) })
	t.Run("merges", func(t *testing.T) { testLifecycle_merges(t, s) })
	t.Run("rules", func(t *testing.T) { testLifecycle_rules(t, s) })
	t.Run("window", func(t *testing.T) { testLifecycle_window(t, s) })
	t.Run("time", func(t *testing.T) { testLifecycle_time(t, s, second) })
}

// CON-14, CON-15, CON-17, CON-18, CON-19: what a contact does moves it, each move is an
// event that says why, and its history can be read.
func testLifecycle_moves(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-14", "CON-15", "CON-17", "CON-18", "CON-19"}, func(t *testing.T, a, other *api) {
		r := relationOf(a)
		c := r.named(t, "Ani")
		if at := r.stands(t, c, isSuspect, identified, 0); !at.GetSinceTime().AsTime().Equal(c.GetCreateTime().AsTime()) || at.GetTransition() != nil {
			t.Errorf("begins as %v", at)
		}
		r.meets(t, c)
		asked := r.stands(t, c, isProspect, acquired, 1).GetTransition()
		if asked.GetFromClass() != isSuspect || asked.GetCause() != byFact || !strings.HasPrefix(asked.GetResource(), "interactions/") ||
			asked.GetEventType() != "lingkar.contact.v1.InteractionRecorded" || asked.GetWindowMonths() != 12 || asked.GetTimeZone() != "Asia/Jakarta" {
			t.Errorf("moved by %v", asked)
		}
		r.meets(t, c) // nothing new
		bought := r.buys(t, c, s.Clock.Now())
		at := r.stands(t, c, isActive, retained, 2)
		if at.GetTransition().GetResource() != bought.GetName() || at.GetNextChangeTime() == nil || at.GetLastPurchaseTime() == nil {
			t.Errorf("moved by %v", at)
		}
		r.buys(t, c, s.Clock.Now())
		r.stands(t, c, isActive, developed, 3)
		testLifecycle_pages(t, r, c)
		testLifecycle_shown(t, r, c)

		o := relationOf(other)
		_, err := o.GetLifecycle(o.Ctx(), &contactv1.GetLifecycleRequest{Name: lifecycleOf(c)})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = o.ListLifecycleTransitions(o.Ctx(), &contactv1.ListLifecycleTransitionsRequest{Name: lifecycleOf(c)})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = r.GetLifecycle(r.Ctx(), &contactv1.GetLifecycleRequest{Name: "lifecycles/x"})
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	})
}

// testLifecycle_pages reads the three moves of a contact one by one.
func testLifecycle_pages(t *testing.T, r relation, c *contactv1.Contact) {
	t.Helper()
	var phases []contactv1.LifecyclePhase
	for token := ""; ; {
		page := must(r.ListLifecycleTransitions(r.Ctx(), &contactv1.ListLifecycleTransitionsRequest{Name: lifecycleOf(c), PageSize: 1, PageToken: token}))(t)
		for _, move := range page.GetTransitions() {
			phases = append(phases, move.GetToPhase())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(phases) != 3 || phases[0] != developed || phases[2] != acquired {
		t.Errorf("pages hold %v", phases)
	}
}

// testLifecycle_shown looks at the view of the customer: where it stands, and its moves
// among all that happened.
func testLifecycle_shown(t *testing.T, r relation, c *contactv1.Contact) {
	t.Helper()
	name := "customers/" + strings.TrimPrefix(c.GetName(), "contacts/")
	testkit.Eventually(t, func() error {
		view, err := r.GetCustomerView(r.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: name})
		if err != nil {
			return err
		}
		told := 0
		for _, e := range view.GetTimeline() {
			if e.GetType() == "lingkar.contact.v1.LifecycleChanged" {
				told++
			}
		}
		if told != 3 || view.GetLifecyclePhase() != developed || int(view.GetLifecycleClass()) != int(isActive) {
			return fmt.Errorf("the view tells of %d moves, and shows %s, %s", told, view.GetLifecycleClass(), view.GetLifecyclePhase())
		}
		return nil
	})
}

// CON-14, CON-20: who has no need is told apart, and a purchase that is none after all
// counts no more. What comes and goes within a moment is told too.
func testLifecycle_marks(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-14", "CON-20"}, func(t *testing.T, a, _ *api) {
		r := relationOf(a)
		c := r.create(t, &contactv1.Contact{Kind: person, DisplayName: "Budi", Labels: map[string]string{"rest_of_world": "true"}})
		r.marks(t, c, "no")
		r.marks(t, c, "true")
		r.stands(t, c, isOutside, identified, 3)
		r.buys(t, c, s.Clock.Now())
		r.stands(t, c, isActive, retained, 4)
	})
}

// CON-14: contacts that are one stand in one place, and each in its own when they are
// taken apart; an erased one stands nowhere.
func testLifecycle_merges(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	testkit.Prove(t, testkit.GRPC, "CON-14")
	r := relationOf(a)
	survivor, twin := r.named(t, "Cici"), r.named(t, "Cici Twin")
	r.buys(t, twin, s.Clock.Now())
	r.stands(t, twin, isActive, retained, 1)
	must(r.MergeContacts(r.Ctx(), &contactv1.MergeContactsRequest{Name: survivor.GetName(), Contacts: []string{twin.GetName()}}))(t)
	at := r.stands(t, survivor, isActive, retained, 2)
	if at.GetTransition().GetCause() != byMerge || at.GetContact() != survivor.GetName() {
		t.Errorf("merged: %v", at)
	}
	r.buys(t, twin, s.Clock.Now()) // under its old name
	r.stands(t, survivor, isActive, developed, 3)
	must(r.UnmergeContact(r.Ctx(), &contactv1.UnmergeContactRequest{Name: twin.GetName()}))(t)
	r.stands(t, survivor, isSuspect, identified, 3)
	r.stands(t, twin, isActive, developed, 2)

	must(contactv1.NewPrivacyServiceClient(r.Conn).EraseContact(r.Ctx(), &contactv1.EraseContactRequest{Name: twin.GetName(), Reason: contactv1.ErasureReason_ERASURE_REASON_SUBJECT_REQUEST}))(t)
	testkit.Eventually(t, func() error {
		got, err := r.GetLifecycle(r.Ctx(), &contactv1.GetLifecycleRequest{Name: lifecycleOf(twin)})
		if err == nil && (got.GetLifecycleClass() != 0 || got.GetLastPurchaseTime() != nil || got.GetTransition() != nil || got.GetNextChangeTime() != nil) {
			err = fmt.Errorf("of an erased contact is left %v", got)
		}
		return err
	})
}

// CON-14, PLT-03: a rule acts where a contact moved, and a rule says who has no need.
func testLifecycle_rules(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-14", "CON-20", "PLT-03"}, func(t *testing.T, a, _ *api) {
		r := relationOf(a)
		first := labels(t, "welcome", on("LifecycleChanged"),
			`lifecycle.transition.from_class == LifecycleClass.LIFECYCLE_CLASS_PROSPECT && lifecycle.lifecycle_class == LifecycleClass.LIFECYCLE_CLASS_ACTIVE`)
		first.Kind = "lifecycle"
		rule := r.activate(t, first)
		outside := labels(t, "rest_of_world", on("ContactCreated"), `contact.region_code == "AQ"`)
		outside.Actions[0].Parameters.Fields["value"] = object(t, map[string]any{"v": "true"}).GetFields()["v"]
		r.activate(t, outside)
		c := r.named(t, "Dewi")
		r.meets(t, c)
		r.stands(t, c, isProspect, acquired, 1)
		r.buys(t, c, s.Clock.Now())
		d := r.decided(t, rule, "RULE_OUTCOME_FIRED", 1)[0]
		if d.GetResource() != lifecycleOf(c) || !r.marked(t, c.GetName(), "welcome") {
			t.Errorf("decided %v", d)
		}
		r.stands(t, r.create(t, &contactv1.Contact{Kind: person, DisplayName: "Penguin", RegionCode: "AQ"}), isOutside, identified, 1)
		scheduled := labels(t, "x", daily("08:00", "Asia/Jakarta"), "")
		scheduled.Kind = "lifecycle"
		_, err := r.CreateRule(r.Ctx(), &platformv1.CreateRuleRequest{Rule: scheduled})
		refused(t, err, codes.InvalidArgument, "RULE_INVALID")
	})
}

// CON-15: the window is the tenant's, and all count by it at once.
func testLifecycle_window(t *testing.T, s *testkit.Suite) {
	testkit.Both(t, s, []string{"CON-14", "CON-15"}, func(t *testing.T, c *testkit.Client) {
		operator := platformv1.NewTenantServiceClient(c.As(s.As(auth.Operator)).Conn)
		tenant := must(operator.CreateTenant(c.Ctx(), &platformv1.CreateTenantRequest{Tenant: &platformv1.Tenant{DisplayName: "Toko", TimeZone: "Europe/Amsterdam"}}))(t)
		if tenant.GetLifecycleWindowMonths() != 12 {
			t.Errorf("the window reaches back %d months", tenant.GetLifecycleWindowMonths())
		}
		id := uuid.MustParse(strings.TrimPrefix(tenant.GetName(), "tenants/"))
		r := relationOf(of(c.As(s.User(id, "ann", auth.Admin))))
		customer := r.named(t, "Eka")
		r.buys(t, customer, s.Clock.Now().AddDate(0, -2, 0))
		r.stands(t, customer, isActive, retained, 1)
		must(r.UpdateTenant(r.Ctx(), &platformv1.UpdateTenantRequest{Tenant: &platformv1.Tenant{Name: tenant.GetName(), LifecycleWindowMonths: 1}}))(t)
		move := r.stands(t, customer, isInactive, retained, 2).GetTransition()
		if move.GetCause() != byRule || move.GetWindowMonths() != 1 || move.GetTimeZone() != "Europe/Amsterdam" {
			t.Errorf("moved by %v", move)
		}
	})
}

// CON-14, CON-16: a day passes and a customer moves, without any write, once, as of the
// beginning of that day in the tenant's zone; one that was deleted meanwhile makes up for
// it. Where all events come again, nothing moves.
func testLifecycle_time(t *testing.T, s *testkit.Suite, second *testkit.Replica) {
	a, _ := fresh(t, s)
	testkit.Prove(t, testkit.GRPC, "CON-14", "CON-16")
	r := relationOf(a)
	jakarta := must(time.LoadLocation("Asia/Jakarta"))(t)
	s.Clock.Set(time.Date(2027, 3, 15, 9, 0, 0, 0, jakarta))
	c, twice := r.named(t, "Fitri"), r.named(t, "Gita")
	cancelled, deleted := r.named(t, "Hana"), r.named(t, "Indah")
	marked := r.create(t, &contactv1.Contact{Kind: person, DisplayName: "Joko", Labels: map[string]string{"rest_of_world": "true"}})
	r.marks(t, marked, "no")
	r.marks(t, marked, "true")
	r.stands(t, marked, isOutside, identified, 3)
	r.buys(t, c, s.Clock.Now())
	r.buys(t, twice, s.Clock.Now())
	r.buys(t, twice, s.Clock.Now().AddDate(0, -6, 0))
	leaves := time.Date(2028, 3, 16, 0, 0, 0, 0, jakarta)
	if at := r.stands(t, c, isActive, retained, 1); !at.GetNextChangeTime().AsTime().Equal(leaves) {
		t.Errorf("stands at %v, and is to move at %s", at, leaves)
	}
	r.stands(t, twice, isActive, developed, 2)
	o := r.buys(t, cancelled, s.Clock.Now())
	r.stands(t, cancelled, isActive, retained, 1)
	must(r.CancelOrder(r.Ctx(), &salesv1.CancelOrderRequest{Name: o.GetName(), Reason: "returned"}))(t)
	r.stands(t, cancelled, isProspect, acquired, 2)
	r.buys(t, deleted, s.Clock.Now())
	r.stands(t, deleted, isActive, retained, 1)
	must(r.DeleteContact(r.Ctx(), &contactv1.DeleteContactRequest{Name: deleted.GetName()}))(t)
	testkit.Eventually(t, func() error { // the lifecycle hears of it by event
		at, err := r.GetLifecycle(r.Ctx(), &contactv1.GetLifecycleRequest{Name: lifecycleOf(deleted)})
		if err == nil && at.GetNextChangeTime() != nil {
			err = fmt.Errorf("who is deleted is to move at %s", at.GetNextChangeTime().AsTime())
		}
		return err
	})
	s.Clock.Set(leaves.Add(-time.Minute))
	r.stands(t, twice, isActive, retained, 3) // the older purchase has left
	r.stands(t, c, isActive, retained, 1)
	s.Clock.Set(leaves.Add(time.Minute))
	for contact, moves := range map[*contactv1.Contact]int{c: 2, twice: 4} {
		move := r.stands(t, contact, isInactive, retained, moves).GetTransition()
		if move.GetCause() != byTime || !move.GetChangeTime().AsTime().Equal(leaves) || move.GetFromClass() != isActive || move.GetEventId() != "" {
			t.Errorf("moved by %v", move)
		}
	}
	s.Clock.Set(leaves.Add(-time.Hour)) // F25: the boundary comes a second time
	r.meets(t, c)
	s.Clock.Set(leaves.Add(2 * time.Minute))
	r.stands(t, c, isInactive, retained, 2)
	r.stands(t, deleted, isActive, retained, 1)
	must(r.UndeleteContact(r.Ctx(), &contactv1.UndeleteContactRequest{Name: deleted.GetName()}))(t)
	if move := r.stands(t, deleted, isInactive, retained, 2).GetTransition(); move.GetCause() != byTime || !move.GetChangeTime().AsTime().Equal(leaves) {
		t.Errorf("brought back, it moved by %v", move)
	}
	r.buys(t, c, s.Clock.Now())
	r.stands(t, c, isActive, retained, 3)
	testLifecycle_again(t, s, r, second, c)
	r.stands(t, cancelled, isProspect, acquired, 2)
	r.stands(t, marked, isOutside, identified, 3)
}

// testLifecycle_again lets a projection begin anew: nothing is told twice, in the log
// neither.
func testLifecycle_again(t *testing.T, s *testkit.Suite, r relation, second *testkit.Replica, c *contactv1.Contact) {
	t.Helper()
	db := s.Services["contact"].Runtime.DB.System
	logged := func() (n int) {
		t.Helper()
		err := db.QueryRow(r.Ctx(), "SELECT count(*) FROM event_log WHERE type = 'lingkar.contact.v1.LifecycleChanged'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := logged()
	if _, err := db.Exec(r.Ctx(), "UPDATE projection_cursor SET seq = 0 WHERE projection = 'followers'"); err != nil {
		t.Fatal(err)
	}
	second.Stop(t)
	second.Start(t)
	testkit.Eventually(t, func() error {
		var behind int
		err := db.QueryRow(r.Ctx(), `
			SELECT count(*) FROM projection_cursor AS c JOIN partition_head AS h ON h.partition = c.partition
			WHERE c.projection = 'followers' AND c.area = 'contact' AND c.seq < h.seq`).Scan(&behind)
		if err == nil && behind > 0 {
			err = fmt.Errorf("%d partitions are behind", behind)
		}
		return err
	})
	r.stands(t, c, isActive, retained, 3)
	if after := logged(); after != before {
		t.Errorf("%d moves were told where there were %d", after, before)
	}
}
