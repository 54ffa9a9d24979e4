package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
)

const (
	phone = eventv1.Channel_CHANNEL_PHONE
	email = eventv1.Channel_CHANNEL_EMAIL
	web   = eventv1.Channel_CHANNEL_WEB

	sent       = campaignv1.TouchStatus_TOUCH_STATUS_SENT
	suppressed = campaignv1.TouchStatus_TOUCH_STATUS_SUPPRESSED
)

func TestMain(m *testing.M) { testkit.Main(m) }

// start runs the campaign service, and the contact service beside it.
func start(t testing.TB) *testkit.Suite {
	t.Helper()
	return testkit.Start(t, contact.Definition, campaign.Definition, gateway.Definition)
}

// api are the services that the tests call, over one transport, as one caller.
type api struct {
	*testkit.Client
	contactv1.ContactServiceClient
	contactv1.ConsentServiceClient
	campaignv1.SegmentServiceClient
	campaignv1.CampaignServiceClient
	campaignv1.TouchServiceClient
}

func of(c *testkit.Client) *api {
	return &api{
		Client:                c,
		ContactServiceClient:  contactv1.NewContactServiceClient(c.Conn),
		ConsentServiceClient:  contactv1.NewConsentServiceClient(c.Conn),
		SegmentServiceClient:  campaignv1.NewSegmentServiceClient(c.Conn),
		CampaignServiceClient: campaignv1.NewCampaignServiceClient(c.Conn),
		TouchServiceClient:    campaignv1.NewTouchServiceClient(c.Conn),
	}
}

// must answers what a call answered, and fails the test where it was refused.
func must[P any](t testing.TB) func(answer P, err error) P {
	t.Helper()
	return func(answer P, err error) P {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// person answers the name of a new contact from a source.
func (a *api) person(t testing.TB, given, source string) string {
	t.Helper()
	return must[*contactv1.Contact](t)(a.CreateContact(a.Ctx(), &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: given, FamilyName: "Dewi", Source: source,
	}})).GetName()
}

// people makes so many contacts of a source.
func (a *api) people(t testing.TB, n int, source string) {
	t.Helper()
	req := &contactv1.BatchCreateContactsRequest{}
	for i := range n {
		req.Requests = append(req.Requests, &contactv1.CreateContactRequest{Contact: &contactv1.Contact{
			Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: fmt.Sprintf("Sari %d", i), Source: source,
		}})
	}
	must[*contactv1.BatchCreateContactsResponse](t)(a.BatchCreateContacts(a.Ctx(), req))
}

// from is the segment of all contacts of a source.
func from(source string) *campaignv1.Segment {
	return &campaignv1.Segment{DisplayName: "From " + source, Filter: `source = "` + source + `"`}
}

// segment answers a segment whose members stand.
func (a *api) segment(t testing.TB, s *campaignv1.Segment) *campaignv1.Segment {
	t.Helper()
	created := must[*campaignv1.Segment](t)(a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: s}))
	must[*campaignv1.Segment](t)(a.MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: created.GetName()}))
	return a.ready(t, created.GetName())
}

// ready waits until the members of a segment stand.
func (a *api) ready(t testing.TB, name string) (s *campaignv1.Segment) {
	t.Helper()
	testkit.Eventually(t, func() (err error) {
		s, err = a.GetSegment(a.Ctx(), &campaignv1.GetSegmentRequest{Name: name})
		if err == nil && s.GetState() != campaignv1.SegmentState_SEGMENT_STATE_READY {
			err = fmt.Errorf("the segment is %v", s)
		}
		return err
	})
	return s
}

// retention is a campaign by e-mail for a segment.
func retention(segment string) *campaignv1.Campaign {
	return &campaignv1.Campaign{
		DisplayName: "Stay with us", Kind: campaignv1.CampaignKind_CAMPAIGN_KIND_RETENTION, Segment: segment, Channel: email,
		Subject: "Something for you, {{given_name}}", Body: "Dear {{display_name}},\nstay.",
	}
}

// launched answers a campaign that runs.
func (a *api) launched(t testing.TB, c *campaignv1.Campaign) *campaignv1.Campaign {
	t.Helper()
	draft := must[*campaignv1.Campaign](t)(a.CreateCampaign(a.Ctx(), &campaignv1.CreateCampaignRequest{Campaign: c}))
	return must[*campaignv1.Campaign](t)(a.LaunchCampaign(a.Ctx(), &campaignv1.LaunchCampaignRequest{Name: draft.GetName()}))
}

// complete waits until all touches of a campaign are sent or withheld, as long as
// it goes on.
func (a *api) complete(t testing.TB, campaign string) (p *campaignv1.CampaignProgress) {
	t.Helper()
	for last := int64(-1); p.GetCompleteTime() == nil; last = p.GetSentCount() {
		testkit.Eventually(t, func() (err error) {
			p, err = a.GetCampaignProgress(a.Ctx(), &campaignv1.GetCampaignProgressRequest{Name: campaign + "/progress"})
			if err == nil && p.GetCompleteTime() == nil && p.GetSentCount() == last {
				err = fmt.Errorf("the campaign stays at %v", p)
			}
			return err
		})
	}
	return p
}

// touches answers the touches that a filter finds, by contact.
func (a *api) touches(t testing.TB, filter string) map[string]*campaignv1.Touch {
	t.Helper()
	found := map[string]*campaignv1.Touch{}
	req := &campaignv1.ListTouchesRequest{Filter: filter, PageSize: 30}
	for {
		page := must[*campaignv1.ListTouchesResponse](t)(a.ListTouches(a.Ctx(), req))
		for _, k := range page.GetTouches() {
			if found[k.GetContact()] != nil {
				t.Errorf("%s is touched twice", k.GetContact())
			}
			found[k.GetContact()] = k
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return found
		}
	}
}

// members answers the contacts of a segment's version, page by page.
func (a *api) members(t testing.TB, segment string, version int32) (names []string) {
	t.Helper()
	req := &campaignv1.ListSegmentMembersRequest{Parent: segment, Version: version, PageSize: 2}
	for {
		page := must[*campaignv1.ListSegmentMembersResponse](t)(a.ListSegmentMembers(a.Ctx(), req))
		for _, m := range page.GetMembers() {
			names = append(names, m.GetContact())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return names
		}
	}
}

// eventsOf answers the events of a resource as other services read them, when
// there are so many.
func eventsOf(t *testing.T, s *testkit.Suite, name string, want int) (events []*eventv1.Event) {
	t.Helper()
	log := campaignv1.NewEventLogServiceClient(s.Conn("campaign", s.AsService("analytics")))
	testkit.Eventually(t, func() (err error) {
		if events, err = readEvents(t.Context(), log, name); err == nil && len(events) < want {
			err = fmt.Errorf("%s has %d events, want %d", name, len(events), want)
		}
		return err
	})
	return events
}

func readEvents(ctx context.Context, log campaignv1.EventLogServiceClient, name string) (events []*eventv1.Event, err error) {
	for partition := range int32(16) {
		page, err := log.ReadEvents(ctx, &eventv1.ReadEventsRequest{Partition: partition})
		if err != nil {
			return nil, err
		}
		for _, e := range page.GetEvents() {
			if e.GetAggregate() == name {
				events = append(events, e)
			}
		}
	}
	return events, nil
}

// typesOf answers what happened, in short names.
func typesOf(events []*eventv1.Event) (types []string) {
	for _, e := range events {
		types = append(types, strings.TrimPrefix(e.GetType(), "lingkar.campaign.v1."))
	}
	return types
}
