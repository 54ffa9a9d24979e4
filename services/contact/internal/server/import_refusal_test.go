package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Rows that only the database can refuse fail by themselves, in a trial as well:
// what one of them is put together with lacks a card that another contact holds.
// The others come in, in their order, once each (CON-49).
func TestImportRefusedRows(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Prove(t, testkit.GRPC, "CON-49")
	c := s.Client(t, s.As(auth.Admin))
	ctx, client, contacts := c.Ctx(), contactv1.NewImportServiceClient(c.Conn), of(c)
	contacts.holder(t, "Holder", card, "K-1")
	bring(ctx, t, client, &bulkv1.Import{Kind: "contacts", System: "erp"}, []byte("Record ID,First Name\n7,Seven\n"))
	var file strings.Builder
	file.WriteString("Record ID,First Name,Email,Card Number\n")
	for i := range 600 { // more than go to the database at once
		number, held := fmt.Sprint(1000+i), fmt.Sprint("N-", i)
		switch i {
		case 540:
			number, held = "7", "K-1" // the card of another
		case 41, 577:
			number, held = fmt.Sprint(1000+i), "N-1" // known by the card
		}
		fmt.Fprintf(&file, "%s,Person %d,p%d@example.com,%s\n", number, i, i, held)
	}
	want := [5]int64{600, 597, 2, 0, 1}
	for _, trial := range []bool{true, false} {
		i := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts", System: "erp", DryRun: trial}, []byte(file.String()))
		if got := counts(i.GetCounts()); got != want || i.GetState() != bulkv1.ImportState_IMPORT_STATE_DONE {
			t.Fatalf("trial %v: %v, want %v%s", trial, got, want, report(ctx, t, client, i))
		}
		failed, err := client.ListImportRows(ctx, &bulkv1.ListImportRowsRequest{Parent: i.GetName(), Outcome: bulkv1.ImportOutcome_IMPORT_OUTCOME_FAILED})
		if err != nil || len(failed.GetRows()) != 1 || failed.GetRows()[0].GetReason() != "CONTACT_CARD_TAKEN" || failed.GetRows()[0].GetLine() != 542 {
			t.Errorf("trial %v: %v, %v", trial, failed, err)
		}
	}
	list, err := contacts.ListContacts(ctx, &contactv1.ListContactsRequest{PageSize: 1000, OrderBy: "create_time"})
	if err != nil || len(list.GetContacts()) != 599 {
		t.Errorf("%d contacts, want 599 (%v)", len(list.GetContacts()), err)
	}
}
