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
	if i := await(c.Ctx(), t, client, i.GetName()); i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE || i.GetUndo().GetDeleted() != people {
		t.Fatalf("state %v, error %q, undone %v", i.GetState(), i.GetError(), i.GetUndo())
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

// An import whose undoing is cut off, between two steps and after one that was committed
// unbeknown to whoever took it, gives each record its values from before, once (CON-49, F03).
func TestFailpoints_importUndo(t *testing.T) {
	s := start(t)
	c := s.Client(t, s.As(auth.Admin))
	client := contactv1.NewImportServiceClient(c.Conn)
	const people = 1200
	file := func(job string) []byte {
		var b strings.Builder
		b.WriteString("First Name,Email,Job Title\n")
		for n := range people {
			fmt.Fprintf(&b, "Person %d,person%d@example.com,%s\n", n, n, job)
		}
		return []byte(b.String())
	}
	bring(c.Ctx(), t, client, &bulkv1.Import{Kind: "contacts"}, file("Clerk"))
	i := bring(c.Ctx(), t, client, &bulkv1.Import{Kind: "contacts"}, file("Boss"))
	if got := counts(i.GetCounts()); got != [5]int64{people, 0, people, 0, 0} {
		t.Fatalf("counts %v, error %q", got, i.GetError())
	}
	testkit.Failpoints(t, "import.after_undo=error@1; write.after_commit=error@2")
	if _, err := client.UndoImport(c.Ctx(), &bulkv1.UndoImportRequest{Name: i.GetName()}); err != nil {
		t.Fatal(err)
	}
	i = await(c.Ctx(), t, client, i.GetName())
	if n := i.GetUndo(); i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE || n.GetRestored() != people || n.GetRows() != people {
		t.Fatalf("state %v, error %q, undone %v", i.GetState(), i.GetError(), n)
	}
	if hits := failpoint.Hits(); hits[failpoint.ImportAfterUndo] < 2 || hits[failpoint.WriteAfterCommit] < 3 {
		t.Errorf("the undoing was not cut off: %v", hits)
	}
	contacts := contactv1.NewContactServiceClient(c.Conn)
	seen := 0
	for token := ""; ; {
		page, err := contacts.ListContacts(c.Ctx(), &contactv1.ListContactsRequest{PageSize: 1000, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, contact := range page.GetContacts() {
			seen++
			if contact.GetJobTitle() != "Clerk" || !strings.HasPrefix(contact.GetEtag(), "3") {
				t.Fatalf("%s is %q with the etag %s, want Clerk by its third change", contact.GetDisplayName(), contact.GetJobTitle(), contact.GetEtag())
			}
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if seen != people {
		t.Errorf("there are %d contacts", seen)
	}
}
