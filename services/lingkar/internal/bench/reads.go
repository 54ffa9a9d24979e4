package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/lingkar/internal/bench/limit"
)

// readTrips is how many round trips a read may need.
const readTrips = 1

// within says whether a call needs at most so many round trips, but for what is
// shared by many calls and for jobs that went on beside them.
func within(row *Row, most float64) bool { return row.trips() <= most+0.1 }

func (b *bench) getByID(ctx context.Context, n int) error {
	_, err := contactv1.NewContactServiceClient(b.conn).GetContact(ctx, &contactv1.GetContactRequest{Name: b.contact(n)})
	return err
}

// contact answers the name of a contact, another for each n.
func (b *bench) contact(n int) string { return "contacts/" + b.sample[n%len(b.sample)].String() }

// reads opens the limit of reads on a database.
func (b *bench) reads(ctx context.Context, database string) (*limit.Reads, error) {
	return limit.OpenReads(ctx, b.adminURL(database), b.tenant, int32(b.Clients))
}

func get(ctx context.Context, b *bench) (*Row, error) {
	r, err := b.reads(ctx, contactDatabase)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	row, err := b.sideBySide(ctx, b.Clients, workload{contactv1.ContactService_GetContact_FullMethodName, b.getByID},
		b.loop("the same row by pgx, without gRPC", b.Clients, func(ctx context.Context, n int) error { return r.Contact(ctx, b.sample[n%len(b.sample)]) }))
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("get contact, %d clients", b.Clients), "0.45 ms CPU, 1 round trip", "0.28 ms CPU", row.cpu() <= 0.45 && within(row, readTrips)), nil
}

func restGet(ctx context.Context, b *bench) (*Row, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: b.Clients}}
	defer client.CloseIdleConnections()
	row, err := b.sideBySide(ctx, b.Clients,
		workload{contactv1.ContactService_GetContact_FullMethodName, func(ctx context.Context, n int) error { return b.fetch(ctx, client, "/v1/"+b.contact(n)) }},
		b.loop("gRPC get through the gateway", b.Clients, b.getByID))
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("REST get, %d clients", b.Clients), "0.45", "0.60", row.Ratio >= 0.45), nil
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
	row, err := b.sideBySide(ctx, b.Clients, workload{contactv1.ContactService_ListContacts_FullMethodName, func(ctx context.Context, _ int) error {
		_, err := contactv1.NewContactServiceClient(b.conn).ListContacts(ctx, &contactv1.ListContactsRequest{
			PageSize: 50, Filter: `region_code = "ID"`, OrderBy: "create_time desc",
		})
		return err
	}})
	if err != nil {
		return nil, err
	}
	return row.aim(fmt.Sprintf("list of 50 by region, newest first, %d clients", b.Clients), "1.6 ms CPU, 1 round trip", "0.9 ms CPU", row.cpu() <= 1.6 && within(row, readTrips)), nil
}

func (b *bench) viewBusiest(ctx context.Context, at *timestamppb.Timestamp) error {
	_, err := analyticsv1.NewCustomerViewServiceClient(b.conn).GetCustomerView(ctx, &analyticsv1.GetCustomerViewRequest{
		Name: "customers/" + b.busiest.String(), AsOf: at,
	})
	return err
}

const (
	// rankingTimeout is how long the first views after a start may wait for the
	// ranking of all customers, and readyView how long a view takes that does not.
	rankingTimeout = 2 * time.Minute
	readyView      = time.Second
)

// awaitRanking looks at views until they no longer wait for the ranking of all
// customers, which is made after a start, and answers how long that took.
func (b *bench) awaitRanking(ctx context.Context) (time.Duration, error) {
	for began := time.Now(); ; {
		at := time.Now()
		if err := b.viewBusiest(ctx, nil); err != nil || time.Since(at) < readyView || time.Since(began) > rankingTimeout {
			return time.Since(began), err
		}
	}
}

func (b *bench) viewing(at *timestamppb.Timestamp) workload {
	return workload{analyticsv1.CustomerViewService_GetCustomerView_FullMethodName, func(ctx context.Context, _ int) error { return b.viewBusiest(ctx, at) }}
}

// halfLoad is half as many clients as there are cores: then nobody waits for a
// processor.
const halfLoad = 1

func view(ctx context.Context, b *bench) (*Row, error) {
	r, err := b.reads(ctx, analyticsDatabase)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ranked, err := b.awaitRanking(ctx)
	if err != nil {
		return nil, err
	}
	row, err := b.sideBySide(ctx, halfLoad, b.viewing(nil),
		b.loop("50 entries of its timeline by pgx", halfLoad, func(ctx context.Context, _ int) error { return r.Timeline(ctx, b.busiest) }))
	if err != nil {
		return nil, err
	}
	row.note("the first views wait for the ranking of customers, unless it was made before", ranked.Seconds(), "s")
	busy, err := b.sideBySide(ctx, b.Clients, b.viewing(nil))
	if err != nil {
		return nil, err
	}
	row.busy(busy, b.Clients)
	return row.aim("360 view of the busiest customer, 1 client", fmt.Sprintf("p95 10 ms; %d clients: 1.3 ms CPU", b.Clients), "p95 3 ms; 0.6 ms CPU; 1 round trip",
		row.P95 <= 10 && busy.cpu() <= 1.3), nil
}

func asOf(ctx context.Context, b *bench) (*Row, error) {
	if _, err := b.awaitRanking(ctx); err != nil {
		return nil, err
	}
	at := timestamppb.New(b.asOf)
	row, err := b.sideBySide(ctx, halfLoad, b.viewing(at),
		b.loop("the view now", halfLoad, b.viewing(nil).call))
	if err != nil {
		return nil, err
	}
	return row.aim("the same view as of an instant, 1 client", "0.33", "1.0", row.Ratio >= 1.0/3), nil
}
