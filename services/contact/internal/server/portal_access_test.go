package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// PLT-01: an access opens nothing once it is suspended, revoked or expired, once its role
// has ended, or once its contact is gone: at once, whatever token is out.
func testPortalAccess(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01"}, func(t *testing.T, a, other *api) {
		p := portalsOf(a)
		siti := a.playing(t, "Siti", customer, investing)
		_, err := p.CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Contact: siti.GetName(), Roles: []contactv1.RoleKind{customer, employee}}})
		refused(t, err, codes.FailedPrecondition, "ROLE_NOT_HELD")
		access := a.admit(t, siti.GetName(), customer)
		me := a.enter(t, access)
		in := func() error {
			return second(me.GetContact(me.Ctx(), &contactv1.GetContactRequest{Name: siti.GetName()}))
		}
		out := func(reason string) {
			t.Helper()
			refused(t, in(), codes.PermissionDenied, reason)
			_, err := p.IssuePortalToken(a.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()})
			refused(t, err, codes.FailedPrecondition, reason)
		}
		back := func() {
			t.Helper()
			if err := in(); err != nil {
				t.Error(err)
			}
		}
		back()
		_, err = investorsOf(me).CreateInformationRequest(me.Ctx(), &contactv1.CreateInformationRequestRequest{InformationRequest: &contactv1.InformationRequest{Contact: siti.GetName(), Subject: "x"}})
		refused(t, err, codes.PermissionDenied, "PORTAL_ROLE_MISSING")
		_, err = contactv1.NewFactServiceClient(me.Conn).RecordFact(me.Ctx(), feedback(siti.GetName()))
		refused(t, err, codes.PermissionDenied, "PORTAL_ROLE_MISSING")

		suspended := must(p.SuspendPortalAccess(a.Ctx(), &contactv1.SuspendPortalAccessRequest{Name: access.GetName()}))(t)
		out("PORTAL_ACCESS_SUSPENDED")
		_, err = p.SuspendPortalAccess(a.Ctx(), &contactv1.SuspendPortalAccessRequest{Name: access.GetName()})
		refused(t, err, codes.FailedPrecondition, "PORTAL_ACCESS_NOT_ACTIVE")
		_, err = p.ResumePortalAccess(a.Ctx(), &contactv1.ResumePortalAccessRequest{Name: access.GetName(), Etag: access.GetEtag()})
		refused(t, err, codes.Aborted, "ETAG_MISMATCH")
		must(p.ResumePortalAccess(a.Ctx(), &contactv1.ResumePortalAccessRequest{Name: access.GetName(), Etag: suspended.GetEtag()}))(t)
		back()
		set := func(at time.Time) {
			t.Helper()
			must(p.UpdatePortalAccess(a.Ctx(), &contactv1.UpdatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Name: access.GetName(), ExpireTime: timestamppb.New(at)}}))(t)
		}
		set(s.Clock.Now().Add(-time.Second))
		out("PORTAL_ACCESS_EXPIRED")
		set(s.Clock.Now().Add(time.Hour))
		back()
		must(a.EndRole(a.Ctx(), &contactv1.EndRoleRequest{Name: siti.GetName(), Kind: customer}))(t)
		out("PORTAL_ROLE_ENDED")
		must(a.AssignRole(a.Ctx(), &contactv1.AssignRoleRequest{Name: siti.GetName(), Role: &contactv1.Role{Kind: customer}}))(t)
		back()
		must(a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: siti.GetName()}))(t)
		out("PORTAL_ACCESS_REVOKED")
		must(a.UndeleteContact(a.Ctx(), &contactv1.UndeleteContactRequest{Name: siti.GetName()}))(t)
		back()
		must(p.RevokePortalAccess(a.Ctx(), &contactv1.RevokePortalAccessRequest{Name: access.GetName()}))(t)
		out("PORTAL_ACCESS_REVOKED")
		for call, err := range map[string]error{
			"revoke": second(p.RevokePortalAccess(a.Ctx(), &contactv1.RevokePortalAccessRequest{Name: access.GetName()})),
			"update": second(p.UpdatePortalAccess(a.Ctx(), &contactv1.UpdatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Name: access.GetName(), Subject: "x"}})),
		} {
			if refused(t, err, codes.FailedPrecondition, "PORTAL_ACCESS_REVOKED"); t.Failed() {
				t.Fatal(call)
			}
		}
		left := must(p.GetPortalAccess(a.Ctx(), &contactv1.GetPortalAccessRequest{Name: access.GetName()}))(t)
		if left.GetTokenTime() == nil || len(left.GetAllowedActions()) > 0 {
			t.Errorf("left is %v", left)
		}
		if list := must(p.ListPortalAccesses(a.Ctx(), &contactv1.ListPortalAccessesRequest{Contact: siti.GetName(), Filter: "state = PORTAL_ACCESS_STATE_REVOKED"}))(t); len(list.GetPortalAccesses()) != 1 {
			t.Errorf("listed %v", list)
		}
		_, err = portalsOf(other).GetPortalAccess(other.Ctx(), &contactv1.GetPortalAccessRequest{Name: access.GetName()})
		refused(t, err, codes.NotFound, "PORTAL_ACCESS_NOT_FOUND")
		if list := must(portalsOf(other).ListPortalAccesses(other.Ctx(), &contactv1.ListPortalAccessesRequest{}))(t); len(list.GetPortalAccesses()) > 0 {
			t.Errorf("another tenant lists %v", list)
		}
	})
}

// PLT-01: a token lives as long as was asked for and no longer than its access; asking for
// it again is one coming in, and nothing keeps it.
func testIssuePortalToken(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01"}, func(t *testing.T, a, other *api) {
		siti := a.playing(t, "Siti", customer)
		access := a.admit(t, siti.GetName(), customer)
		issue := func(ttl time.Duration, request string) *contactv1.PortalToken {
			t.Helper()
			req := &contactv1.IssuePortalTokenRequest{Name: access.GetName(), RequestId: request}
			if ttl != 0 {
				req.Ttl = durationpb.New(ttl)
			}
			return must(portalsOf(a).IssuePortalToken(a.Ctx(), req))(t)
		}
		for ttl, want := range map[time.Duration]time.Duration{0: 15 * time.Minute, time.Hour: time.Hour} {
			token := issue(ttl, "")
			c, err := s.Verifier.Verify(t.Context(), token.GetToken())
			if err != nil || c.Subject != access.GetName() || !slices.Equal(c.Roles, []auth.Role{auth.Portal}) || "portalAccesses/"+c.Access.String() != access.GetName() {
				t.Errorf("it says %+v, %v", c, err)
			}
			if life := token.GetExpireTime().AsTime().Sub(s.Clock.Now()); life > want || life < want-time.Minute {
				t.Errorf("asked for %s it lives %s", ttl, life)
			}
		}
		one, two := issue(0, "in"), issue(time.Duration(0), "in")
		if one.GetToken() == two.GetToken() || !proto.Equal(one.GetExpireTime(), two.GetExpireTime()) {
			t.Errorf("answered %v and %v", one, two)
		}
		soon := timestamppb.New(s.Clock.Now().Add(2 * time.Minute).Truncate(time.Microsecond))
		must(portalsOf(a).UpdatePortalAccess(a.Ctx(), &contactv1.UpdatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{Name: access.GetName(), ExpireTime: soon}}))(t)
		if token := issue(time.Hour, ""); !proto.Equal(token.GetExpireTime(), soon) {
			t.Errorf("it outlives its access: %v", token.GetExpireTime())
		}
		for _, ttl := range []time.Duration{-time.Second, time.Second, 2 * time.Hour} {
			_, err := portalsOf(a).IssuePortalToken(a.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName(), Ttl: durationpb.New(ttl)})
			violates(t, err, "ttl", "")
		}
		for _, role := range []auth.Role{auth.Sales, auth.Agent, auth.Marketer, auth.Analyst} {
			staff := of(a.As(s.User(a.Caller.Tenant, string(role), role)))
			_, err := portalsOf(staff).IssuePortalToken(staff.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()})
			refused(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		}
		_, err := portalsOf(other).IssuePortalToken(other.Ctx(), &contactv1.IssuePortalTokenRequest{Name: access.GetName()})
		refused(t, err, codes.NotFound, "PORTAL_ACCESS_NOT_FOUND")
		data := must(rightsOf(a).ExportContactData(a.Ctx(), &contactv1.ExportContactDataRequest{Name: siti.GetName(), Format: contactv1.DataFormat_DATA_FORMAT_JSON}))(t)
		if !containsAll(string(data.GetContent()), access.GetName()) {
			t.Errorf("its data says nothing of its access: %s", data.GetContent())
		}
	})
}

// What cannot be an access is refused with the field.
func testCreatePortalAccess_badInput(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"PLT-01"}, func(t *testing.T, a, other *api) {
		siti := a.playing(t, "Siti", customer)
		good := func() *contactv1.PortalAccess {
			return &contactv1.PortalAccess{Contact: siti.GetName(), Roles: []contactv1.RoleKind{customer}}
		}
		for field, spoil := range map[string]func(*contactv1.PortalAccess){
			"roles":    func(p *contactv1.PortalAccess) { p.Roles = nil },
			"roles[0]": func(p *contactv1.PortalAccess) { p.Roles[0] = 0 },
			"contact":  func(p *contactv1.PortalAccess) { p.Contact = "contacts/me" },
			"subject":  func(p *contactv1.PortalAccess) { p.Subject = "users/ann" },
		} {
			p := good()
			spoil(p)
			_, err := portalsOf(a).CreatePortalAccess(a.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: p})
			violates(t, err, fmt.Sprintf("portal_access.%s", field), "")
		}
		abroad := of(other.Client)
		_, err := portalsOf(abroad).CreatePortalAccess(abroad.Ctx(), &contactv1.CreatePortalAccessRequest{PortalAccess: good()})
		refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
		access := a.admit(t, siti.GetName(), customer)
		_, err = portalsOf(a).UpdatePortalAccess(a.Ctx(), &contactv1.UpdatePortalAccessRequest{PortalAccess: &contactv1.PortalAccess{
			Name: access.GetName(), Roles: []contactv1.RoleKind{investing},
		}})
		refused(t, err, codes.InvalidArgument, "FIELD_IMMUTABLE")
	})
}
