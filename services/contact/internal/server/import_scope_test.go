package server_test

import (
	"maps"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	bulkv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/bulk/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

// An import reaches as far as the calls of whoever uploaded it: under a policy that
// shows salespeople their own contacts only, a file changes nothing of another's and
// tells nothing about it, as UpdateContact and LookupContact do not (CON-49).
func TestImportScope(t *testing.T) {
	t.Parallel()
	def := contact.Definition
	def.Policy = maps.Clone(def.Policy)
	for method, rule := range def.Policy {
		def.Policy[method] = maps.Clone(rule)
		def.Policy[method][auth.Sales] = auth.Own
	}
	s := testkit.Start(t, def)
	testkit.Prove(t, testkit.GRPC, "CON-49")
	admin := of(s.Client(t, s.User(s.Tenant, "ann", auth.Admin)))
	budi := of(s.Client(t, s.User(s.Tenant, "budi", auth.Sales)))
	theirs := admin.create(t, &contactv1.Contact{
		Kind: person, DisplayName: "Theirs", Owner: "users/ann", ExternalIds: map[string]string{"erp": "1"},
		Identifiers: []*contactv1.Identifier{{Kind: email, Value: "theirs@example.com"}},
	})
	mine := budi.create(t, &contactv1.Contact{
		Kind: person, DisplayName: "Mine", Owner: "users/budi", Identifiers: []*contactv1.Identifier{{Kind: email, Value: "mine@example.com"}},
	})
	file := []byte("Record ID,First Name,Email\n1,Known by its id,new@example.com\n2,Known by its address,theirs@example.com\n3,Mine changed,mine@example.com\n")
	client := contactv1.NewImportServiceClient(budi.Conn)
	i := bring(budi.Ctx(), t, client, &bulkv1.Import{Kind: "contacts", System: "erp"}, file)
	said := report(budi.Ctx(), t, client, i)
	if got := counts(i.GetCounts()); got != [5]int64{3, 1, 1, 0, 1} || strings.Contains(said, theirs.GetName()) {
		t.Errorf("%v%s", got, said)
	}
	if !strings.Contains(said, "CONTACT_EXTERNAL_ID_TAKEN") {
		t.Error("the id of another's contact was taken", said)
	}
	after := must(admin.GetContact(admin.Ctx(), &contactv1.GetContactRequest{Name: theirs.GetName()}))(t)
	if after.GetEtag() != theirs.GetEtag() {
		t.Errorf("another's contact became %v", after)
	}
	list := must(budi.ListContacts(budi.Ctx(), &contactv1.ListContactsRequest{OrderBy: "create_time"}))(t)
	if got := names(list.GetContacts()); len(got) != 2 || list.GetContacts()[0].GetName() != mine.GetName() {
		t.Errorf("he sees %v, want his own and the one he brought", got)
	}
	again := bring(budi.Ctx(), t, client, &bulkv1.Import{Kind: "contacts", System: "erp"}, file)
	if got := counts(again.GetCounts()); got != [5]int64{3, 0, 2, 0, 1} {
		t.Errorf("again: %v", got)
	}
	adminImports := contactv1.NewImportServiceClient(admin.Conn)
	hers, err := upload(admin.Ctx(), t, adminImports, &bulkv1.Import{Kind: "contacts"}, []byte("Name\nX\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetImport(budi.Ctx(), &bulkv1.GetImportRequest{Name: hers.GetName()})
	refused(t, err, codes.NotFound, "IMPORT_NOT_FOUND")
	_, err = client.RunImport(budi.Ctx(), &bulkv1.RunImportRequest{Name: hers.GetName()})
	refused(t, err, codes.NotFound, "IMPORT_NOT_FOUND")
	if _, err := adminImports.GetImport(admin.Ctx(), &bulkv1.GetImportRequest{Name: i.GetName()}); err != nil {
		t.Errorf("an admin sees every import: %v", err)
	}
}
