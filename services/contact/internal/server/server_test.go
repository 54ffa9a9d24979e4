package server_test

import (
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start runs the contact service on databases of its own.
func start(t testing.TB) *testkit.Suite {
	t.Helper()
	return testkit.Start(t, contact.Definition)
}

// api are the services of the contact area over one transport, as one caller.
type api struct {
	*testkit.Client
	contactv1.ContactServiceClient
	contactv1.RelationshipServiceClient
	contactv1.InteractionServiceClient
	contactv1.ConsentServiceClient
}

func of(c *testkit.Client) *api {
	return &api{
		Client:                    c,
		ContactServiceClient:      contactv1.NewContactServiceClient(c.Conn),
		RelationshipServiceClient: contactv1.NewRelationshipServiceClient(c.Conn),
		InteractionServiceClient:  contactv1.NewInteractionServiceClient(c.Conn),
		ConsentServiceClient:      contactv1.NewConsentServiceClient(c.Conn),
	}
}
