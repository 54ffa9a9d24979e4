package server_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Towards CON-40, CON-41, CON-42 and A13 too: one record holds all roles at once; taking one never copies the contact or takes
// another role away.
func testAssignRole(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-08", "CON-24", "CON-37"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		was := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", Roles: []*contactv1.Role{{Kind: customer}}})
		details, err := structpb.NewStruct(map[string]any{"unit": "service desk", "skills": []any{"id", "router"}})
		if err != nil {
			t.Fatal(err)
		}
		must(a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: was.GetName(), Role: &contactv1.Role{Kind: employee, Details: details}}))(t)
		now := must(a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: was.GetName(), Role: &contactv1.Role{Kind: partner}}))(t)
		held := map[contactv1.RoleKind]*contactv1.Role{}
		for _, r := range now.GetRoles() {
			held[r.GetKind()] = r
		}
		if len(held) != 3 || now.GetCustomerId() != was.GetCustomerId() {
			t.Errorf("roles %v", now.GetRoles())
		}
		if got := held[employee].GetDetails().AsMap()["unit"]; got != "service desk" {
			t.Errorf("the role knows %v", held[employee])
		}
		if list := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{}))(t); len(list.GetContacts()) != 1 {
			t.Errorf("three roles made %d contacts", len(list.GetContacts()))
		}
		_, err = a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: was.GetName(), Role: &contactv1.Role{Kind: customer}})
		refused(t, err, codes.FailedPrecondition, "ROLE_ALREADY_HELD")
		_, err = other.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: was.GetName(), Role: &contactv1.Role{Kind: customer}})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		_, err = a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: was.GetName(), Etag: was.GetEtag(), Role: &contactv1.Role{Kind: contactv1.RoleKind_ROLE_KIND_INVESTOR}})
		refused(t, err, codes.Aborted, "ETAG_MISMATCH")
	})
}

func testEndRole(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-08"}, func(t *testing.T, a, other *api) {
		ctx := a.Ctx()
		start := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
		was := a.create(t, &contactv1.Contact{Kind: person, DisplayName: "Siti", Roles: []*contactv1.Role{{Kind: partner, StartTime: timestamppb.New(start)}}})
		end := func(kind contactv1.RoleKind, at time.Time) (*contactv1.Contact, error) {
			return a.EndRole(ctx, &contactv1.EndRoleRequest{Name: was.GetName(), Kind: kind, EndTime: timestamppb.New(at)})
		}
		_, err := end(partner, start.Add(-time.Hour))
		refused(t, err, codes.FailedPrecondition, "ROLE_ENDS_BEFORE_START")
		_, err = end(customer, start)
		refused(t, err, codes.FailedPrecondition, "ROLE_NOT_HELD")
		now := must(end(partner, start.AddDate(1, 0, 0)))(t)
		if r := now.GetRoles(); len(r) != 1 || !r[0].GetEndTime().AsTime().Equal(start.AddDate(1, 0, 0)) || !r[0].GetStartTime().AsTime().Equal(start) {
			t.Errorf("the role does not stay with its dates: %v", r)
		}
		for filter, want := range map[string]int{`roles.PARTNER = "ended"`: 1, `roles.PARTNER = "open"`: 0} {
			if list := must(a.ListContacts(ctx, &contactv1.ListContactsRequest{Filter: filter}))(t); len(list.GetContacts()) != want {
				t.Errorf("%s lists %v", filter, names(list.GetContacts()))
			}
		}
		if now := must(a.AssignRole(ctx, &contactv1.AssignRoleRequest{Name: was.GetName(), Role: &contactv1.Role{Kind: partner}}))(t); len(now.GetRoles()) != 2 {
			t.Errorf("a role that ended cannot be taken again: %v", now.GetRoles())
		}
	})
}
