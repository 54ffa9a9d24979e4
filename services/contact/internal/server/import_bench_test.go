package server_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// importTables are where an import of contacts writes; map_entry is filled by
// triggers, with COPY too.
var importTables = []string{"import", "contact", "identifier", "event_log", "outbox", "audit", "import_row"}

// contactRows words n rows of an export, from the first on; changed alters each.
func contactRows(first, n int, changed string) []byte {
	var b bytes.Buffer
	b.WriteString("Record ID,First Name,Last Name,Email,Phone Number,Company name,Job Title,Street,City,Postal Code,Country,Tags\n")
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, "%d,Siti%d,Wijaya %d,siti%d@example.com,+62812%08d,Toko %d,Manager%s,Jl. Melati %d,Bandung,40%03d,ID,gold\n",
			i, i%977, i, i, i, i%5000, changed, i%300, i%1000)
	}
	return b.Bytes()
}

// BenchmarkImport brings 5,000 contacts in, to an empty tenant and to one that has
// 100,000: new ones, the same again, and the same changed. Each time it reports rows/s
// of the import and, for the new ones, of COPY of the rows that the import wrote into
// the same tables, with everything on that production has but durability.
func BenchmarkImport(b *testing.B) {
	const rows = 5_000
	for _, there := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("existing=%d", there), func(b *testing.B) {
			for b.Loop() {
				s := start(b)
				if there > 0 {
					timed(b, s, s.Tenant, contactRows(1_000_000, there, ""))
				}
				tenant := entity.NewID()
				if there > 0 {
					tenant = s.Tenant
				}
				fresh := timed(b, s, tenant, contactRows(0, rows, ""))
				b.ReportMetric(rows/fresh.Seconds(), "new/s")
				b.ReportMetric(rows/timed(b, s, tenant, contactRows(0, rows, "")).Seconds(), "same/s")
				b.ReportMetric(rows/timed(b, s, tenant, contactRows(0, rows, " 2")).Seconds(), "changed/s")
				alone := entity.NewID()
				timed(b, s, alone, contactRows(0, rows, ""))
				copying := testkit.CopyTenant(b, s.Services["contact"].Runtime.DB, alone, entity.NewID(), importTables...)
				b.ReportMetric(rows/copying.Seconds(), "copy/s")
				b.ReportMetric(100*copying.Seconds()/fresh.Seconds(), "%ofcopy")
			}
		})
	}
}

// timed imports a file and answers how long it took from RunImport to the end.
func timed(b *testing.B, s *testkit.Suite, tenant uuid.UUID, content []byte) time.Duration {
	b.Helper()
	c := s.Client(b, s.User(tenant, "ann", auth.Admin))
	ctx, client := c.Ctx(), contactv1.NewImportServiceClient(c.Conn)
	i, err := upload(ctx, b, client, &bulkv1.Import{Kind: "contacts", System: "hubspot"}, content)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if _, err := client.RunImport(ctx, &bulkv1.RunImportRequest{Name: i.GetName()}); err != nil {
		b.Fatal(err)
	}
	for i.GetState() != bulkv1.ImportState_IMPORT_STATE_DONE {
		time.Sleep(20 * time.Millisecond)
		if i, err = client.GetImport(c.Ctx(), &bulkv1.GetImportRequest{Name: i.GetName()}); err != nil || i.GetState() == bulkv1.ImportState_IMPORT_STATE_FAILED {
			b.Fatal(i, err)
		}
	}
	if i.GetCounts().GetFailed() > 0 {
		b.Fatal(i)
	}
	return time.Since(began)
}
