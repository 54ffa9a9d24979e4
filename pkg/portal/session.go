package portal

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Ask answers an Admit that asks the contact service with each call, as the caller itself:
// what it would refuse there is refused here with the same error, and so is everybody
// while it cannot be reached (UNAVAILABLE). So a withdrawal holds for every call that
// begins after it.
func Ask(contact grpc.ClientConnInterface) Admit {
	sessions := contactv1.NewPortalServiceClient(contact)
	return func(ctx context.Context, _ auth.Caller) (context.Context, error) {
		session, err := sessions.GetPortalSession(ctx, &contactv1.GetPortalSessionRequest{Name: "portalSession"})
		if err != nil {
			return nil, err
		}
		self := []uuid.UUID{}
		for _, name := range append([]string{session.GetContact()}, session.GetMergedContacts()...) {
			id, err := uuid.Parse(strings.TrimPrefix(name, "contacts/"))
			if err != nil {
				return nil, errs.Internal(fmt.Errorf("a session stands for %q: %w", name, err))
			}
			self = append(self, id)
		}
		return auth.WithSelf(ctx, self), nil
	}
}
