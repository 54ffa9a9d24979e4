package server_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	ticketv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/ticket/v1"
)

// CON-24, I7: what is known of a contact that is merged counts for the survivor, under both names:
// its history, its work and its purchases, and what comes later. As of an instant before,
// and after they were taken apart, each is alone.
func testMergedCustomer(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-24"}, func(t *testing.T, a *api) {
		identity := contactv1.NewIdentityServiceClient(noting{a.Conn, a.written})
		b, old := a.customer(t, "Budi "+a.Transport), a.customer(t, "B. Santoso "+a.Transport)
		a.meet(t, b, phone, "with B")
		a.meet(t, old, chat, "with A")
		a.complain(t, old, "late")
		a.bought(t, b, rupiah(100), time.Now())
		a.bought(t, old, rupiah(11), time.Now())
		before := a.view(t, number(b))
		alone := a.view(t, number(old))
		members := a.revenues(t)
		instant := timestamppb.Now()

		must(identity.MergeContacts(a.Ctx(), &contactv1.MergeContactsRequest{Name: b.GetName(), Contacts: []string{old.GetName()}}))(t)
		a.meet(t, old, chat, "late, with A")
		for _, name := range []string{number(b), number(old), "customers/" + old.GetName()[len("contacts/"):]} {
			v := a.view(t, name)
			if v.GetContact() != b.GetName() || v.GetCustomer().GetName() != b.GetName() {
				t.Errorf("%s is the view of %s", name, v.GetContact())
			}
			got := titles(v.GetTimeline())
			for _, title := range []string{"with A", "with B", "late, with A"} {
				if !slices.Contains(got, title) {
					t.Errorf("%s: %q is missing in %q", name, title, got)
				}
			}
			// Beside what both had come the merge, which is one entry, and the late meeting.
			if want := len(before.GetTimeline()) + len(alone.GetTimeline()) + 2; len(got) != want {
				t.Errorf("%s: %d entries, want %d: %q", name, len(got), want, got)
			}
			if n := len(v.GetTickets().GetItems()); n != 1 {
				t.Errorf("%s: %d tickets", name, n)
			}
			if sum := v.GetPurchases().GetTotals(); len(sum) != 1 || v.GetPurchases().GetCount() != 2 || sum[0].GetTotal().GetUnits() != 111 {
				t.Errorf("%s: purchases %v", name, v.GetPurchases())
			}
		}
		if got := a.revenues(t); len(got) != len(members)-1 || got[b.GetName()] != 111 {
			t.Errorf("the pyramid has %v, before %v", got, members)
		}
		page := must(a.ListTimeline(a.Ctx(), &analyticsv1.ListTimelineRequest{Parent: number(old), PageSize: 2}))(t)
		if n := len(page.GetTimeline()); n == 0 || n > 2 || page.GetNextPageToken() == "" {
			t.Errorf("a page of two: %v", page)
		}
		past := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(old), AsOf: instant}))(t)
		if past.GetContact() != old.GetName() || slices.Contains(titles(past.GetTimeline()), "with B") {
			t.Errorf("before the merge it was %s with %q", past.GetContact(), titles(past.GetTimeline()))
		}
		if _, err := a.other().GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: "customers/" + old.GetName()[len("contacts/"):]}); err == nil {
			t.Error("another tenant sees it")
		}

		must(identity.UnmergeContact(a.Ctx(), &contactv1.UnmergeContactRequest{Name: old.GetName()}))(t)
		if v := a.view(t, number(old)); v.GetContact() != old.GetName() || slices.Contains(titles(v.GetTimeline()), "with B") || !slices.Contains(titles(v.GetTimeline()), "late, with A") {
			t.Errorf("taken apart, it is %s with %q", v.GetContact(), titles(v.GetTimeline()))
		}
		if v := a.view(t, number(b)); slices.Contains(titles(v.GetTimeline()), "with A") || v.GetPurchases().GetTotals()[0].GetTotal().GetUnits() != 100 {
			t.Errorf("taken apart, the survivor has %q, %v", titles(v.GetTimeline()), v.GetPurchases())
		}
		if got := a.revenues(t); len(got) != len(members) || got[b.GetName()] != 100 {
			t.Errorf("the pyramid has %v, before %v", got, members)
		}
	})
}

// revenues answers what each active customer bought, in whole units.
func (a *api) revenues(t testing.TB) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	for _, layer := range []analyticsv1.PyramidLayer{
		analyticsv1.PyramidLayer_PYRAMID_LAYER_TOP, analyticsv1.PyramidLayer_PYRAMID_LAYER_LARGE,
		analyticsv1.PyramidLayer_PYRAMID_LAYER_MEDIUM, analyticsv1.PyramidLayer_PYRAMID_LAYER_SMALL,
	} {
		resp := must(a.ListPyramidMembers(a.Ctx(), &analyticsv1.ListPyramidMembersRequest{Layer: layer}))(t)
		for _, m := range resp.GetMembers() {
			all[m.GetContact()] = m.GetRevenue().GetUnits()
		}
	}
	return all
}

// I7: every service finds what it keeps of a merged contact under the name of either, until
// they are taken apart; what names the merged one later is found too.
func testMergedReferences(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a *api) {
		identity := contactv1.NewIdentityServiceClient(a.Conn)
		b, old := a.customer(t, "Joko "+a.Transport), a.customer(t, "J. Widodo "+a.Transport)
		a.complain(t, old, "late")
		a.complain(t, b, "broken")
		a.bought(t, old, rupiah(5), time.Now())
		a.invites(t, old, b)
		for _, c := range []*contactv1.Contact{old, b} {
			must(a.RecordResponse(a.Ctx(), &campaignv1.RecordResponseRequest{
				Parent: a.touched(t, c).GetName(), Response: &campaignv1.Response{Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED},
			}))(t)
		}
		must(identity.MergeContacts(a.Ctx(), &contactv1.MergeContactsRequest{Name: b.GetName(), Contacts: []string{old.GetName()}}))(t)
		a.complain(t, old, "late again")
		counts := func(c *contactv1.Contact) [5]int {
			filter := `contact = "` + c.GetName() + `"`
			return [5]int{
				len(must(a.ListTickets(a.Ctx(), &ticketv1.ListTicketsRequest{Filter: filter, OrderBy: "create_time"}))(t).GetTickets()),
				len(must(a.ListOrders(a.Ctx(), &salesv1.ListOrdersRequest{Filter: filter}))(t).GetOrders()),
				len(must(a.ListTouches(a.Ctx(), &campaignv1.ListTouchesRequest{Filter: filter}))(t).GetTouches()),
				len(must(a.ListResponses(a.Ctx(), &campaignv1.ListResponsesRequest{Parent: "touches/-", Filter: filter}))(t).GetResponses()),
				len(must(a.ListInteractions(a.Ctx(), &contactv1.ListInteractionsRequest{Filter: filter}))(t).GetInteractions()),
			}
		}
		become := func(when string, ofB, ofOld [5]int) {
			t.Helper()
			testkit.Eventually(t, func() error {
				if gotB, gotOld := counts(b), counts(old); gotB != ofB || gotOld != ofOld {
					return fmt.Errorf("%s: the survivor has %v, the merged one %v; want %v and %v", when, gotB, gotOld, ofB, ofOld)
				}
				return nil
			})
		}
		a.meet(t, old, chat, "late, with A")
		become("merged", [5]int{3, 1, 2, 2, 1}, [5]int{3, 1, 2, 2, 1})
		must(identity.UnmergeContact(a.Ctx(), &contactv1.UnmergeContactRequest{Name: old.GetName()}))(t)
		become("taken apart", [5]int{1, 0, 1, 1, 0}, [5]int{2, 1, 1, 1, 1})

		segment := must(a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: &campaignv1.Segment{
			DisplayName: "both (" + a.Transport + ")", Contacts: []string{b.GetName(), old.GetName()},
		}}))(t)
		must(identity.MergeContacts(a.Ctx(), &contactv1.MergeContactsRequest{Name: b.GetName(), Contacts: []string{old.GetName()}}))(t)
		testkit.Eventually(t, func() error {
			got := must(a.GetSegment(a.Ctx(), &campaignv1.GetSegmentRequest{Name: segment.GetName()}))(t)
			if got.GetState() != campaignv1.SegmentState_SEGMENT_STATE_READY || got.GetMemberCount() != 1 {
				// The event of the merge may not have come yet: then they are looked up again.
				_, _ = a.MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: segment.GetName()})
				return fmt.Errorf("the segment is %s with %d members, want the survivor alone", got.GetState(), got.GetMemberCount())
			}
			return nil
		})
	})
}
