package gateway_test

import (
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// One caller may have many calls under way at once, at either door.
func TestDoors_takeManyCallsOfOneCaller(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, contact.Definition)
	admin := suite.As(auth.Admin)
	token := suite.Token(admin)
	contacts := []contactv1.ContactServiceClient{
		contactv1.NewContactServiceClient(front(suite, admin)),
		contactv1.NewContactServiceClient(testkit.REST(suite.HTTP, func() string { return token })),
	}
	made := must(contacts[0].CreateContact(t.Context(), &contactv1.CreateContactRequest{Contact: person("Siti")}))(t)
	var calls sync.WaitGroup
	for i := range 160 {
		calls.Go(func() {
			call := func() error {
				_, err := contacts[i%2].GetContact(t.Context(), &contactv1.GetContactRequest{Name: made.GetName()})
				return err
			}
			err := call()
			// A slow machine may take over a second to open a connection to the storage.
			for end := time.Now().Add(time.Minute); status.Code(err) == codes.Unavailable && time.Now().Before(end); {
				err = call()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}
