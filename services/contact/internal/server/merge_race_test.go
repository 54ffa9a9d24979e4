package server_test

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

// I7, F45: contacts that are merged and taken apart by many at once, in all directions, while
// others write to them, stay a forest, and nothing that was recorded is lost.
func testMergeContacts_races(t *testing.T, s *testkit.Suite) {
	a, _ := fresh(t, s)
	const contacts, workers, steps = 6, 6, 25
	var all []*contactv1.Contact
	for range contacts {
		all = append(all, a.named(t, "Twin"))
	}
	var met sync.Map
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 7))
			for range steps {
				x, y := all[random.IntN(contacts)], all[random.IntN(contacts)]
				var err error
				switch random.IntN(4) {
				case 0:
					_, err = a.UnmergeContact(a.Ctx(), &contactv1.UnmergeContactRequest{Name: x.GetName()})
				case 1, 2:
					_, err = a.MergeContacts(a.Ctx(), merging(x, y))
				default:
					a.meets(t, x.GetName(), x.GetName())
					n, _ := met.LoadOrStore(x.GetName(), new(sync.Map))
					n.(*sync.Map).Store(random.Uint64(), true)
				}
				switch errs.Code(err) {
				case codes.OK, codes.FailedPrecondition, codes.Aborted, codes.InvalidArgument:
				default:
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	into := map[string]string{}
	for _, c := range all {
		into[c.GetName()] = a.get(t, c.GetName()).GetMergedInto()
	}
	top := func(name string) string {
		for range contacts {
			if into[name] == "" {
				return name
			}
			name = into[name]
		}
		t.Fatalf("a cycle: %v", into)
		return ""
	}
	want := map[string]int{}
	for _, c := range all {
		if n, ok := met.Load(c.GetName()); ok {
			n.(*sync.Map).Range(func(any, any) bool { want[top(c.GetName())]++; return true })
		}
	}
	for _, c := range all {
		if got := len(a.history(t, c.GetName())); got != want[top(c.GetName())] {
			t.Errorf("the history of %s holds %d, want %d", c.GetName(), got, want[top(c.GetName())])
		}
	}
}

// Who may not see a contact can neither merge it nor take it apart.
func TestMergeContacts_scope(t *testing.T) {
	t.Parallel()
	def := contact.Definition
	def.Policy = maps.Clone(def.Policy)
	for method, rule := range def.Policy {
		def.Policy[method] = maps.Clone(rule)
		def.Policy[method][auth.Sales] = auth.Own
	}
	s := testkit.Start(t, def)
	admin, seller := of(s.Client(t, s.User(s.Tenant, "ann", auth.Admin))), of(s.Client(t, s.User(s.Tenant, "budi", auth.Sales)))
	mine, too := &contactv1.Contact{Kind: person, DisplayName: "Mine", Owner: "users/budi"}, &contactv1.Contact{Kind: person, DisplayName: "Mine too", Owner: "users/budi"}
	b, c, theirs := seller.create(t, mine), seller.create(t, too), admin.create(t, &contactv1.Contact{Kind: person, DisplayName: "Theirs", Owner: "users/ann"})
	_, err := seller.MergeContacts(seller.Ctx(), merging(b, theirs))
	refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	_, err = seller.PreviewMerge(seller.Ctx(), &contactv1.PreviewMergeRequest{Name: b.GetName(), Contacts: []string{theirs.GetName()}})
	refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	seller.merge(t, b, c)
	admin.merge(t, theirs, b)
	_, err = seller.UnmergeContact(seller.Ctx(), &contactv1.UnmergeContactRequest{Name: b.GetName()})
	refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	if got := must(seller.ListContactMerges(seller.Ctx(), &contactv1.ListContactMergesRequest{}))(t); len(got.GetContactMerges()) != 1 {
		t.Errorf("he sees %v", got)
	}
}
