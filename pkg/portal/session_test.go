package portal_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/portal"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// answers is a contact service that answers one session, or fails.
type answers struct {
	grpc.ClientConnInterface
	session *contactv1.PortalSession
	err     error
}

// Invoke implements grpc.ClientConnInterface.
func (a answers) Invoke(_ context.Context, _ string, _, reply any, _ ...grpc.CallOption) error {
	if a.err == nil {
		proto.Merge(reply.(proto.Message), a.session)
	}
	return a.err
}

// Who comes in stands for the contact of the session and those merged into it; where the
// contact service refuses, cannot be reached or answers nonsense, nobody comes in (PLT-01).
func TestAsk(t *testing.T) {
	t.Parallel()
	one, two := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	name := func(id uuid.UUID) string { return "contacts/" + id.String() }
	ctx, err := portal.Ask(answers{session: &contactv1.PortalSession{Contact: name(one), MergedContacts: []string{name(two)}}})(t.Context(), auth.Caller{})
	if err != nil || !slices.Equal(auth.SelfFrom(ctx), []uuid.UUID{one, two}) {
		t.Errorf("stands for %v, %v", auth.SelfFrom(ctx), err)
	}
	for want, conn := range map[codes.Code]answers{
		codes.Unavailable:      {err: errs.Unavailable("SERVICE_UNAVAILABLE", "away", 0)},
		codes.PermissionDenied: {err: errs.Denied("PORTAL_ACCESS_SUSPENDED", "the access is suspended")},
		codes.Internal:         {session: &contactv1.PortalSession{}},
	} {
		if ctx, err := portal.Ask(conn)(t.Context(), auth.Caller{}); errs.Code(err) != want || ctx != nil {
			t.Errorf("got %v, %v, want %s", ctx, err, want)
		}
	}
}
