package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics"
	"github.com/lingkar-crm/lingkar/services/gateway"
)

// A stream of answers comes through both doors as it is told, and so does the
// error that ends one.
func TestDoors_passStreamsOn(t *testing.T) {
	t.Parallel()
	suite := testkit.Start(t, gateway.Definition, analytics.Definition)
	admin := suite.As(auth.Admin)
	token := suite.Token(admin)
	for door, conn := range doors(t, suite, token) {
		t.Run(door, func(t *testing.T) {
			store := analyticsv1.NewEventStoreServiceClient(conn)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			begin := must(store.ListEvents(ctx, &analyticsv1.ListEventsRequest{PageSize: 1000}))(t)
			stream := must(store.WatchEvents(ctx, &analyticsv1.WatchEventsRequest{Cursor: begin.GetNextCursor(), Types: []string{teamCreated}}))(t)
			for _, name := range []string{"A", "B"} {
				made := createTeam(t, suite, admin, name+" of "+door)
				createTeam(t, suite, suite.AsOther(auth.Admin), name+" of "+door)
				if got := must(stream.Recv())(t); got.GetEvent().GetAggregate() != made {
					t.Errorf("heard of %s, want %s", got.GetEvent().GetAggregate(), made)
				}
			}
			broken := must(store.WatchEvents(ctx, &analyticsv1.WatchEventsRequest{Types: []string{"'"}}))(t)
			if _, err := broken.Recv(); errs.Code(err).String() != "InvalidArgument" {
				t.Errorf("a bad type answers %v", err)
			}
		})
	}
}
