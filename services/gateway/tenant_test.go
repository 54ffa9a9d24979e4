package gateway_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// want fails the test unless the error has the code and the reason.
func want(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if errs.Code(err) != code || errs.Reason(err) != reason {
		t.Errorf("got %v (%s %s), want %s %s", err, errs.Code(err), errs.Reason(err), code, reason)
	}
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestTenants_belongToOperators(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Both(t, suite, []string{"PLT-30"}, func(t *testing.T, c *testkit.Client) {
		operator := platformv1.NewTenantServiceClient(c.As(suite.As(auth.Operator)).Conn)
		made := must(operator.CreateTenant(c.Ctx(), &platformv1.CreateTenantRequest{
			Tenant: &platformv1.Tenant{DisplayName: " Toko  Maju ", Labels: map[string]string{"via": c.Transport}}, RequestId: "t-" + c.Transport,
		}))(t)
		if made.GetDisplayName() != "Toko Maju" || made.GetCurrencyCode() != "IDR" || made.GetTimeZone() != "Asia/Jakarta" ||
			made.GetState() != platformv1.Tenant_STATE_ACTIVE {
			t.Errorf("made %v", made)
		}
		again := must(operator.CreateTenant(c.Ctx(), &platformv1.CreateTenantRequest{
			Tenant: &platformv1.Tenant{DisplayName: " Toko  Maju ", Labels: map[string]string{"via": c.Transport}}, RequestId: "t-" + c.Transport,
		}))(t)
		if again.GetName() != made.GetName() {
			t.Errorf("the repeated request made %s beside %s", again.GetName(), made.GetName())
		}
		_, err := operator.CreateTenant(c.Ctx(), &platformv1.CreateTenantRequest{
			Tenant: &platformv1.Tenant{DisplayName: "Another"}, RequestId: "t-" + c.Transport,
		})
		want(t, err, codes.InvalidArgument, "IDEMPOTENCY_KEY_REUSED")

		list := must(operator.ListTenants(c.Ctx(), &platformv1.ListTenantsRequest{Filter: `labels.via = "` + c.Transport + `"`}))(t)
		if len(list.GetTenants()) != 1 || list.GetTenants()[0].GetName() != made.GetName() {
			t.Errorf("listed %v", list.GetTenants())
		}

		admin := platformv1.NewTenantServiceClient(c.Conn)
		_, err = admin.ListTenants(c.Ctx(), &platformv1.ListTenantsRequest{})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		_, err = admin.CreateTenant(c.Ctx(), &platformv1.CreateTenantRequest{Tenant: &platformv1.Tenant{DisplayName: "Mine"}})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
		_, err = admin.GetTenant(c.Ctx(), &platformv1.GetTenantRequest{Name: made.GetName()})
		want(t, err, codes.NotFound, "TENANT_NOT_FOUND")
		_, err = admin.UpdateTenant(c.Ctx(), &platformv1.UpdateTenantRequest{Tenant: &platformv1.Tenant{Name: made.GetName(), DisplayName: "Stolen"}})
		want(t, err, codes.NotFound, "TENANT_NOT_FOUND")
	})
}

func TestTenants_areChangedByTheirAdmins(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	operator := suite.Client(t, suite.As(auth.Operator))
	must(platformv1.NewTenantServiceClient(operator.Conn).CreateTenant(operator.Ctx(), &platformv1.CreateTenantRequest{
		Tenant: &platformv1.Tenant{DisplayName: "Toko"}, TenantId: suite.Tenant.String(),
	}))(t)
	testkit.Both(t, suite, []string{"PLT-30"}, func(t *testing.T, c *testkit.Client) {
		own := "tenants/" + suite.Tenant.String()
		admin := platformv1.NewTenantServiceClient(c.Conn)
		changed := must(admin.UpdateTenant(c.Ctx(), &platformv1.UpdateTenantRequest{
			Tenant: &platformv1.Tenant{Name: own, TimeZone: "Asia/Makassar"},
		}))(t)
		if changed.GetTimeZone() != "Asia/Makassar" || changed.GetDisplayName() != "Toko" {
			t.Errorf("changed into %v", changed)
		}
		_, err := admin.UpdateTenant(c.Ctx(), &platformv1.UpdateTenantRequest{
			Tenant: &platformv1.Tenant{Name: own, TimeZone: "Asia/Atlantis", CurrencyCode: "XXX"},
		})
		want(t, err, codes.InvalidArgument, "FIELD_INVALID")
		if found := errs.FieldViolations(err); len(found) != 2 || found[0].Field != "tenant.currency_code" || found[1].Reason != "TIME_ZONE_UNKNOWN" {
			t.Errorf("violations %v", found)
		}
		_, err = admin.UpdateTenant(c.Ctx(), &platformv1.UpdateTenantRequest{
			Tenant: &platformv1.Tenant{Name: own, TimeZone: "UTC", Etag: "stale"},
		})
		want(t, err, codes.Aborted, "ETAG_MISMATCH")
		sales := platformv1.NewTenantServiceClient(c.As(suite.As(auth.Sales)).Conn)
		if seen := must(sales.GetTenant(c.Ctx(), &platformv1.GetTenantRequest{Name: own}))(t); seen.GetDisplayName() != "Toko" {
			t.Errorf("sales sees %v", seen)
		}
		_, err = sales.UpdateTenant(c.Ctx(), &platformv1.UpdateTenantRequest{Tenant: &platformv1.Tenant{Name: own, DisplayName: "x"}})
		want(t, err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// Nobody but operators passes the door of a suspended tenant.
func TestTenants_suspendLocksOut(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	operator := suite.Client(t, suite.As(auth.Operator))
	tenants := platformv1.NewTenantServiceClient(operator.Conn)
	own := "tenants/" + suite.Tenant.String()
	must(tenants.CreateTenant(operator.Ctx(), &platformv1.CreateTenantRequest{
		Tenant: &platformv1.Tenant{DisplayName: "Toko"}, TenantId: suite.Tenant.String(),
	}))(t)
	testkit.Both(t, suite, []string{"PLT-30"}, func(t *testing.T, c *testkit.Client) {
		teams := platformv1.NewTeamServiceClient(c.Conn)
		must(teams.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{}))(t)
		suspended := must(tenants.SuspendTenant(c.Ctx(), &platformv1.SuspendTenantRequest{Name: own}))(t)
		if suspended.GetState() != platformv1.Tenant_STATE_SUSPENDED || suspended.GetAllowedActions()[1] != "ResumeTenant" {
			t.Errorf("suspended into %v", suspended)
		}
		_, err := teams.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{})
		want(t, err, codes.PermissionDenied, "TENANT_SUSPENDED")
		must(platformv1.NewTeamServiceClient(c.Other().Conn).ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{}))(t)
		must(tenants.ResumeTenant(c.Ctx(), &platformv1.ResumeTenantRequest{Name: own}))(t)
		must(teams.ListTeams(c.Ctx(), &platformv1.ListTeamsRequest{}))(t)
	})
}
