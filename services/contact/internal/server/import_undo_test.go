package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

// takeBack undoes an import and answers it when it has ended, with its rows.
func takeBack(t *testing.T, a *api, name string) (*bulkv1.Import, []*bulkv1.ImportRow) {
	t.Helper()
	client := contactv1.NewImportServiceClient(a.Conn)
	must(client.UndoImport(a.Ctx(), &bulkv1.UndoImportRequest{Name: name}))(t)
	i := await(a.Ctx(), t, client, name)
	if i.GetState() != bulkv1.ImportState_IMPORT_STATE_UNDONE {
		t.Fatalf("%s, error %q", i.GetState(), i.GetError())
	}
	return i, must(client.ListImportRows(a.Ctx(), &bulkv1.ListImportRowsRequest{Parent: name, PageSize: 1000}))(t).GetRows()
}

// CON-49: taken back, an import leaves what it changed as it was before, field by
// field, entry by entry and element by element, except what somebody has changed since.
// Erased and merged contacts are left alone.
func testImportUndo(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-49"}, func(t *testing.T, a, other *api) {
		ctx, client := a.Ctx(), contactv1.NewImportServiceClient(a.Conn)
		people := []string{"Budi", "Siti", "Rina", "Dodi", "Eko", "Gita"}
		before := map[string]*contactv1.Contact{}
		for _, name := range people {
			before[name] = a.create(t, &contactv1.Contact{
				Kind: person, GivenName: name, JobTitle: "Clerk", Labels: map[string]string{"tier": "old"},
				Identifiers:  []*contactv1.Identifier{{Kind: email, Value: strings.ToLower(name) + "@example.com", Primary: true}},
				CustomFields: custom(t, map[string]any{"industry": "tea"}),
			})
		}
		file := "First Name,Email,Job Title,Phone,labels.tier,labels.wave,custom_fields.industry,custom_fields.seats\n"
		for _, name := range people[:4] {
			file += fmt.Sprintf("%s,%s@example.com,Boss,+62 812 3456 78%d,new,2,rice,7\n", name, strings.ToLower(name), slices.Index(people, name))
		}
		file += "Eko,eko@example.com,Clerk,,,,,\nFajar,fajar@example.com,,,,,,\nFajar,fajar@example.com,Again,,,,,\n"
		i := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte(file))
		if got := counts(i.GetCounts()); got != [5]int64{7, 1, 6, 0, 0} {
			t.Fatalf("counts %v%s", got, report(ctx, t, client, i))
		}

		get := func(name string) *contactv1.Contact {
			return must(a.GetContact(ctx, &contactv1.GetContactRequest{Name: before[name].GetName()}))(t)
		}
		update := func(c *contactv1.Contact, paths ...string) {
			c.Etag = ""
			must(a.UpdateContact(ctx, &contactv1.UpdateContactRequest{Contact: c, UpdateMask: mask(paths...)}))(t)
		}
		budi := get("Budi")
		budi.Identifiers = append(budi.Identifiers, &contactv1.Identifier{Kind: email, Value: "budi@home.example", Label: "home"})
		budi.Labels["seen"] = "yes"
		update(budi, "identifiers", "labels.seen")
		siti := get("Siti") // away from what the import set, and back: that is her own decision now
		siti.JobTitle = "Director"
		update(siti, "job_title")
		siti.JobTitle = "Boss"
		update(siti, "job_title")
		must(rightsOf(a).EraseContact(ctx, &contactv1.EraseContactRequest{Name: before["Rina"].GetName(), Reason: askedFor}))(t)
		must(a.MergeContacts(ctx, &contactv1.MergeContactsRequest{Name: before["Gita"].GetName(), Contacts: []string{before["Dodi"].GetName()}}))(t)

		_, err := contactv1.NewImportServiceClient(other.Conn).UndoImport(other.Ctx(), &bulkv1.UndoImportRequest{Name: i.GetName()})
		refused(t, err, codes.NotFound, "IMPORT_NOT_FOUND")
		i, rows := takeBack(t, a, i.GetName())
		want := &bulkv1.ImportUndoCounts{Rows: 7, Deleted: 2, Restored: 1, Unchanged: 1, Kept: 3}
		if diff := cmp.Diff(want, i.GetUndo(), protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		for n, want := range []string{
			"RESTORED  []", "KEPT CHANGED_SINCE [job_title]", "KEPT DELETED []", "KEPT CONTACT_MERGED []", "UNCHANGED  []", "DELETED  []", "DELETED  []",
		} {
			r := rows[n]
			if got := fmt.Sprint(strings.TrimPrefix(r.GetUndo().String(), "IMPORT_UNDO_"), " ", r.GetUndoReason(), " ", r.GetKeptFields()); got != want {
				t.Errorf("line %d: %s, want %s", r.GetLine(), got, want)
			}
		}
		kept := must(client.ListImportRows(ctx, &bulkv1.ListImportRowsRequest{Parent: i.GetName(), Undo: bulkv1.ImportUndo_IMPORT_UNDO_KEPT}))(t)
		if len(kept.GetRows()) != 3 {
			t.Errorf("%d rows are listed as kept, want 3", len(kept.GetRows()))
		}

		wanted := before["Budi"]
		wanted.Identifiers = append(wanted.Identifiers, &contactv1.Identifier{Kind: email, Value: "budi@home.example", Label: "home"})
		wanted.Labels["seen"] = "yes"
		same(t, wanted, get("Budi"))
		wanted = before["Siti"]
		wanted.JobTitle = "Boss"
		same(t, wanted, get("Siti"))
		if left := get("Rina"); left.GetGivenName() != "" || left.GetJobTitle() != "" || left.GetEraseTime() == nil {
			t.Errorf("of the erased contact is left %v", left)
		}

		_, err = client.UndoImport(ctx, &bulkv1.UndoImportRequest{Name: i.GetName()})
		refused(t, err, codes.FailedPrecondition, "IMPORT_RUNNING")
	})
}

// same compares what callers write.
func same(t *testing.T, want, got *contactv1.Contact) {
	t.Helper()
	ignored := protocmp.IgnoreFields(&contactv1.Contact{}, "update_time", "etag", "allowed_actions")
	if diff := cmp.Diff(want, got, protocmp.Transform(), ignored); diff != "" {
		t.Error(diff)
	}
}

// A second row of the same file, a second import and one that is taken back after it
// do not hide what was before: each takes its own back.
func testImportUndo_chain(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	ctx, client := a.Ctx(), contactv1.NewImportServiceClient(a.Conn)
	bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte("First Name,Email,Job Title\nBudi,budi@example.com,Clerk\n"))
	one := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte("First Name,Email,Job Title\nBudi,budi@example.com,Baker\nBudi,budi@example.com,Boss\n"))
	two := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte("First Name,Email,Note\nBudi,budi@example.com,Likes tea\n"))
	now := func() *contactv1.Contact {
		found := must(a.LookupContact(ctx, &contactv1.LookupContactRequest{Identifier: &contactv1.LookupContactRequest_Email{Email: "budi@example.com"}}))(t)
		return found.GetContacts()[0]
	}
	i, _ := takeBack(t, a, one.GetName())
	if c := now(); c.GetJobTitle() != "Clerk" || c.GetNote() != "Likes tea" || i.GetUndo().GetRestored() != 2 {
		t.Errorf("%q, %q, %v", c.GetJobTitle(), c.GetNote(), i.GetUndo())
	}
	takeBack(t, a, two.GetName())
	if c := now(); c.GetJobTitle() != "Clerk" || c.GetNote() != "" {
		t.Errorf("%q, %q", c.GetJobTitle(), c.GetNote())
	}
	trial := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts", DryRun: true}, []byte("First Name,Email,Note\nBudi,budi@example.com,Likes tea\n"))
	if i, rows := takeBack(t, a, trial.GetName()); i.GetUndo().GetRows() != 0 || rows[0].GetUndo() != 0 {
		t.Errorf("a trial was taken back: %v, %v", i.GetUndo(), rows)
	}
}

// Two processes that take one import back do each row once, and each record has one
// change of it (F03).
func TestImportUndo_twoReplicas(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Prove(t, testkit.GRPC, "CON-49")
	a := of(s.Client(t, s.As(auth.Admin)))
	ctx, client := a.Ctx(), contactv1.NewImportServiceClient(a.Conn)
	const people = 1200
	var first, second strings.Builder
	first.WriteString("First Name,Email,Job Title\n")
	second.WriteString("First Name,Email,Job Title\n")
	for n := range people {
		fmt.Fprintf(&first, "P%d,p%d@example.com,Clerk\n", n, n)
		fmt.Fprintf(&second, "P%d,p%d@example.com,Boss\n", n, n)
	}
	bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte(first.String()))
	i := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte(second.String()))
	replica := s.Replica(t, contact.Definition, 0)
	defer replica.Stop(t)
	i, _ = takeBack(t, a, i.GetName())
	if diff := cmp.Diff(&bulkv1.ImportUndoCounts{Rows: people, Restored: people}, i.GetUndo(), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	seen := 0
	for page := (&contactv1.ListContactsRequest{PageSize: 100}); ; {
		list := must(a.ListContacts(ctx, page))(t)
		for _, c := range list.GetContacts() {
			if c.GetJobTitle() != "Clerk" || !strings.HasPrefix(c.GetEtag(), "3") {
				t.Fatalf("%s is %q with etag %s, want Clerk by its third change", c.GetDisplayName(), c.GetJobTitle(), c.GetEtag())
			}
		}
		seen += len(list.GetContacts())
		if page.PageToken = list.GetNextPageToken(); page.PageToken == "" {
			break
		}
	}
	if seen != people {
		t.Errorf("%d contacts, want %d", seen, people)
	}
}

// What taking back cannot change it reports, and stops for nothing (B26).
func testImportUndo_gone(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	ctx, client := a.Ctx(), contactv1.NewImportServiceClient(a.Conn)
	budi := a.create(t, &contactv1.Contact{Kind: person, GivenName: "Budi", Identifiers: []*contactv1.Identifier{{Kind: email, Value: "budi@example.com"}}})
	i := bring(ctx, t, client, &bulkv1.Import{Kind: "contacts"}, []byte("First Name,Email,Job Title\nBudi,budi@example.com,Boss\nSiti,siti@example.com,\n"))
	must(a.DeleteContact(ctx, &contactv1.DeleteContactRequest{Name: budi.GetName()}))(t)
	_, rows := takeBack(t, a, i.GetName())
	if rows[0].GetUndoReason() != "DELETED" || rows[1].GetUndo() != bulkv1.ImportUndo_IMPORT_UNDO_DELETED {
		t.Errorf("%v", rows)
	}
	_, err := client.UndoImport(ctx, &bulkv1.UndoImportRequest{Name: "contactImports/" + uuid.NewString()})
	if errs.Code(err) != codes.InvalidArgument {
		t.Errorf("%v", err)
	}
	_, err = client.ListImportRows(ctx, &bulkv1.ListImportRowsRequest{Parent: i.GetName(), Undo: 9})
	violates(t, err, "undo", "FIELD_INVALID")
}
