package fleet_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/analytics"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	sales "github.com/lingkar-crm/lingkar/services/sales-force-automation"
)

// F25: the clock of all services goes an hour back, and later forward again. What was
// said before, meanwhile and after is there once, in the order in which it was written,
// and a repeated call has its first answer.
func TestClock_stepsBack(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, gateway.Definition, contact.Definition, sales.Definition, analytics.Definition)
	testkit.Both(t, s, nil, func(t *testing.T, c *testkit.Client) {
		ctx := c.Ctx()
		contacts, talks := contactv1.NewContactServiceClient(c.Conn), contactv1.NewInteractionServiceClient(c.Conn)
		deals, views := salesv1.NewOpportunityServiceClient(c.Conn), analyticsv1.NewCustomerViewServiceClient(c.Conn)
		who := somebody(t, c)
		var said []string
		say := func(id string) *contactv1.Interaction {
			t.Helper()
			made, err := talks.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{RequestId: c.Transport + " " + id, Interaction: &contactv1.Interaction{
				Contact: who, Channel: eventv1.Channel_CHANNEL_PHONE, Direction: eventv1.Direction_DIRECTION_INBOUND, Title: id,
			}})
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			if !slices.Contains(said, id) {
				said = append(said, id)
			}
			return made
		}
		rename := func(given string) {
			t.Helper()
			_, err := contacts.UpdateContact(ctx, &contactv1.UpdateContactRequest{
				Contact: &contactv1.Contact{Name: who, GivenName: given}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"given_name"}},
			})
			if err != nil {
				t.Fatalf("renamed to %s: %v", given, err)
			}
		}
		// shows waits until the view shows a name and all that was said, at an instant.
		shows := func(at time.Time, given, deal string) {
			t.Helper()
			req := &analyticsv1.GetCustomerViewRequest{Name: "customers/" + who[len("contacts/"):]}
			if !at.IsZero() {
				req.AsOf = timestamppb.New(at)
			}
			testkit.Eventually(t, func() error {
				v, err := views.GetCustomerView(ctx, req)
				if err != nil {
					return err
				}
				var heard []string
				for _, e := range v.GetTimeline() {
					if e.GetChannel() == eventv1.Channel_CHANNEL_PHONE {
						heard = append(heard, e.GetTitle())
					}
				}
				slices.Sort(heard)
				want := slices.Sorted(slices.Values(said))
				if v.GetCustomer().GetGivenName() != given || !slices.Equal(heard, want) || len(v.GetOpportunities().GetItems()) != 1 ||
					v.GetOpportunities().GetItems()[0].GetTitle() != deal {
					return fmt.Errorf("as of %v it shows %q, %q and %v, want %q, %q and %q", at, v.GetCustomer().GetGivenName(), heard, v.GetOpportunities(), given, want, deal)
				}
				return nil
			})
		}
		retitle := func(deal *salesv1.Opportunity, title string) {
			t.Helper()
			if _, err := deals.UpdateOpportunity(ctx, &salesv1.UpdateOpportunityRequest{
				Opportunity: &salesv1.Opportunity{Name: deal.GetName(), DisplayName: title}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
			}); err != nil {
				t.Fatalf("the deal becomes %s: %v", title, err)
			}
		}

		first := say("before")
		deal, err := deals.CreateOpportunity(ctx, &salesv1.CreateOpportunityRequest{Opportunity: &salesv1.Opportunity{Contact: who, DisplayName: "deal"}})
		if err != nil {
			t.Fatal(err)
		}
		shows(time.Time{}, "Ani", "deal")

		s.Clock.Advance(-time.Hour)
		if again := say("before"); !proto.Equal(again, first) {
			t.Errorf("asked again the answer is %v, and was %v", again, first)
		}
		say("meanwhile")
		rename("Budi")
		retitle(deal, "deal, an hour back")
		shows(time.Time{}, "Budi", "deal, an hour back")

		s.Clock.Advance(time.Hour + time.Minute)
		say("after")
		rename("Citra")
		retitle(deal, "deal, now")
		shows(time.Time{}, "Citra", "deal, now")
		shows(s.Clock.Now(), "Citra", "deal, now")
	})
}
