// Package matrix proves that the services do what their policies promise: for each
// RPC, each role, and a record that is the caller's own, its team's, somebody else's,
// another tenant's, deleted, merged, erased or not there at all.
//
// It is derived from the contracts and from the policies, so that a new RPC is tried
// without a line of code here; what becomes of a record that is deleted, merged or
// erased is in testdata/states.tsv, where an RPC without a row fails. Who is refused
// learns nothing: a record out of reach is answered in the same words as none at all,
// whatever else is wrong with the request, and no answer holds its id.
//
// Its limits: a request is one of those that chance finds the services to take, and a
// field that only words of the contract make a name is not known to be one. What random
// input does is in package fuzz, what wrong input does in package badinput.
package matrix

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	"github.com/lingkar-crm/lingkar/services/internal/fleet"
	"github.com/lingkar-crm/lingkar/services/internal/fuzz"
)

func TestMain(m *testing.M) {
	auth.Roles = append(auth.Roles, owning)
	testkit.Main(m)
}

// owning is a role that there is nowhere else: what a policy may grant one some day, over
// records of its own.
const owning auth.Role = "owning"

// TestMatrix tries everything on one set of services: to start them takes longer than to
// ask.
func TestMatrix(t *testing.T) {
	b := newBoard(t)
	t.Run("roles", func(t *testing.T) { testRoles(t, b) })
	t.Run("tenants", func(t *testing.T) { testTenants(t, b) })
	t.Run("scopes", func(t *testing.T) { testScopes(t, b) })
	t.Run("lists", func(t *testing.T) { testLists(t, b) })
	t.Run("timelines", func(t *testing.T) { testTimelines(t, b) })
	t.Run("portal", func(t *testing.T) { testPortal(t, b) })
	t.Run("states", func(t *testing.T) { testStates(t, b) })
	t.Run("views", func(t *testing.T) { testViews(t, b) })
	t.Run("merged", func(t *testing.T) { testMerged(t, b) })
}

// board is all services with two tenants' records in them.
type board struct {
	*testkit.Suite
	methods []fuzz.Method
	// policy is that of all services.
	policy auth.Policy
	// head may do everything but what is the installation's.
	head         auth.Caller
	ours, theirs *stock
	// fixtures are made first, so that all have heard of them when they are tried.
	fixtures *fixtures
	// access lets the person of our stock in through a portal.
	access string
	// others are the ids of the other tenant's records.
	others map[string]bool
}

const (
	ownTeam, otherTeam = "teams/01900000-0000-7000-8000-00000000000a", "teams/01900000-0000-7000-8000-00000000000b"
	self               = "users/one"
)

// everything are the roles of who may do all that is a tenant's.
var everything = []auth.Role{auth.Admin, auth.Manager, auth.Service}

func newBoard(t *testing.T) *board {
	t.Helper()
	b := &board{policy: auth.Policy{}, others: map[string]bool{}}
	definitions := fleet.All()
	for i, d := range definitions {
		definitions[i] = guarded(d)
		maps.Copy(b.policy, definitions[i].Policy)
	}
	b.Suite = testkit.Start(t, definitions...)
	b.methods = fuzz.Methods()
	for _, m := range b.methods {
		if b.policy[m.Full] == nil && installations(m) { // every service lets these in
			b.policy[m.Full] = auth.Allow(auth.All, auth.Service, auth.Operator)
		}
	}
	b.head = b.User(b.Tenant, "head", everything...)
	b.ours, b.theirs = newStock(t, b, b.head, 1), newStock(t, b, b.User(b.Other, "head", everything...), 2)
	b.fixtures = b.newFixtures(t)
	b.access = b.admit(t)
	for _, names := range b.theirs.all {
		for _, name := range names {
			for _, id := range ids.FindAllString(name, -1) {
				b.others[id] = true
			}
		}
	}
	return b
}

// guarded is a service that lets the role owning do what salespeople or agents may with
// the records of customers that are its own: so it is seen that each of these RPCs keeps a
// scope that a policy may grant some day, and not only those where one is granted today.
func guarded(d service.Definition) service.Definition {
	policy := auth.Policy{}
	for method, rule := range d.Policy {
		policy[method] = rule
		if ofCustomers(method) && rule[auth.Sales]+rule[auth.Agent] != auth.None {
			policy[method] = rule.And(auth.Allow(auth.Own, owning))
		}
	}
	d.Policy = policy
	return d
}

// ofCustomers says whether the records that a method tells of belong to somebody, or hang
// on a contact that does.
func ofCustomers(method string) bool {
	return strings.HasPrefix(method, "/lingkar.contact.") || slices.ContainsFunc([]string{
		"/lingkar.sales.v1.LeadService/", "/lingkar.sales.v1.OpportunityService/", "/lingkar.sales.v1.OrderService/", "/lingkar.ticket.v1.TicketService/",
	}, func(service string) bool { return strings.HasPrefix(method, service) })
}

// as is the caller of every trial: the same person in one team, in one role at a time. In
// the role portal it is the person of our stock.
func (b *board) as(roles ...auth.Role) auth.Caller {
	if slices.Contains(roles, auth.Portal) {
		return b.Portal(b.Tenant, b.ours.person, b.access)
	}
	c := b.User(b.Tenant, strings.TrimPrefix(self, "users/"), roles...)
	c.Teams = []string{ownTeam}
	return c
}

// ask sends a request, and fails the test where the answer holds what is another
// tenant's.
func (b *board) ask(t *testing.T, c auth.Caller, m fuzz.Method, request proto.Message) fuzz.Answer {
	t.Helper()
	a := fuzz.CallGRPC(t.Context(), b.Route(c), m, fuzz.Wire(request))
	for n := 0; a.Cut && len(a.Messages) == 0 && n < looks; n++ { // a stream is not watched for long: a slow machine may say nothing yet
		a = fuzz.CallGRPC(t.Context(), b.Route(c), m, fuzz.Wire(request))
	}
	b.demandOurs(t, c, m, request, a)
	return a
}

// demandOurs fails the test where an answer holds what is another tenant's.
func (b *board) demandOurs(t *testing.T, c auth.Caller, m fuzz.Method, request proto.Message, a fuzz.Answer) {
	t.Helper()
	if !installations(m) && !c.Has(auth.Operator) {
		b.demandNone(t, c, m, request, a, b.others, "another tenant's")
	}
}

// demandNone fails the test where an answer holds one of the ids that its request does
// not.
func (b *board) demandNone(t *testing.T, c auth.Caller, m fuzz.Method, request proto.Message, a fuzz.Answer, hidden map[string]bool, what string) {
	t.Helper()
	asked := string(fuzz.Wire(request))
	for _, id := range ids.FindAllString(string(a.Raw), -1) {
		if hidden[id] && !strings.Contains(asked, id) {
			t.Errorf("%s as %v answers %s, which is %s", m.Full, c.Roles, id, what)
			return
		}
	}
}

// installations says whether a method is for those who run the installation or for our
// own processes, across the tenants.
func installations(m fuzz.Method) bool {
	return strings.HasSuffix(string(m.Desc.Parent().FullName()), ".EventLogService") || m.Desc.Parent().FullName() == "google.longrunning.Operations"
}

// each tries every method, several at a time.
func (b *board) each(t *testing.T, try func(m fuzz.Method)) {
	t.Helper()
	var group sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, m := range b.methods {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			try(m)
		})
	}
	group.Wait()
}

// looks is how often a stream that says nothing is looked at again.
const looks = 8

// atOnce is how many methods are tried at a time.
const atOnce = 8

// harmless lets a request change nothing: by validate_only, or by an etag that no record
// has. False where the method takes neither.
func harmless(m fuzz.Method, request proto.Message) bool {
	in := request.ProtoReflect()
	if f := in.Descriptor().Fields().ByName("validate_only"); f != nil {
		in.Set(f, protoreflect.ValueOfBool(true))
		return true
	}
	if m.Standard("Update") {
		in = in.Mutable(m.Resource()).Message()
	}
	f := in.Descriptor().Fields().ByName("etag")
	if f != nil && f.Kind() == protoreflect.StringKind {
		in.Set(f, protoreflect.ValueOfString("stale"))
	}
	return f != nil || m.Reads()
}
