package matrix

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// ofContacts are the records of other areas that hang on a contact and are listed by it.
var ofContacts = []string{"leads/*", "opportunities/*", "orders/*", "tickets/*"}

// What was recorded of a contact, before it was merged or after, is found by its name and
// by that of every contact that is one with it, in each area; it goes on naming the
// contact it was recorded of, of which the contact service says what it became. Taken
// apart, each has its own again (docs/decisions/0006).
func testMerged(t *testing.T, b *board) {
	testkit.Prove(t, testkit.GRPC, "CON-22")
	f := b.fixtures
	gone, stays := f.person(t), f.person(t)
	records := map[string][]string{}
	record := func(contact string) {
		for _, pattern := range ofContacts {
			records[pattern] = append(records[pattern], f.recorded(t, b, pattern, contact))
		}
	}
	record(gone)
	record(stays)
	if _, err := f.identity.MergeContacts(t.Context(), &contactv1.MergeContactsRequest{Name: stays, Contacts: []string{gone}}); err != nil {
		t.Fatal(err)
	}
	record(gone) // its name is taken for ever
	for _, pattern := range ofContacts {
		b.demandListedBy(t, pattern, gone, records[pattern])
		b.demandListedBy(t, pattern, stays, records[pattern])
	}
	if c, err := f.contacts.GetContact(t.Context(), &contactv1.GetContactRequest{Name: gone}); err != nil || c.GetMergedInto() != stays {
		t.Errorf("%s became %s, %v", gone, c.GetMergedInto(), err)
	}
	if _, err := f.identity.UnmergeContact(t.Context(), &contactv1.UnmergeContactRequest{Name: gone}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range ofContacts {
		b.demandListedBy(t, pattern, gone, []string{records[pattern][0], records[pattern][2]})
		b.demandListedBy(t, pattern, stays, records[pattern][1:2])
	}
}

// recorded makes a record of a contact and answers its name. Who was made just now is
// known to the other areas a moment later.
func (f *fixtures) recorded(t *testing.T, b *board, pattern, contact string) (name string) {
	t.Helper()
	create := b.ours.creators[pattern]
	testkit.Eventually(t, func() error {
		request := b.ours.base.Another(t.Context(), create)
		setText(request.ProtoReflect().Mutable(create.Resource()).Message(), "contact", contact)
		a := fuzz.CallGRPC(t.Context(), b.Route(b.head), create, fuzz.Wire(request))
		if a.Status.Code() != codes.OK {
			return a.Status.Err()
		}
		name = textOf(a.Messages[0], "name")
		if is := textOf(a.Messages[0], "contact"); is != contact {
			t.Errorf("%s is of %s, and was recorded of %s", name, is, contact)
		}
		return nil
	})
	return name
}

// demandListedBy fails the test where the list of an area by a contact does not become
// these records.
func (b *board) demandListedBy(t *testing.T, pattern, contact string, want []string) {
	t.Helper()
	var list fuzz.Method
	for _, m := range b.methods {
		if listed(m) == pattern {
			list = m
		}
	}
	request := newRequest(list)
	setText(request.ProtoReflect(), "filter", fmt.Sprintf("contact = %q", contact))
	testkit.Eventually(t, func() error {
		a := b.ask(t, b.head, list, request)
		if a.Status.Code() != codes.OK {
			return a.Status.Err()
		}
		found := map[string]bool{}
		for _, name := range namesIn(a.Messages[0]) {
			found[name] = true
		}
		for _, name := range want {
			if !found[name] {
				return fmt.Errorf("%s by %s lacks %s: %v", list.Name(), contact, name, found)
			}
		}
		if len(found) != len(want) {
			return fmt.Errorf("%s by %s holds %v, want %v", list.Name(), contact, found, want)
		}
		return nil
	})
}
