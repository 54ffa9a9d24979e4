package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
)

// badRow is one row of the catalogue of bad input: what it is, what is called,
// and the answer.
type badRow struct {
	name   string
	call   func(context.Context) error
	code   codes.Code
	reason string
	// field is the path of a violation; empty where none is demanded.
	field string
}

func (r badRow) demand(t *testing.T, a *api) {
	t.Helper()
	err := r.call(a.Ctx())
	if errs.Code(err) != r.code || errs.Reason(err) != r.reason {
		t.Errorf("%s: answered %s %s (%v), want %s %s", r.name, errs.Code(err), errs.Reason(err), err, r.code, r.reason)
	}
	if r.field == "" {
		return
	}
	for _, v := range errs.FieldViolations(err) {
		if v.Field == r.field {
			return
		}
	}
	t.Errorf("%s: the violations are %v, want one of %s", r.name, errs.FieldViolations(err), r.field)
}

const (
	invalid = codes.InvalidArgument
	refused = codes.FailedPrecondition
)

func someName(collection string) string { return collection + "/" + uuid.Must(uuid.NewV7()).String() }

// Rows B11, B16 and B22 of a segment's definition.
func TestSegment_badInput(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		create := func(g *campaignv1.Segment) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := a.CreateSegment(ctx, &campaignv1.CreateSegmentRequest{Segment: g})
				return err
			}
		}
		preview := func(req *campaignv1.PreviewSegmentRequest) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := a.PreviewSegment(ctx, req)
				return err
			}
		}
		const all = "kind = CONTACT_KIND_PERSON"
		for _, row := range []badRow{
			{"no name", create(&campaignv1.Segment{Filter: all}), invalid, "FIELD_INVALID", "segment.display_name"},
			{"nobody meant", create(&campaignv1.Segment{DisplayName: "x"}), invalid, "SEGMENT_UNDEFINED", "segment.filter"},
			{"B11 an injection", create(&campaignv1.Segment{DisplayName: "x", Filter: "' OR 1=1 --"}), invalid, "FILTER_INVALID", "segment.filter"},
			{"B11 an unknown field", create(&campaignv1.Segment{DisplayName: "x", Filter: `password = "x"`}), invalid, "FILTER_INVALID", "segment.filter"},
			{"B11 too deep", create(&campaignv1.Segment{DisplayName: "x", Filter: strings.Repeat("(", 100) + all + strings.Repeat(")", 100)}), invalid, "FILTER_INVALID", "segment.filter"},
			{"a filter of 5,000 characters", create(&campaignv1.Segment{DisplayName: "x", Filter: all + strings.Repeat(" ", 5000)}), invalid, "FIELD_INVALID", "segment.filter"},
			{"B16 a contact that is none", create(&campaignv1.Segment{DisplayName: "x", Contacts: []string{"contacts/me"}}), invalid, "FIELD_INVALID", "segment.contacts[0]"},
			{"a contact that does not exist", create(&campaignv1.Segment{DisplayName: "x", Contacts: []string{someName("contacts")}}), codes.NotFound, "CONTACT_NOT_FOUND", ""},
			{"the other tenant's contact", create(&campaignv1.Segment{DisplayName: "x", Contacts: []string{of(a.Other()).person(t, "Sari", "")}}), codes.NotFound, "CONTACT_NOT_FOUND", ""},
			{"B23 1,001 contacts", create(&campaignv1.Segment{DisplayName: "x", Contacts: make([]string, 1001)}), invalid, "FIELD_INVALID", "segment.contacts"},
			{"a preview of nobody", preview(&campaignv1.PreviewSegmentRequest{}), invalid, "SEGMENT_UNDEFINED", "filter"},
			{"a preview of nonsense", preview(&campaignv1.PreviewSegmentRequest{Filter: "sort of"}), invalid, "FILTER_INVALID", "filter"},
			{"a sample of 101", preview(&campaignv1.PreviewSegmentRequest{Filter: all, SampleSize: 101}), invalid, "FIELD_INVALID", "sample_size"},
		} {
			row.demand(t, a)
		}
	})
}

// Rows B17, B18, B33, B34 and B45 of a campaign.
func TestCampaign_badInput(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"B33", "B34", "B45"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		empty := a.segment(t, from("nobody-"+c.Transport))
		defined := must[*campaignv1.Segment](t)(a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: from("x")}))
		create := func(spoil func(*campaignv1.Campaign)) func(context.Context) error {
			return func(ctx context.Context) error {
				k := retention(empty.GetName())
				spoil(k)
				_, err := a.CreateCampaign(ctx, &campaignv1.CreateCampaignRequest{Campaign: k})
				return err
			}
		}
		drafted := func(segment string) string {
			return must[*campaignv1.Campaign](t)(a.CreateCampaign(a.Ctx(), &campaignv1.CreateCampaignRequest{Campaign: retention(segment)})).GetName()
		}
		draft, unready := drafted(empty.GetName()), drafted(defined.GetName())
		launch := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := a.LaunchCampaign(ctx, &campaignv1.LaunchCampaignRequest{Name: name})
				return err
			}
		}
		rows := []badRow{
			{"no name", create(func(k *campaignv1.Campaign) { k.DisplayName = " " }), invalid, "FIELD_INVALID", "campaign.display_name"},
			{"no text", create(func(k *campaignv1.Campaign) { k.Body = "" }), invalid, "FIELD_INVALID", "campaign.body"},
			{"B16 a segment that is none", create(func(k *campaignv1.Campaign) { k.Segment = "everybody" }), invalid, "FIELD_INVALID", "campaign.segment"},
			{"a segment that does not exist", create(func(k *campaignv1.Campaign) { k.Segment = someName("segments") }), codes.NotFound, "SEGMENT_NOT_FOUND", ""},
			{"B33 a subject of two lines", create(func(k *campaignv1.Campaign) { k.Subject = "Hi\r\nBcc: all" }), invalid, "FIELD_INVALID", "campaign.subject"},
			{"B17 a negative budget", create(func(k *campaignv1.Campaign) { k.Budget = &money.Money{CurrencyCode: "IDR", Units: -1} }), invalid, "MONEY_INVALID", "campaign.budget"},
			{"B18 yen with decimals", create(func(k *campaignv1.Campaign) {
				k.Budget = &money.Money{CurrencyCode: "JPY", Units: 1, Nanos: 500_000_000}
			}), invalid, "MONEY_INVALID", "campaign.budget"},
			{"B45 launch to nobody", launch(draft), refused, "SEGMENT_EMPTY", ""},
			{"B45 launch to a segment that is not ready", launch(unready), refused, "SEGMENT_NOT_READY", ""},
			{"B45 pause a draft", func(ctx context.Context) error {
				_, err := a.PauseCampaign(ctx, &campaignv1.PauseCampaignRequest{Name: draft})
				return err
			}, refused, "CAMPAIGN_NOT_RUNNING", ""},
			{"B45 resume a draft", func(ctx context.Context) error {
				_, err := a.ResumeCampaign(ctx, &campaignv1.ResumeCampaignRequest{Name: draft})
				return err
			}, refused, "CAMPAIGN_NOT_PAUSED", ""},
			{"B45 finish a draft", func(ctx context.Context) error {
				_, err := a.FinishCampaign(ctx, &campaignv1.FinishCampaignRequest{Name: draft})
				return err
			}, refused, "CAMPAIGN_NOT_LAUNCHED", ""},
			{"progress of a draft", func(ctx context.Context) error {
				_, err := a.GetCampaignProgress(ctx, &campaignv1.GetCampaignProgressRequest{Name: draft + "/progress"})
				return err
			}, refused, "CAMPAIGN_NOT_LAUNCHED", ""},
			{"B45 send a draft", func(ctx context.Context) error {
				_, err := a.SendTouch(ctx, &campaignv1.SendTouchRequest{Campaign: draft, Contact: a.person(t, "Sari", "")})
				return err
			}, refused, "CAMPAIGN_NOT_RUNNING", ""},
		}
		for _, text := range []string{`{{ env "X" }}`, "{{range}}", "{{ .Contact }}", "{{given_name", "given_name}}", strings.Repeat("{{given_name}}", 51)} {
			rows = append(rows, badRow{"B34 " + text, create(func(k *campaignv1.Campaign) { k.Body = text }), invalid, "TEMPLATE_INVALID", "campaign.body"})
		}
		for _, row := range rows {
			row.demand(t, a)
		}
	})
}

// Rows B16, B17, B20, B22 and B45 of touches and responses.
func TestTouch_badInput(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), nil, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "touch-"+c.Transport
		a.person(t, "Budi", source)
		k := a.launched(t, retention(a.segment(t, from(source)).GetName())).GetName()
		contact := a.person(t, "Sari", "")
		touched := must[*campaignv1.Touch](t)(a.SendTouch(a.Ctx(), &campaignv1.SendTouchRequest{Campaign: k, Contact: contact})).GetName()
		strict := retention(must[*campaignv1.Campaign](t)(a.GetCampaign(a.Ctx(), &campaignv1.GetCampaignRequest{Name: k})).GetSegment())
		strict.RequiresConsent = true
		withheld := must[*campaignv1.Touch](t)(a.SendTouch(a.Ctx(), &campaignv1.SendTouchRequest{Campaign: a.launched(t, strict).GetName(), Contact: contact})).GetName()
		send := func(campaign, contact string) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := a.SendTouch(ctx, &campaignv1.SendTouchRequest{Campaign: campaign, Contact: contact})
				return err
			}
		}
		respond := func(parent string, spoil func(*campaignv1.Response)) func(context.Context) error {
			return func(ctx context.Context) error {
				r := &campaignv1.Response{Kind: campaignv1.ResponseKind_RESPONSE_KIND_INTERESTED}
				spoil(r)
				_, err := a.RecordResponse(ctx, &campaignv1.RecordResponseRequest{Parent: parent, Response: r})
				return err
			}
		}
		for _, row := range []badRow{
			{"touch twice", send(k, contact), codes.AlreadyExists, "TOUCH_EXISTS", ""},
			{"B16 a campaign that is none", send("campaigns/x", contact), invalid, "FIELD_INVALID", "campaign"},
			{"B16 a contact that is none", send(k, "me"), invalid, "FIELD_INVALID", "contact"},
			{"a campaign that does not exist", send(someName("campaigns"), contact), codes.NotFound, "CAMPAIGN_NOT_FOUND", ""},
			{"a contact that does not exist", send(k, someName("contacts")), codes.NotFound, "CONTACT_NOT_FOUND", ""},
			{"the other tenant's contact", send(k, of(a.Other()).person(t, "Sari", "")), codes.NotFound, "CONTACT_NOT_FOUND", ""},
			{"B17 a value finer than its currency", respond(touched, func(r *campaignv1.Response) {
				r.Value = &money.Money{CurrencyCode: "IDR", Nanos: 1}
			}), invalid, "MONEY_INVALID", "response.value"},
			{"B20 tomorrow", respond(touched, func(r *campaignv1.Response) {
				r.RespondTime = timestamppb.New(time.Now().Add(24 * time.Hour))
			}), invalid, "TIME_IN_FUTURE", "response.respond_time"},
			{"B20 before the touch", respond(touched, func(r *campaignv1.Response) {
				r.RespondTime = timestamppb.New(time.Now().Add(-24 * time.Hour))
			}), invalid, "TIME_BEFORE_TOUCH", "response.respond_time"},
			{"B45 answer what was not sent", respond(withheld, func(*campaignv1.Response) {}), refused, "TOUCH_NOT_SENT", ""},
			{"a touch that does not exist", respond(someName("touches"), func(*campaignv1.Response) {}), codes.NotFound, "TOUCH_NOT_FOUND", ""},
			{"B22 an unknown status", func(ctx context.Context) error {
				_, err := a.ListTouches(ctx, &campaignv1.ListTouchesRequest{Filter: "status = LOST"})
				return err
			}, invalid, "FILTER_INVALID", "filter"},
		} {
			row.demand(t, a)
		}
	})
}
