package server_test

import (
	"fmt"
	"testing"
	"time"

	moneypb "google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	active      = analyticsv1.LifecycleClass_LIFECYCLE_CLASS_ACTIVE
	inactive    = analyticsv1.LifecycleClass_LIFECYCLE_CLASS_INACTIVE
	prospect    = analyticsv1.LifecycleClass_LIFECYCLE_CLASS_PROSPECT
	suspect     = analyticsv1.LifecycleClass_LIFECYCLE_CLASS_SUSPECT
	restOfWorld = analyticsv1.LifecycleClass_LIFECYCLE_CLASS_REST_OF_WORLD
)

// A9: a purchase exactly twelve months before the day asked about makes active,
// one a day older does not; the day is that of the tenant's zone.
func testClasses(t *testing.T, s *testkit.Suite) {
	jakarta, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	both(t, s, []string{"A9", "CON-15", "CON-16", "CON-17", "CON-18", "CON-19", "CON-20"}, func(t *testing.T, a *api) {
		today := time.Now().In(jakarta)
		firstDay := time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, jakarta).AddDate(-1, 0, 0)
		if firstDay.Day() != today.Day() {
			t.Skip("on 29 February the first day is another one: see the tests of the window")
		}
		customers := map[string]struct {
			make func(c *contactv1.Contact)
			want analyticsv1.LifecycleClass
		}{
			"bought today":               {func(c *contactv1.Contact) { a.bought(t, c, rupiah(10), time.Now()) }, active},
			"bought as the window began": {func(c *contactv1.Contact) { a.bought(t, c, rupiah(10), firstDay) }, active},
			"bought just before it":      {func(c *contactv1.Contact) { a.bought(t, c, rupiah(10), firstDay.Add(-time.Second)) }, inactive},
			"was met":                    {func(c *contactv1.Contact) { a.meet(t, c, phone, "asked") }, prospect},
			"asked for a brochure":       {func(c *contactv1.Contact) { a.meet(t, c, email, "brochure", brochure) }, prospect},
			"nothing is known":           {func(*contactv1.Contact) {}, suspect},
			"has no need":                {func(c *contactv1.Contact) { a.noNeed(t, c) }, restOfWorld},
			"has no need, but was met":   {func(c *contactv1.Contact) { a.noNeed(t, c); a.meet(t, c, phone, "declined") }, restOfWorld},
			"has no need, but bought":    {func(c *contactv1.Contact) { a.noNeed(t, c); a.bought(t, c, rupiah(10), time.Now()) }, active},
		}
		made := map[string]*contactv1.Contact{}
		for name, c := range customers {
			made[name] = a.customer(t, name)
			c.make(made[name])
		}
		for name, c := range customers {
			if got := a.view(t, number(made[name]), analyticsv1.Section_SECTION_PURCHASES).GetLifecycleClass(); got != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
		// A day later, without any write, the one at the edge is inactive.
		later := timestamppb.New(time.Now().AddDate(0, 0, 1))
		edge := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(made["bought as the window began"]), EffectiveAt: later}))(t)
		if edge.GetLifecycleClass() != inactive {
			t.Errorf("a day later: %s", edge.GetLifecycleClass())
		}
	})
}

func brochure(i *contactv1.Interaction) {
	i.Kind = contactv1.InteractionKind_INTERACTION_KIND_BROCHURE_REQUEST
}

// noNeed marks a contact as one of the rest of the world.
func (a *api) noNeed(t testing.TB, c *contactv1.Contact) {
	t.Helper()
	must(a.UpdateContact(a.Ctx(), &contactv1.UpdateContactRequest{
		Contact: &contactv1.Contact{Name: c.GetName(), Labels: map[string]string{"rest_of_world": "true"}},
	}))(t)
}

// A9, ANA-05, ANA-14: layers add up to the whole, members to their layer, and everybody is
// in one.
func testPyramid(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"A9", "ANA-05", "ANA-14"}, func(t *testing.T, a *api) {
		s := apart(s) // a tenant for each transport
		a = a.as(s.As(auth.Admin))
		now := s.Clock.Now()
		var last *contactv1.Contact
		for i := range 26 {
			last = a.customer(t, fmt.Sprintf("buyer %d", i))
			a.bought(t, last, rupiah(int64(1000+10*i)), now)
		}
		foreign := a.customer(t, "buyer in a currency without a rate")
		a.bought(t, foreign, &moneypb.Money{CurrencyCode: "CHF", Units: 5}, now)
		lost := a.customer(t, "lost")
		a.bought(t, lost, rupiah(70), now.AddDate(-3, 0, 0))
		a.bought(t, lost, rupiah(77), now.AddDate(-2, 0, 0))
		a.meet(t, a.customer(t, "interested"), phone, "hello")
		a.customer(t, "unknown")
		gone := a.customer(t, "deleted")
		must(a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: gone.GetName()}))(t)
		a.settle(t, number(last))

		p := must(a.GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{}))(t)
		want := []int64{1, 1, 4, 21, 1, 1, 1, 0} // of 27 active: ceil(1 %), to ceil(5 %), to ceil(20 %), the rest
		var count, revenue int64
		var shares float64
		for i, layer := range p.GetLayers() {
			if layer.GetLayer() != analyticsv1.PyramidLayer(i+1) || layer.GetCount() != want[i] {
				t.Errorf("layer %d is %v, want %d customers", i, layer, want[i])
			}
			count, revenue, shares = count+layer.GetCount(), revenue+layer.GetRevenue().GetUnits(), shares+layer.GetRevenueShare()
			a.members(t, layer)
		}
		if count != p.GetCount() || revenue != p.GetRevenue().GetUnits() || count != 30 || revenue != 26*1000+10*(25*26/2) {
			t.Errorf("the layers come to %d and %d, the whole is %d and %v", count, revenue, p.GetCount(), p.GetRevenue())
		}
		if shares < 0.999999 || shares > 1.000001 || p.GetUnconvertedCount() != 1 || p.GetWindowMonths() != 12 {
			t.Errorf("shares %f, unconverted %d, window %d", shares, p.GetUnconvertedCount(), p.GetWindowMonths())
		}
		testkit.Eventually(t, func() error { // the marks are a moment old
			v := a.view(t, number(last), analyticsv1.Section_SECTION_PURCHASES)
			if v.GetValueTier() != analyticsv1.ValueTier_VALUE_TIER_HIGH {
				return fmt.Errorf("the best customer is %s", v.GetValueTier())
			}
			return nil
		})
		// One customer of 28 bought twice, three and two years ago; all others once, now.
		if got := p.GetMeanLifetimeMonths(); got < 12.0/28-0.05 || got > 12.0/28+0.05 {
			t.Errorf("customers stay %f months, want %f", got, 12.0/28)
		}
		wide := must(a.GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{WindowMonths: 36}))(t)
		if wide.GetRevenue().GetUnits() != revenue+70+77 {
			t.Errorf("over three years %v", wide.GetRevenue())
		}
		before := must(a.GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{AsOf: timestamppb.New(now.Add(-time.Hour))}))(t)
		if before.GetCount() != 0 {
			t.Errorf("before anything was known: %v", before)
		}
		// What held thirteen months ago, as known now and as known at an instant.
		for _, asOf := range []*timestamppb.Timestamp{nil, timestamppb.New(s.Clock.Now())} {
			earlier := must(a.GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{AsOf: asOf, EffectiveAt: timestamppb.New(now.AddDate(-1, -1, 0))}))(t)
			top, suspects := earlier.GetLayers()[0], earlier.GetLayers()[analyticsv1.PyramidLayer_PYRAMID_LAYER_SUSPECT-1]
			if top.GetCount() != 1 || top.GetRevenue().GetUnits() != 77 || suspects.GetCount() != 29 {
				t.Errorf("thirteen months ago, as of %v: %v", asOf, earlier.GetLayers())
			}
		}
		none := must(a.other().GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{}))(t)
		if none.GetCount() != 0 || none.GetRevenue().GetUnits() != 0 {
			t.Errorf("the other tenant has %v", none)
		}
		_, err := a.as(s.As(auth.Agent)).GetCustomerPyramid(a.Ctx(), &analyticsv1.GetCustomerPyramidRequest{})
		refused(t, "an agent", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// members reads all pages of a layer: they come to what the layer says.
func (a *api) members(t *testing.T, layer *analyticsv1.PyramidLayerSummary) {
	t.Helper()
	var revenue, rank int64
	seen := map[string]bool{}
	for token := ""; ; {
		page := must(a.ListPyramidMembers(a.Ctx(), &analyticsv1.ListPyramidMembersRequest{Layer: layer.GetLayer(), PageSize: 4, PageToken: token}))(t)
		for _, m := range page.GetMembers() {
			if seen[m.GetContact()] || m.GetLayer() != layer.GetLayer() || m.GetCustomerId() == "" || m.GetDisplayName() == "" {
				t.Errorf("member %v", m)
			}
			if m.GetRank() > 0 && m.GetRank() <= rank {
				t.Errorf("rank %d after %d", m.GetRank(), rank)
			}
			seen[m.GetContact()], rank = true, m.GetRank()
			revenue += m.GetRevenue().GetUnits()
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if int64(len(seen)) != layer.GetCount() || revenue != layer.GetRevenue().GetUnits() {
		t.Errorf("%s has %d members with %d, and says %v", layer.GetLayer(), len(seen), revenue, layer)
	}
}
