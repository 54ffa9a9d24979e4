//go:build drill

package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/failpoint"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// An import that is cut off between its steps, and whose undoing is, brings each
// row in once and takes each back once (CON-49).
func TestFailpoints_import(t *testing.T) {
	s := start(t)
	c := s.Client(t, s.As(auth.Admin))
	client := contactv1.NewImportServiceClient(c.Conn)
	const people = 700
	var file strings.Builder
	file.WriteString("First Name,Email\n")
	for n := range people {
		fmt.Fprintf(&file, "Person %d,person%d@example.com\n", n, n)
	}
	testkit.Failpoints(t, "keys.after_fill=error@1; write.before_commit=error@7; import.after_step=error@1; import.after_undo=error@1")
	i := bring(c.Ctx(), t, client, &bulkv1.Import{Kind: "contacts"}, []byte(file.String()))
	if got := counts(i.GetCounts()); got != [5]int64{people, people, 0, 0, 0} || i.GetError() != "" {
		t.Fatalf("counts %v, error %q", got, i.GetError())
	}
	testkit.Eventually(t, func() error {
		_, err := client.UndoImport(c.Ctx(), &bulkv1.UndoImportRequest{Name: i.GetName()})
		return err
	})
	if i := await(c.Ctx(), t, client, i.GetName()); i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE {
		t.Fatalf("state %v, error %q", i.GetState(), i.GetError())
	}
	hits := failpoint.Hits()
	for _, p := range []failpoint.Point{failpoint.KeysAfterFill, failpoint.ImportAfterStep, failpoint.ImportAfterUndo} {
		if hits[p] == 0 {
			t.Errorf("nothing came to %s, so nothing failed there", p)
		}
	}
	contacts, err := contactv1.NewContactServiceClient(c.Conn).ListContacts(c.Ctx(), &contactv1.ListContactsRequest{})
	if err != nil || len(contacts.GetContacts()) != 0 {
		t.Errorf("%d contacts are left (%v)", len(contacts.GetContacts()), err)
	}
}
