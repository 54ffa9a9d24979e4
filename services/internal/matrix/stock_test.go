package matrix

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

// ids finds the ids in an answer.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)

// stock is what a tenant has, by the patterns of names.
type stock struct {
	base *fuzz.Baselines
	head auth.Caller
	// creators are the methods that make a record of the pattern.
	creators map[string]fuzz.Method
	// own belongs to the caller, team to its team, strange to somebody else; where a
	// record belongs to nobody, these are the same.
	own, team, strange, deleted map[string]string
	// owned are the patterns of what has an owner.
	owned map[string]bool
	// person is a contact in every role, prices a price list in the currency of all prices
	// that are made.
	person, prices string
	// days is how many prices were tried.
	days int
	// all are the names that the tenant's services have answered.
	all map[string][]string
}

// What is not made: a rule about fields would change what the others see, and there is one
// of a field; a saved view belongs to whoever makes it, and is shared by itself.
const (
	fieldRules = "fieldRules/*"
	savedViews = "savedViews/*"
)

// newStock furnishes a tenant, as somebody who may do everything there.
func newStock(t *testing.T, b *board, head auth.Caller, seed uint64) *stock {
	t.Helper()
	pool := fuzz.Furnish(t.Context(), b.Suite, head, seed).Pool
	s := &stock{
		base: fuzz.NewBaselines(b.Route(head), pool), head: head, creators: map[string]fuzz.Method{}, owned: map[string]bool{},
		own: map[string]string{}, team: map[string]string{}, strange: map[string]string{}, deleted: map[string]string{}, all: map[string][]string{},
	}
	for _, pattern := range pool.Patterns() {
		// What a tenant counts, such as customers/C-000001, is another's name too.
		s.all[pattern] = slices.DeleteFunc(slices.Clone(pool.Names(pattern)), func(name string) bool {
			return strings.Contains(pattern, "*") && !ids.MatchString(name) && !shared[pattern]
		})
		if len(s.all[pattern]) > 0 {
			s.own[pattern], s.team[pattern], s.strange[pattern] = s.all[pattern][0], s.all[pattern][0], s.all[pattern][0]
		}
	}
	s.person, s.prices = everybody(t, b, head), rupiah(t, b, head)
	for _, m := range b.methods {
		pattern := patternOf(m.Desc.Output())
		if !m.Standard("Create") || pattern == "" || m.Streams() || pattern == fieldRules || pattern == savedViews {
			continue
		}
		s.creators[pattern] = m
		s.furnish(t, b, m, pattern)
	}
	// A customer is named by the id of its contact here: its number is another's in
	// another tenant.
	for _, of := range []map[string]string{s.own, s.team, s.strange} {
		of[customers] = "customers/" + idOf(of["contacts/*"])
	}
	return s
}

// furnish makes the records of one pattern.
func (s *stock) furnish(t *testing.T, b *board, create fuzz.Method, pattern string) {
	t.Helper()
	s.owned[pattern] = writable(create, "owner")
	if s.own[pattern] = s.create(t, b, create, self, ""); s.own[pattern] == "" {
		delete(s.creators, pattern)
		return
	}
	if s.team[pattern], s.strange[pattern] = s.own[pattern], s.own[pattern]; s.owned[pattern] {
		s.team[pattern] = s.create(t, b, create, "users/colleague", ownTeam)
		s.strange[pattern] = s.create(t, b, create, "users/stranger", otherTeam)
	}
	if name := s.create(t, b, create, self, ""); s.remove(t, b, pattern, name) {
		s.deleted[pattern] = name
	}
	s.all[pattern] = append(s.all[pattern], s.own[pattern], s.team[pattern], s.strange[pattern])
}

// tries is how many requests are made to find one that makes a record.
const tries = 40

// create makes a record that belongs to somebody and answers its name.
func (s *stock) create(t *testing.T, b *board, m fuzz.Method, owner, team string) string {
	t.Helper()
	var a fuzz.Answer
	for range tries {
		request := s.base.Another(t.Context(), m)
		in := request.ProtoReflect().Mutable(m.Resource()).Message()
		s.suit(in)
		setText(in, "owner", owner)
		setText(in, "team", team)
		if a = fuzz.CallGRPC(t.Context(), b.Route(s.head), m, fuzz.Wire(request)); a.Status.Code() == codes.OK {
			return textOf(a.Messages[0], "name")
		}
		if denied(a) {
			return "" // such as a tenant, which only an operator makes
		}
	}
	t.Errorf("%s makes nothing: %v", m.Full, a.Status)
	return ""
}

// suit lets a record be about what it can be about.
func (s *stock) suit(in protoreflect.Message) {
	switch record := in.Interface().(type) {
	case *contactv1.EmployeeRecord, *contactv1.InformationRequest:
		setText(in, "contact", s.person)
	case *contactv1.PortalAccess:
		record.Contact, record.Roles = s.person, []contactv1.RoleKind{contactv1.RoleKind_ROLE_KIND_INVESTOR}
	case *salesv1.Price: // a day each: there is one at a time
		s.days++
		record.PriceList, record.StartTime = s.prices, timestamppb.New(time.Unix(0, 0).AddDate(0, 0, s.days))
		record.EndTime = timestamppb.New(record.StartTime.AsTime().AddDate(0, 0, 1))
	}
}

func rupiah(t *testing.T, b *board, head auth.Caller) string {
	t.Helper()
	p, err := salesv1.NewPriceListServiceClient(b.Conn("sales", head)).CreatePriceList(t.Context(), &salesv1.CreatePriceListRequest{
		PriceList: &salesv1.PriceList{Code: "matrix", DisplayName: "Rupiah", CurrencyCode: "IDR"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.GetName()
}

// everybody makes a contact who holds the roles that some records are about.
func everybody(t *testing.T, b *board, head auth.Caller) string {
	t.Helper()
	c, err := contactv1.NewContactServiceClient(b.Conn("contact", head)).CreateContact(t.Context(), &contactv1.CreateContactRequest{AllowDuplicates: true, Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: "Wulan",
		Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_EMPLOYEE}, {Kind: contactv1.RoleKind_ROLE_KIND_INVESTOR}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c.GetName()
}

// remove deletes a record; false where there is no method for it.
func (s *stock) remove(t *testing.T, b *board, pattern, name string) bool {
	t.Helper()
	for _, m := range b.methods {
		if field, of := m.Named(); m.Standard("Delete") && field == "name" && of == pattern {
			request := newRequest(m)
			setText(request.ProtoReflect(), "name", name)
			if a := fuzz.CallGRPC(t.Context(), b.Route(s.head), m, fuzz.Wire(request)); a.Status.Code() != codes.OK {
				t.Fatalf("%s: %v", m.Full, a.Status)
			}
			return true
		}
	}
	return false
}

// missing answers a name of the pattern that nothing has. Where it lies within another
// record, that is one of ours.
func (s *stock) missing(pattern string) string {
	id := uuid.Must(uuid.NewV7()).String()
	if name := s.own[pattern]; name != "" && strings.HasSuffix(pattern, "/*") {
		return name[:strings.LastIndexByte(name, '/')+1] + id
	}
	return strings.ReplaceAll(pattern, "*", id)
}

// patternOf answers the pattern of a resource's names; empty where the message is no
// resource, or there is one of it.
func patternOf(d protoreflect.MessageDescriptor) string {
	if patterns := fuzz.ResourcePatterns(d); len(patterns) > 0 && strings.HasSuffix(patterns[0], "/*") {
		return patterns[0]
	}
	return ""
}

// writable says whether a caller may write a text field of the resource.
func writable(create fuzz.Method, field protoreflect.Name) bool {
	f := create.Resource().Message().Fields().ByName(field)
	return f != nil && f.Kind() == protoreflect.StringKind && !f.IsList()
}

// setText sets a text field where the message has it.
func setText(in protoreflect.Message, field protoreflect.Name, value string) {
	if f := in.Descriptor().Fields().ByName(field); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() {
		in.Set(f, protoreflect.ValueOfString(value))
	}
}

func textOf(m proto.Message, field protoreflect.Name) string {
	in := m.ProtoReflect()
	if f := in.Descriptor().Fields().ByName(field); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() {
		return in.Get(f).String()
	}
	return ""
}

// newRequest is an empty request of a method.
func newRequest(m fuzz.Method) proto.Message { return fuzz.NewMessage(m.Desc.Input()).Interface() }
