package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	"github.com/lingkar-crm/lingkar/services/analytics"
)

// A cursor that no answer gave is refused, also one that is well formed and of a
// time to come: waiting for it would be for ever.
func TestWatchEvents_badCursor(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, analytics.Definition)
	c := s.Client(t, s.As(auth.Admin))
	for _, cursor := range []string{"nonsense", "-1", "99999999999999999999999"} {
		ctx, cancel := context.WithTimeout(c.Ctx(), 5*time.Second)
		defer cancel()
		stream, err := analyticsv1.NewEventStoreServiceClient(c.Conn).WatchEvents(ctx, &analyticsv1.WatchEventsRequest{Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = stream.Recv(); errs.Reason(err) != "CURSOR_INVALID" {
			t.Errorf("%s: %v", cursor, err)
		}
	}
}
