package gateway_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// The first key of an installation comes from its operator's own hands, and does
// what every other does.
func TestCreateTenant_makesTheFirstKey(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition)
	testkit.Prove(t, testkit.GRPC, "PLT-30")
	db := suite.Services["platform"].Runtime.DB
	first := must(gateway.CreateTenant(t.Context(), db, &platformv1.Tenant{DisplayName: "Toko"}, auth.Admin, auth.Operator))(t)
	for door, conn := range doors(t, suite, first.Secret) {
		own := must(platformv1.NewTenantServiceClient(conn).GetTenant(t.Context(), &platformv1.GetTenantRequest{Name: first.Tenant}))(t)
		if own.GetDisplayName() != "Toko" {
			t.Errorf("over %s the tenant is %v", door, own)
		}
		keys := must(platformv1.NewApiKeyServiceClient(conn).ListApiKeys(t.Context(), &platformv1.ListApiKeysRequest{}))(t)
		if len(keys.GetApiKeys()) != 1 || keys.GetApiKeys()[0].GetName() != first.Key {
			t.Errorf("over %s the keys are %v", door, keys)
		}
	}
	if _, err := gateway.CreateTenant(t.Context(), db, &platformv1.Tenant{DisplayName: "x"}, auth.Service); err == nil {
		t.Error("a key became a service")
	}
	_, err := gateway.CreateTenant(t.Context(), db, &platformv1.Tenant{}, auth.Admin)
	want(t, err, codes.InvalidArgument, "FIELD_INVALID")
}
