package bench

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
)

func TestSpread_isAMedianWithItsRange(t *testing.T) {
	t.Parallel()
	if s := spread([]float64{3, 1, 2}); s != (Spread{Median: 2, Min: 1, Max: 3}) {
		t.Errorf("got %+v", s)
	}
	if s := spread(nil); s != (Spread{}) {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var took []time.Duration
	for ms := 100; ms > 0; ms-- {
		took = append(took, time.Duration(ms)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 51, 0.95: 96, 1: 100} {
		if got := quantile(took, q); got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("of nothing there is a quantile")
	}
}

const metrics = `# HELP lingkar_postgres_trips_total Round trips.
go_memstats_alloc_bytes_total 1.5e+06
go_memstats_mallocs_total 2000
lingkar_postgres_trips_total{database="lingkar_contact",method="/lingkar.contact.v1.ContactService/GetContact",role="contact_app"} 40
lingkar_postgres_trips_total{database="lingkar_contact",method="",role="contact_relay"} 7
`

// A call's own round trips are told from those that went on behind it.
func TestUsage_since(t *testing.T) {
	t.Parallel()
	var before, after usage
	if err := before.read(strings.NewReader(metrics)); err != nil {
		t.Fatal(err)
	}
	later := strings.NewReplacer(" 40\n", " 50\n", " 7\n", " 12\n", "1.5e+06", "2.5e+06", " 2000\n", " 2500\n").Replace(metrics)
	if err := after.read(strings.NewReader(later)); err != nil {
		t.Fatal(err)
	}
	cpu, work := after.since(before, "/lingkar.contact.v1.ContactService/GetContact", 10)
	if want := (Work{Trips: 1, Behind: 0.5, Bytes: 100_000, Objects: 50}); cpu != nil || *work != want {
		t.Errorf("got %+v and %+v, want %+v", cpu, work, want)
	}
	// One trip a call is one: a 49th taken 49 times is not.
	before, after = usage{trips: map[string]float64{}}, usage{trips: map[string]float64{"GetContact": 49}}
	if _, work := after.since(before, "GetContact", 49); work.Trips != 1 {
		t.Errorf("49 round trips of 49 calls: %v each", work.Trips)
	}
	if err := new(usage).read(strings.NewReader("go_memstats_mallocs_total 1\n")); err == nil {
		t.Error("metrics without round trips are taken")
	}
}

func TestLongestGap(t *testing.T) {
	t.Parallel()
	zero := time.Now()
	at := func(ms ...int) (instants []time.Time) {
		for _, m := range ms {
			instants = append(instants, zero.Add(time.Duration(m)*time.Millisecond))
		}
		return instants
	}
	for name, c := range map[string]struct {
		grown []time.Time
		want  int
	}{
		"a long pause before the fault does not count": {at(0, 900, 1000, 1010, 1500, 1520), 490},
		"a pause that the fault begins in counts":      {at(0, 900, 1400, 1410, 1500), 500},
		"nothing ever again":                           {at(0, 990), 610},
		"nothing at all":                               {nil, 600},
	} {
		if got := longestGap(c.grown, zero.Add(time.Second), zero.Add(1600*time.Millisecond)); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%s: %s, want %d ms", name, got, c.want)
		}
	}
}

func TestOutcomes_note(t *testing.T) {
	t.Parallel()
	told, err := status.New(codes.ResourceExhausted, "full").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	o := &outcomes{}
	for _, err := range []error{nil, told.Err(), status.Error(codes.ResourceExhausted, "full"), status.Error(codes.DeadlineExceeded, "late"), errUnsent} {
		o.note(time.Millisecond, err)
	}
	if len(o.took) != 1 || o.refused != 2 || o.told != 1 || o.expired != 1 || o.unsent != 1 || o.failed != nil || o.noted != 5 {
		t.Errorf("got %+v", o)
	}
	o.note(0, status.Error(codes.Internal, "bug"))
	if o.failed == nil {
		t.Error("an internal error counts as an answer")
	}
}

// Every table whose resources a list RPC answers by filter and order is found; those
// listed below a parent are not.
func TestListRPC_findsTheListsOfAllAreas(t *testing.T) {
	t.Parallel()
	found := map[string]string{}
	for _, d := range fleet.All() {
		if d.Lists == nil {
			continue
		}
		for name, table := range d.Lists() {
			if m := listRPC(d.Area, table.Def()); m != nil {
				found[name] = m.full
			}
		}
	}
	for table, want := range map[string]string{
		"contact":       "/lingkar.contact.v1.ContactService/ListContacts",
		"interaction":   "/lingkar.contact.v1.InteractionService/ListInteractions",
		"consent":       "/lingkar.contact.v1.ConsentService/ListConsents",
		"relationship":  "/lingkar.contact.v1.RelationshipService/ListRelationships",
		"lead":          "/lingkar.sales.v1.LeadService/ListLeads",
		"opportunity":   "/lingkar.sales.v1.OpportunityService/ListOpportunities",
		"sales_order":   "/lingkar.sales.v1.OrderService/ListOrders",
		"ticket":        "/lingkar.ticket.v1.TicketService/ListTickets",
		"touch":         "/lingkar.campaign.v1.TouchService/ListTouches",
		"exchange_rate": "/lingkar.platform.v1.ExchangeRateService/ListExchangeRates",
		"message":       "",
	} {
		if found[table] != want {
			t.Errorf("table %s is listed by %q, want %q", table, found[table], want)
		}
	}
}

func TestSampled_written(t *testing.T) {
	t.Parallel()
	row := sampled{"owner": `users/"a"`, "pinned": true, "nothing": nil, "contact": "0190a000-0000-7000-8000-0000000000aa"}
	for _, c := range []struct {
		field postgres.Field
		want  string
	}{
		{postgres.Field{Path: "owner"}, `"users/\"a\""`},
		{postgres.Field{Path: "is_pinned", Column: "pinned", Type: postgres.Bool}, "true"},
		{postgres.Field{Path: "nothing", Type: postgres.Time}, ""},
		{postgres.Field{Path: "contact", Type: postgres.UUID}, "0190a000-0000-7000-8000-0000000000aa"},
	} {
		if got := row.written(c.field); got != c.want {
			t.Errorf("%s is written %s, want %s", c.field.Path, got, c.want)
		}
	}
}

// Growth is told by processor time where it is known, and the parts that grew most.
func TestGrowth(t *testing.T) {
	t.Parallel()
	at := func(contacts int, p95, cpu, part float64) *Results {
		return &Results{Reports: []*Report{{Contacts: contacts, Rows: []Row{
			{ID: "get", What: "get contact", P95: p95, CPU: &CPU{Suite: cpu}, Work: &Work{}},
			{ID: "lists", What: "lists", Details: []Detail{{Name: "lead by owner", Value: part, Unit: "ms"}, {Name: "seen", Value: 9, Unit: "calls"}}},
		}}}}
	}
	var out strings.Builder
	if err := Growth(&out, at(1_000_000, 30, 0.6, 6), at(10_000, 10, 0.5, 2)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"from 10000 to 1000000", "3.00×", "1.20×", "met, goal too", "0 of 1 grew", "lead by owner"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := Growth(&out, at(10_000, 1, 1, 1), at(10_100, 1, 1, 1)); err == nil {
		t.Error("two runs of one size have a growth")
	}
	if err := Compare(&out, at(10_000, 1, 1, 1), at(1_000_000, 1, 1, 1)); err == nil {
		t.Error("two sizes compare")
	}
}

func TestCheck_namesTheRows(t *testing.T) {
	t.Parallel()
	if err := Check([]string{"get", "overload"}); err != nil {
		t.Error(err)
	}
	if err := Check([]string{"gets"}); err == nil || !strings.Contains(err.Error(), "overload") {
		t.Errorf("a row that is not there: %v", err)
	}
}
