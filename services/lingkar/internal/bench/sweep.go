package bench

import (
	"context"
	"time"

	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

const (
	// sweepPage is how many pairs one call asks for.
	sweepPage = 1000
	// sweepMost is how long a sweep of a million contacts may take, in minutes.
	sweepMost = 10.0
)

// duplicates goes through all contacts once and compares each with those that may be the
// same, one call after the other.
func duplicates(ctx context.Context, b *bench) (*Row, error) {
	client := contactv1.NewIdentityServiceClient(b.conn)
	before, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	pairs, pages, most := 0, 0, 0.0
	for token := ""; pages == 0 || token != ""; pages++ {
		page, err := client.ListDuplicates(ctx, &contactv1.ListDuplicatesRequest{PageSize: sweepPage, PageToken: token})
		if err != nil {
			return nil, err
		}
		pairs, token = pairs+len(page.GetPairs()), page.GetNextPageToken()
		if used, err := memory(b.child.cmd.Process.Pid); err == nil {
			most = max(most, used)
		}
	}
	took := time.Since(began)
	after, err := b.usage(ctx)
	if err != nil {
		return nil, err
	}
	row := &Row{Unit: "contacts/s", Figure: spread([]float64{float64(b.contacts) / took.Seconds()})}
	row.CPU, _ = after.since(before, "", b.contacts)
	row.note("all contacts took", took.Minutes(), "min")
	row.note("pairs found", float64(pairs), "")
	row.note("calls", float64(pages), "")
	if most > 0 {
		row.note("memory of all services meanwhile, at most", most, "MB")
	}
	perMillion := took.Minutes() / float64(b.contacts) * 1e6
	return row.aim("sweep for duplicates, 1 client", "10 min for a million", "2 min", perMillion <= sweepMost), nil
}
