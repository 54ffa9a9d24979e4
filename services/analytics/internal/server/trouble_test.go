package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
)

// These tests break what all tenants share, so each has services of its own.

// One section that cannot be read never hides the others.
func TestGetCustomerView_failedSection(t *testing.T) {
	t.Parallel()
	s := start(t)
	both(t, s, []string{"CON-01"}, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Siti")
		a.complain(t, c, "wrong colour")
		a.bought(t, c, rupiah(10), s.Clock.Now())
		a.settle(t, number(c))
		mend := meddle(t, s, "ALTER TABLE fact RENAME TO fact_away", "ALTER TABLE fact_away RENAME TO fact")

		v := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)}))(t)
		for name, status := range statuses(v) {
			want := ok
			if name == "purchases" || name == "satisfaction" {
				want = failed
			}
			if status.GetState() != want || (status.GetError() != nil) != (want == failed) {
				t.Errorf("%s is %v, want %s", name, status, want)
			}
		}
		if v.GetLifecycleClass() != 0 || v.GetPurchases().GetStatus().GetError().GetMessage() != "internal error" {
			t.Errorf("class %s, error %v", v.GetLifecycleClass(), v.GetPurchases().GetStatus().GetError())
		}
		if len(v.GetTickets().GetItems()) != 1 || len(v.GetOrders().GetItems()) != 1 || len(v.GetTimeline()) != 3 {
			t.Errorf("the rest has %v, %v, %v", v.GetTickets(), v.GetOrders(), titles(v.GetTimeline()))
		}
		mend()
		if v := a.view(t, number(c)); v.GetPurchases().GetStatus().GetState() != ok || v.GetPurchases().GetCount() != 1 {
			t.Errorf("mended, the purchases are %v", v.GetPurchases())
		}
	})
}

// meddle changes the database of analytics as its owner, until mend is called.
func meddle(t testing.TB, s *testkit.Suite, breaking, mending string) (mend func()) {
	t.Helper()
	conn := testkit.Owner(t, "analytics", s.Services["analytics"].Runtime.DB)
	change := func(sql string) {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	change(breaking)
	return func() { change(mending) }
}

// An event that cannot be applied is parked with the later ones of its customer;
// everybody else's go on, the view says so, and an operator sets it right.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := start(t)
	both(t, s, []string{"CON-34"}, func(t *testing.T, a *api) {
		c, neighbour := a.customer(t, "Ibu Siti"), a.customer(t, "Pak Budi")
		a.acquaint(t, c) // it moves in its lifecycle no more
		a.settle(t, number(c))
		a.settle(t, number(neighbour))
		operator := a.as(s.As(auth.Operator))
		refuse := fmt.Sprintf("ALTER TABLE timeline ADD CONSTRAINT poison CHECK (contact <> '%s') NOT VALID", c.GetName()[len("contacts/"):])
		mend := meddle(t, s, refuse, "ALTER TABLE timeline DROP CONSTRAINT poison")

		a.meet(t, c, phone, "first")
		a.meet(t, c, phone, "second")
		a.meet(t, neighbour, phone, "of somebody else")
		letters := operator.deadLetters(t, 2)
		if letters[0].GetCause() == "" || letters[1].GetCause() != "" || letters[0].GetEvent().GetInteraction().GetTitle() != "" {
			t.Errorf("dead letters %v: want the first with its cause, the second without, personal fields sealed", letters)
		}
		if v := a.view(t, number(neighbour)); len(v.GetTimeline()) != 2 || v.GetTimelineStatus().GetState() != ok {
			t.Errorf("the neighbour has %v, %v", titles(v.GetTimeline()), v.GetTimelineStatus())
		}
		v := a.view(t, number(c))
		if v.GetTimelineStatus().GetState() != stale || v.GetProfileStatus().GetState() != stale ||
			v.GetTickets().GetStatus().GetState() != ok || len(v.GetTimeline()) != 2 {
			t.Errorf("timeline %v, profile %v, tickets %v", v.GetTimelineStatus(), v.GetProfileStatus(), v.GetTickets().GetStatus())
		}
		_, err := operator.RetryDeadLetter(a.Ctx(), &analyticsv1.RetryDeadLetterRequest{Name: letters[0].GetName()})
		refused(t, "a retry before anything was mended", err, codes.FailedPrecondition, "EVENT_STILL_FAILS")

		mend()
		retry := &analyticsv1.RetryDeadLetterRequest{Name: letters[0].GetName(), RequestId: uuid.NewString()}
		retried := must(operator.RetryDeadLetter(a.Ctx(), retry))(t)
		if again := must(operator.RetryDeadLetter(a.Ctx(), retry))(t); again.GetAppliedCount() != retried.GetAppliedCount() {
			t.Errorf("repeated, the retry answers %v, and first %v", again, retried)
		}
		v = a.view(t, number(c))
		if got := titles(v.GetTimeline()); retried.GetAppliedCount() != 2 || !slices.Equal(got[:2], []string{"second", "first"}) || v.GetTimelineStatus().GetState() != ok {
			t.Errorf("%d were applied, the timeline is %v, %v", retried.GetAppliedCount(), got, v.GetTimelineStatus())
		}

		mend = meddle(t, s, refuse, "ALTER TABLE timeline DROP CONSTRAINT poison")
		a.meet(t, c, phone, "given up")
		a.meet(t, c, phone, "third")
		letters = operator.deadLetters(t, 2)
		mend()
		discarded := must(operator.DiscardDeadLetter(a.Ctx(), &analyticsv1.DiscardDeadLetterRequest{Name: letters[0].GetName(), Reason: "recorded by mistake"}))(t)
		if got := titles(a.view(t, number(c)).GetTimeline()); discarded.GetAppliedCount() != 1 || !slices.Equal(got[:2], []string{"third", "second"}) {
			t.Errorf("%d were applied behind the discarded one, the timeline is %v", discarded.GetAppliedCount(), got)
		}
		_, err = operator.DiscardDeadLetter(a.Ctx(), &analyticsv1.DiscardDeadLetterRequest{Name: letters[0].GetName(), Reason: "again"})
		refused(t, "one that is not there", err, codes.NotFound, "DEAD_LETTER_NOT_FOUND")
		_, err = a.ListDeadLetters(a.Ctx(), &analyticsv1.ListDeadLettersRequest{})
		refused(t, "an admin of a tenant", err, codes.PermissionDenied, "RPC_NOT_ALLOWED")
	})
}

// deadLetters waits for so many, and reads them a page at a time.
func (a *api) deadLetters(t *testing.T, want int) (letters []*analyticsv1.DeadLetter) {
	t.Helper()
	testkit.Eventually(t, func() error {
		letters = nil
		for token := ""; ; {
			page, err := a.ListDeadLetters(a.Ctx(), &analyticsv1.ListDeadLettersRequest{PageSize: 1, PageToken: token})
			if err != nil {
				return err
			}
			letters = append(letters, page.GetDeadLetters()...)
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
		if len(letters) != want {
			return fmt.Errorf("%d dead letters, want %d", len(letters), want)
		}
		return nil
	})
	return letters
}
