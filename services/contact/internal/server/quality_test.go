package server_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/contact"
	"github.com/lingkar-crm/lingkar/services/gateway"
	campaign "github.com/lingkar-crm/lingkar/services/marketing-campaign"
)

type rater struct {
	*api
	contactv1.QualityServiceClient
}

func raterOf(a *api) rater { return rater{a, contactv1.NewQualityServiceClient(a.Conn)} }

func (r rater) quality(t testing.TB, c *contactv1.Contact) *contactv1.DataQuality {
	t.Helper()
	return must(r.GetDataQuality(r.Ctx(), &contactv1.GetDataQualityRequest{Name: c.GetName() + "/dataQuality"}))(t)
}

// listed waits until the list is what it should be.
func (r rater) listed(t testing.TB, filter string, check func([]*contactv1.DataQuality) error) {
	t.Helper()
	testkit.Eventually(t, func() error {
		list, err := r.ListDataQuality(r.Ctx(), &contactv1.ListDataQualityRequest{Filter: filter})
		if err != nil {
			return err
		}
		return check(list.GetDataQuality())
	})
}

// CON-21: a score of completeness, freshness and relevance for each contact, what to fix
// next, the worst first, and the base.
func testDataQuality(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"CON-21"}, func(t *testing.T, a, other *api) {
		r, o := raterOf(a), raterOf(other)
		poor := r.create(t, &contactv1.Contact{Kind: person, DisplayName: "Poor"})
		rich := r.create(t, &contactv1.Contact{
			Kind: person, GivenName: "Rich", FamilyName: "Rana", LanguageCode: "id", RegionCode: "ID", Owner: "users/ani",
			Identifiers: []*contactv1.Identifier{{Kind: email, Value: "rich@example.com"}, {Kind: phone, Value: "+628123456789"}},
			Addresses:   []*contactv1.Address{{Locality: "Bandung"}}, Preference: &contactv1.ContactPreference{Hours: "08:00-10:00"},
		})
		before := r.quality(t, rich)
		if before.GetCompleteness() != 95 || before.GetFreshness() != 0 || before.GetRelevance() != 100 || !slices.Equal(before.GetMissingFields(), []string{"birthday"}) {
			t.Errorf("rated %v", before)
		}
		fix := before.GetFixes()[0]
		if fix.GetField() != "email" || fix.GetFlaw() != contactv1.QualityFlaw_QUALITY_FLAW_UNVERIFIED || fix.GetGain() < 5 {
			t.Errorf("to fix next: %v", before.GetFixes())
		}
		verify := &contactv1.VerifyFieldRequest{
			Name: rich.GetName(), Field: "email", Method: contactv1.VerificationMethod_VERIFICATION_METHOD_MESSAGE, RequestId: "verified",
		}
		first := must(r.VerifyField(r.Ctx(), verify))(t)
		if again := must(r.VerifyField(r.Ctx(), verify))(t); !again.GetVerifyTime().AsTime().Equal(first.GetVerifyTime().AsTime()) || first.GetActor() == "" {
			t.Errorf("repeated: %v, first %v", again, first)
		}
		testkit.Eventually(t, func() error {
			if after := r.quality(t, rich); after.GetScore() != before.GetScore()+fix.GetGain() {
				return fmt.Errorf("the score is %d, was %d, and was to rise by %d", after.GetScore(), before.GetScore(), fix.GetGain())
			}
			return nil
		})
		r.listed(t, "", func(list []*contactv1.DataQuality) error {
			if len(list) != 2 || list[0].GetContact() != poor.GetName() || list[1].GetScore() != before.GetScore()+fix.GetGain() {
				return fmt.Errorf("listed %v", list)
			}
			return nil
		})
		r.listed(t, "score < 0", func(list []*contactv1.DataQuality) error {
			if len(list) != 0 {
				return errors.New("the filter is not looked at")
			}
			return nil
		})
		base := must(r.GetDataQualitySummary(r.Ctx(), &contactv1.GetDataQualitySummaryRequest{}))(t).GetKinds()
		if len(base) != 1 || base[0].GetContacts() != 2 || base[0].GetMissingFields()[0].GetField() != "birthday" || base[0].GetMissingFields()[0].GetContacts() != 2 {
			t.Errorf("the base is %v", base)
		}
		must(r.UpdateContact(r.Ctx(), &contactv1.UpdateContactRequest{Contact: &contactv1.Contact{
			Name: rich.GetName(), Identifiers: []*contactv1.Identifier{{Kind: email, Value: "other@example.com"}, {Kind: phone, Value: "+628123456789"}},
		}}))(t)
		testkit.Eventually(t, func() error {
			if after := r.quality(t, rich); after.GetFreshness() != 0 {
				return errors.New("a changed field is still verified")
			}
			return nil
		})
		testDataQuality_refuses(t, r, o, rich, poor)
		testDataQuality_policy(t, r, rich)
	})
}

func testDataQuality_refuses(t *testing.T, r, o rater, rich, poor *contactv1.Contact) {
	t.Helper()
	_, err := o.GetDataQuality(o.Ctx(), &contactv1.GetDataQualityRequest{Name: rich.GetName() + "/dataQuality"})
	refused(t, err, codes.NotFound, "CONTACT_NOT_FOUND")
	if list := must(o.ListDataQuality(o.Ctx(), &contactv1.ListDataQualityRequest{}))(t); len(list.GetDataQuality()) != 0 {
		t.Errorf("another tenant lists %v", list)
	}
	verify := func(of rater, name, field string, at *timestamppb.Timestamp) error {
		_, err := of.VerifyField(of.Ctx(), &contactv1.VerifyFieldRequest{
			Name: name, Field: field, Method: contactv1.VerificationMethod_VERIFICATION_METHOD_PHONE, VerifyTime: at,
		})
		return err
	}
	refused(t, verify(o, rich.GetName(), "email", nil), codes.NotFound, "CONTACT_NOT_FOUND")
	refused(t, verify(r, rich.GetName(), "colour", nil), codes.InvalidArgument, "FIELD_UNKNOWN")
	refused(t, verify(r, rich.GetName(), "phone", timestamppb.New(time.Now().Add(10000*time.Hour))), codes.InvalidArgument, "FIELD_INVALID")
	refused(t, verify(r, poor.GetName(), "phone", nil), codes.FailedPrecondition, "FIELD_EMPTY")
}

// The weights are data, and the fields that rules read are relevant.
func testDataQuality_policy(t *testing.T, r rater, rich *contactv1.Contact) {
	t.Helper()
	update := func(p *contactv1.QualityPolicy) (*contactv1.QualityPolicy, error) {
		p.Name = "qualityPolicy"
		return r.UpdateQualityPolicy(r.Ctx(), &contactv1.UpdateQualityPolicyRequest{QualityPolicy: p})
	}
	_, err := update(&contactv1.QualityPolicy{PersonWeights: map[string]int32{"colour": 1}})
	refused(t, err, codes.InvalidArgument, "FIELD_UNKNOWN")
	p := must(update(&contactv1.QualityPolicy{PersonWeights: map[string]int32{"birthday": 1, "email": 1}}))(t)
	if p.GetFreshDays() != 365 || p.GetCompletenessWeight() != 50 {
		t.Errorf("the policy is %v", p)
	}
	if got := r.quality(t, rich); got.GetCompleteness() != 50 {
		t.Errorf("by the new weights: %v", got)
	}
	rulerOf(r.api).activate(t, labels(t, "x", on("ContactCreated"), `contact.birthday.year == 1990 || contact.region_code == "ID"`))
	if got := r.quality(t, rich); got.GetRelevance() != 50 {
		t.Errorf("with a rule that reads birthday and region: %v", got)
	}
}

// A score falls by the passing of time alone, and the list follows (CON-21).
func TestDataQuality_fades(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, gateway.With(gateway.Config{}))
	testkit.Prove(t, testkit.GRPC, "CON-21")
	r := raterOf(of(s.Client(t, s.As(auth.Admin))))
	c := r.holder(t, "Ani", email, "ani@example.com")
	must(r.VerifyField(r.Ctx(), &contactv1.VerifyFieldRequest{Name: c.GetName(), Field: "email", Method: contactv1.VerificationMethod_VERIFICATION_METHOD_PHONE}))(t)
	fresh := func(want func(int32) bool) {
		t.Helper()
		r.listed(t, "", func(list []*contactv1.DataQuality) error {
			if len(list) != 1 || !want(list[0].GetFreshness()) {
				return fmt.Errorf("listed %v", list)
			}
			return nil
		})
	}
	var first int32
	fresh(func(f int32) bool { first = f; return f > 0 })
	s.Clock.Advance(400 * 24 * time.Hour)
	fresh(func(f int32) bool { return f > 0 && f <= first/2+1 })
	s.Clock.Advance(400 * 24 * time.Hour)
	fresh(func(f int32) bool { return f == 0 })
}

// CON-21: what a segment looks for, and what a list that people share shows, is relevant
// for as long as it is there; in its tenant alone.
func TestDataQuality_uses(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, contact.Definition, campaign.Definition, gateway.With(gateway.Config{}))
	both(t, s, []string{"CON-21"}, func(t *testing.T, a, other *api) {
		r, o := raterOf(a), raterOf(other)
		partly := &contactv1.Contact{Kind: person, DisplayName: "Ani", LanguageCode: "id", JobTitle: "Buyer"}
		c, theirs := r.create(t, proto.CloneOf(partly)), o.create(t, proto.CloneOf(partly))
		relevant := func(when string, want int32) {
			t.Helper()
			r.listed(t, "", func(list []*contactv1.DataQuality) error {
				if got := r.quality(t, c).GetRelevance(); len(list) != 1 || got != want || list[0].GetRelevance() != want {
					return fmt.Errorf("%s: the relevance is %d, and listed as %v; want %d", when, got, list, want)
				}
				return nil
			})
		}
		relevant("before", 100)
		segments, views := campaignv1.NewSegmentServiceClient(a.Conn), platformv1.NewSavedViewServiceClient(a.Conn)
		segment := must(segments.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: &campaignv1.Segment{
			DisplayName: "Indonesia " + a.Transport, Filter: `region_code = "ID" AND (language_code = "id" OR labels.x = "y")`,
		}}))(t)
		relevant("with a segment", 50)
		view := &platformv1.SavedView{DisplayName: "mine", Resource: "contacts", Columns: []string{"birthday"}}
		must(views.CreateSavedView(a.Ctx(), &platformv1.CreateSavedViewRequest{SavedView: view}))(t)
		shared := proto.CloneOf(view)
		shared.Columns, shared.OrderBy, shared.Visibility = []string{"job_title", "family_name"}, "display_name desc", platformv1.SavedViewVisibility_SAVED_VIEW_VISIBILITY_TENANT
		made := must(views.CreateSavedView(a.Ctx(), &platformv1.CreateSavedViewRequest{SavedView: shared}))(t)
		relevant("with a shared list, too", 60)
		must(segments.DeleteSegment(a.Ctx(), &campaignv1.DeleteSegmentRequest{Name: segment.GetName()}))(t)
		relevant("without the segment", 67)
		must(views.DeleteSavedView(a.Ctx(), &platformv1.DeleteSavedViewRequest{Name: made.GetName()}))(t)
		relevant("without the list", 100)
		if got := o.quality(t, theirs).GetRelevance(); got != 100 {
			t.Errorf("in another tenant the relevance is %d", got)
		}
	})
}
