package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/limit"
)

// measures are all rows, in the order of the table.
var measures = []measure{
	{"start", start},
	{"memory-rest", memoryAtRest},
	{"create", create},
	{"record", record},
	{"get", get},
	{"rest-get", restGet},
	{"list", list},
	{"view", view},
	{"as-of", asOf},
	{"visible", visible},
	{"memory-load", memoryUnderLoad},
}

// aim says what a row is to reach.
func (r *Row) aim(what, limit, first, goal string, met bool) *Row {
	r.What, r.Limit, r.First, r.Goal, r.Met = what, limit, first, goal, &met
	return r
}

func (r *Row) cpu() float64 {
	if r.CPU == nil {
		return 0
	}
	return r.CPU.Suite + r.CPU.Postgres
}

func start(_ context.Context, b *bench) (*Row, error) {
	took := b.child.took.Seconds()
	return (&Row{Unit: "s", Figure: spread([]float64{took})}).aim("start of `up` on existing data", "", "2 s", "0.5 s", took <= 2), nil
}

func memoryAtRest(_ context.Context, b *bench) (*Row, error) {
	return b.memoryRow("memory of all services at rest", "150 MB", "80 MB", 150)
}

func memoryUnderLoad(_ context.Context, b *bench) (*Row, error) {
	return b.memoryRow("memory of all services after the loads", "400 MB", "200 MB", 400)
}

func (b *bench) memoryRow(what, first, goal string, most float64) (*Row, error) {
	used, err := memory(b.child.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	return (&Row{Unit: "MB", Figure: spread([]float64{used})}).aim(what, "", first, goal, used <= most), nil
}

// fresh is a contact with an e-mail address and a phone number.
func fresh() *contactv1.Contact {
	id := uuid.New()
	return &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Siti", FamilyName: "Rahayu", LanguageCode: "id", RegionCode: "ID", Source: "web",
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: id.String()[:18] + "@example.com", Primary: true},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: fmt.Sprintf("+62812%08d", id.ID()%100_000_000), Label: "mobile"},
		},
	}
}

func (b *bench) create(ctx context.Context) (*contactv1.Contact, error) {
	return contactv1.NewContactServiceClient(b.conn).CreateContact(ctx, &contactv1.CreateContactRequest{Contact: fresh(), RequestId: uuid.NewString()})
}

func (b *bench) record(ctx context.Context, contact, title string) (*contactv1.Interaction, error) {
	return contactv1.NewInteractionServiceClient(b.conn).RecordInteraction(ctx, &contactv1.RecordInteractionRequest{
		Interaction: &contactv1.Interaction{
			Contact: contact, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND,
			Title: title, Body: "The parcel had not come after three days.", OccurredAt: timestamppb.Now(),
		},
		RequestId: uuid.NewString(),
	})
}

// writes opens the limit of writes with samples of what the suite just wrote.
func (b *bench) writes(ctx context.Context) (*limit.Writes, error) {
	c, err := b.create(ctx)
	if err != nil {
		return nil, err
	}
	i, err := b.record(ctx, c.GetName(), "Asked about delivery")
	if err != nil {
		return nil, err
	}
	w, err := limit.Open(ctx, b.adminURL("postgres"), b.adminURL("lingkar_contact"), int32(b.Clients))
	if err != nil {
		return nil, err
	}
	for _, made := range []struct{ call, name string }{{"create", c.GetName()}, {"record", i.GetName()}} {
		err := w.Sample(ctx, b.admin["lingkar_contact"], made.call, sampleOf(made.call, made.name))
		if err == nil {
			err = w.Call(ctx, made.call)
		}
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("the limit of %s: %w", made.call, err)
		}
	}
	return w, nil
}

// sampleOf says which rows a call wrote that made a resource.
func sampleOf(call, name string) map[string]string {
	id := name[len(name)-36:]
	where := map[string]string{
		"event_log":   fmt.Sprintf("aggregate = '%s'", name),
		"audit":       fmt.Sprintf("resource = '%s'", name),
		"idempotency": fmt.Sprintf("create_time = (SELECT max(create_time) FROM idempotency WHERE method LIKE '%%%s')", map[string]string{"create": "CreateContact", "record": "RecordInteraction"}[call]),
	}
	if call == "create" {
		where["contact"], where["identifier"] = "id = '"+id+"'", "contact = '"+id+"'"
	} else {
		where["interaction"] = "id = '" + id + "'"
	}
	return where
}

func create(ctx context.Context, b *bench) (*Row, error) {
	return b.write(ctx, "create", "create contact", 1.3, func(ctx context.Context, _ int) error {
		_, err := b.create(ctx)
		return err
	})
}

func record(ctx context.Context, b *bench) (*Row, error) {
	return b.write(ctx, "record", "record interaction", 1.3, func(ctx context.Context, n int) error {
		_, err := b.record(ctx, "contacts/"+b.sample[n%len(b.sample)].String(), "Asked about delivery")
		return err
	})
}

func (b *bench) write(ctx context.Context, name, what string, most float64, f call) (*Row, error) {
	w, err := b.writes(ctx)
	if err != nil {
		return nil, err
	}
	row, err := b.sideBySide(ctx, b.Clients, f, func(ctx context.Context, _ int) error { return w.Call(ctx, name) })
	w.Close()
	if dropped := limit.Drop(context.WithoutCancel(ctx), b.adminURL("postgres")); err == nil {
		err = dropped
	}
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("%s, %d clients", what, b.Clients), "one function writing the same rows, by pgx", fmt.Sprintf("0.30; %.2f ms CPU", most), "0.50; 0.70 ms CPU",
		row.Ratio >= 0.30 && row.cpu() <= most), nil
}

func (b *bench) getByID(ctx context.Context, n int) error {
	_, err := contactv1.NewContactServiceClient(b.conn).GetContact(ctx, &contactv1.GetContactRequest{Name: "contacts/" + b.sample[n%len(b.sample)].String()})
	return err
}

// reads opens the limit of reads on a database.
func (b *bench) reads(ctx context.Context, database string) (*limit.Reads, error) {
	return limit.OpenReads(ctx, b.adminURL(database), b.tenant, int32(b.Clients))
}

func get(ctx context.Context, b *bench) (*Row, error) {
	r, err := b.reads(ctx, "lingkar_contact")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	row, err := b.sideBySide(ctx, b.Clients, b.getByID, func(ctx context.Context, n int) error { return r.Contact(ctx, b.sample[n%len(b.sample)]) })
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("get contact, %d clients", b.Clients), "the same row by pgx, without gRPC", "0.45 ms CPU", "0.28 ms CPU", row.cpu() <= 0.45), nil
}

func restGet(ctx context.Context, b *bench) (*Row, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: b.Clients}}
	defer client.CloseIdleConnections()
	row, err := b.sideBySide(ctx, b.Clients, func(ctx context.Context, n int) error {
		return b.fetch(ctx, client, "/v1/contacts/"+b.sample[n%len(b.sample)].String())
	}, b.getByID)
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("REST get, %d clients", b.Clients), "gRPC get through the gateway", "0.45", "0.60", row.Ratio >= 0.45), nil
}

func (b *bench) fetch(ctx context.Context, client *http.Client, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.child.HTTP+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+b.child.Token)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, resp.Status)
	}
	return nil
}

func list(ctx context.Context, b *bench) (*Row, error) {
	row, err := b.sideBySide(ctx, b.Clients, func(ctx context.Context, _ int) error {
		_, err := contactv1.NewContactServiceClient(b.conn).ListContacts(ctx, &contactv1.ListContactsRequest{
			PageSize: 50, Filter: `region_code = "ID"`, OrderBy: "create_time desc",
		})
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("list of 50 by region, newest first, %d clients", b.Clients), "", "1.6 ms CPU", "0.9 ms CPU", row.cpu() <= 1.6), nil
}

func (b *bench) viewBusiest(ctx context.Context, at *timestamppb.Timestamp) error {
	_, err := analyticsv1.NewCustomerViewServiceClient(b.conn).GetCustomerView(ctx, &analyticsv1.GetCustomerViewRequest{
		Name: "customers/" + b.busiest.String(), AsOf: at,
	})
	return err
}

// halfLoad is half as many clients as there are cores: then nobody waits for a
// processor.
const halfLoad = 1

func view(ctx context.Context, b *bench) (*Row, error) {
	r, err := b.reads(ctx, "lingkar_analytics")
	if err != nil {
		return nil, err
	}
	defer r.Close()
	row, err := b.sideBySide(ctx, halfLoad, func(ctx context.Context, _ int) error { return b.viewBusiest(ctx, nil) },
		func(ctx context.Context, _ int) error { return r.Timeline(ctx, b.busiest) })
	if err != nil {
		return nil, err
	}
	return row.aim("360 view of the busiest customer, 1 client", "50 entries of its timeline by pgx", "p95 10 ms; 1.3 ms CPU", "p95 3 ms; 0.6 ms CPU", row.P95 <= 10 && row.cpu() <= 1.3), nil
}

func asOf(ctx context.Context, b *bench) (*Row, error) {
	at := timestamppb.New(b.asOf)
	row, err := b.sideBySide(ctx, halfLoad, func(ctx context.Context, _ int) error { return b.viewBusiest(ctx, at) },
		func(ctx context.Context, _ int) error { return b.viewBusiest(ctx, nil) })
	if err != nil {
		return nil, err
	}
	return row.aim("the same view as of an instant, 1 client", "the view now", "0.33", "1.0", row.Ratio >= 1.0/3), nil
}

// visibleRate is how many events a second are recorded while it is measured when
// they can be seen.
const visibleRate = 200

// visible measures from the answer of a write to the view that has it, which a
// reader asks for by the write's position.
func visible(ctx context.Context, b *bench) (*Row, error) {
	var waits []time.Duration
	ticker := time.NewTicker(time.Second / visibleRate)
	defer ticker.Stop()
	results := make(chan waited, visibleRate)
	sent := 0
	for deadline := time.Now().Add(b.Round * time.Duration(b.Rounds)); time.Now().Before(deadline); sent++ {
		<-ticker.C
		contact, look := b.sample[sent%len(b.sample)], sent%10 == 0
		go func() { results <- b.seen(ctx, contact, look) }()
	}
	for range sent {
		w := <-results
		if w.err != nil {
			return nil, w.err
		}
		if w.measured {
			waits = append(waits, w.wait)
		}
	}
	p99 := quantile(waits, 0.99)
	row := &Row{Unit: "ms", Figure: Spread{Median: p99, Min: quantile(waits, 0), Max: quantile(waits, 1)}, P50: quantile(waits, 0.5), P95: quantile(waits, 0.95)}
	return row.aim(fmt.Sprintf("commit to visible, p99, at %d events/s", visibleRate), "", "50 ms", "10 ms", p99 <= 50), nil
}
