package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

func TestSegment_standardMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"MKT-02"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		asked := from("standard-" + c.Transport)
		asked.ExternalIds = map[string]string{"legacy": c.Transport}
		g := must[*campaignv1.Segment](t)(a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: asked}))
		if g.GetVersion() != 1 || g.GetState() != campaignv1.SegmentState_SEGMENT_STATE_DEFINED {
			t.Errorf("created %v", g)
		}
		if got, err := a.GetSegment(a.Ctx(), &campaignv1.GetSegmentRequest{Name: g.GetName()}); err != nil || !proto.Equal(got, g) {
			t.Errorf("got %v, %v; want %v", got, err, g)
		}
		other := of(a.Other())
		if _, err := other.GetSegment(a.Ctx(), &campaignv1.GetSegmentRequest{Name: g.GetName()}); errs.Reason(err) != "SEGMENT_NOT_FOUND" {
			t.Errorf("the other tenant reads %v", err)
		}
		if _, err := other.ListSegmentMembers(a.Ctx(), &campaignv1.ListSegmentMembersRequest{Parent: g.GetName()}); errs.Reason(err) != "SEGMENT_NOT_FOUND" {
			t.Errorf("the other tenant lists members: %v", err)
		}
		if page, err := other.ListSegments(a.Ctx(), &campaignv1.ListSegmentsRequest{}); err != nil || len(page.GetSegments()) != 0 {
			t.Errorf("the other tenant lists %v, %v", page, err)
		}
		if page, err := a.ListSegments(a.Ctx(), &campaignv1.ListSegmentsRequest{Filter: `display_name = "` + g.GetDisplayName() + `"`}); err != nil || len(page.GetSegments()) != 1 {
			t.Errorf("listed %v, %v", page, err)
		}
		if _, err := a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: asked}); errs.Reason(err) != "EXTERNAL_ID_TAKEN" {
			t.Errorf("a second segment under the same external id answers %v", err)
		}
		renamed := must[*campaignv1.Segment](t)(a.UpdateSegment(a.Ctx(), &campaignv1.UpdateSegmentRequest{
			Segment:    &campaignv1.Segment{Name: g.GetName(), DisplayName: "Renamed", Version: 7, MemberCount: 7},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "version", "member_count"}},
		}))
		if renamed.GetDisplayName() != "Renamed" || renamed.GetVersion() != 1 || renamed.GetMemberCount() != 0 {
			t.Errorf("renamed to %v", renamed)
		}
		must[*campaignv1.Segment](t)(a.DeleteSegment(a.Ctx(), &campaignv1.DeleteSegmentRequest{Name: g.GetName()}))
		if back, err := a.UndeleteSegment(a.Ctx(), &campaignv1.UndeleteSegmentRequest{Name: g.GetName()}); err != nil || back.GetDeleteTime() != nil {
			t.Errorf("undeleted as %v, %v", back, err)
		}
		if _, err := of(a.As(s.As(auth.Agent))).MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: g.GetName()}); errs.Reason(err) != "RPC_NOT_ALLOWED" {
			t.Errorf("an agent materialises: %v", err)
		}
	})
}

// The members of a version never change: who was meant by a campaign can be told
// at any later time.
func TestSegment_versionsKeepTheirMembers(t *testing.T) {
	t.Parallel()
	s := start(t)
	testkit.Both(t, s, []string{"MKT-10"}, func(t *testing.T, c *testkit.Client) {
		a, source := of(c), "versions-"+c.Transport
		first := []string{a.person(t, "Sari", source), a.person(t, "Budi", source), a.person(t, "Tono", source)}
		slices.Sort(first)
		g := a.segment(t, from(source))
		if got := a.members(t, g.GetName(), 0); !slices.Equal(got, first) {
			t.Fatalf("version 1 has %v, want %v", got, first)
		}
		all := append([]string{a.person(t, "Wati", source)}, first...)
		slices.Sort(all)

		must[*campaignv1.Segment](t)(a.MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: g.GetName()}))
		if g = a.ready(t, g.GetName()); g.GetVersion() != 2 || g.GetMemberCount() != 4 {
			t.Errorf("anew as %v", g)
		}
		narrowed := must[*campaignv1.Segment](t)(a.UpdateSegment(a.Ctx(), &campaignv1.UpdateSegmentRequest{
			Segment:    &campaignv1.Segment{Name: g.GetName(), Contacts: all[:1]},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"filter", "contacts"}},
		}))
		if narrowed.GetVersion() != 3 || narrowed.GetFilter() != "" || narrowed.GetState() != campaignv1.SegmentState_SEGMENT_STATE_DEFINED {
			t.Errorf("narrowed to %v", narrowed)
		}
		if _, err := a.ListSegmentMembers(a.Ctx(), &campaignv1.ListSegmentMembersRequest{Parent: g.GetName()}); errs.Reason(err) != "SEGMENT_NOT_READY" {
			t.Errorf("version 3 answers %v", err)
		}
		for version, want := range map[int32][]string{1: first, 2: all} {
			if got := a.members(t, g.GetName(), version); !slices.Equal(got, want) {
				t.Errorf("version %d has %v, want %v", version, got, want)
			}
		}
		types := typesOf(eventsOf(t, s, g.GetName(), 6))
		if want := []string{
			"SegmentCreated", "SegmentMaterializationStarted", "SegmentMaterialized",
			"SegmentMaterializationStarted", "SegmentMaterialized", "SegmentUpdated",
		}; !slices.Equal(types, want) {
			t.Errorf("told is %v, want %v", types, want)
		}
	})
}

// One contact is a segment too.
func TestSegment_ofOne(t *testing.T) {
	t.Parallel()
	testkit.Both(t, start(t), []string{"MKT-09"}, func(t *testing.T, c *testkit.Client) {
		a := of(c)
		only := a.person(t, "Sari", "")
		g := a.segment(t, &campaignv1.Segment{DisplayName: "Sari alone", Contacts: []string{only}})
		k := a.launched(t, retention(g.GetName()))
		a.complete(t, k.GetName())
		if touches := a.touches(t, `campaign = "`+k.GetName()+`"`); len(touches) != 1 || touches[only].GetStatus() != sent {
			t.Errorf("touched %v", touches)
		}
	})
}

// A segment larger than a page of the contact service has every member once.
func TestSegment_ofSeveralPages(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	const people = 1100
	a.people(t, 1000, "crowd")
	a.people(t, people-1000, "crowd")
	g := a.segment(t, from("crowd"))
	if g.GetMemberCount() != people {
		t.Errorf("the segment has %d members, want %d", g.GetMemberCount(), people)
	}
	preview := must[*campaignv1.PreviewSegmentResponse](t)(a.PreviewSegment(a.Ctx(), &campaignv1.PreviewSegmentRequest{Filter: g.GetFilter()}))
	if preview.GetCount() != people || len(preview.GetSample()) != 10 {
		t.Errorf("the preview is %v", preview)
	}
}

// Where the contact service no longer understands a filter, the segment says so
// and can be defined anew.
func TestSegment_thatCannotBeFound(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	g := must[*campaignv1.Segment](t)(a.CreateSegment(a.Ctx(), &campaignv1.CreateSegmentRequest{Segment: from("here")}))
	db := s.Services["campaign"].Runtime.DB.System
	if _, err := db.Exec(t.Context(), "UPDATE segment SET filter = 'yesterday = 1' WHERE id = $1", uuid.MustParse(g.GetName()[len("segments/"):])); err != nil {
		t.Fatal(err)
	}
	must[*campaignv1.Segment](t)(a.MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: g.GetName()}))
	testkit.Eventually(t, func() error {
		got, err := a.GetSegment(a.Ctx(), &campaignv1.GetSegmentRequest{Name: g.GetName()})
		if err == nil && (got.GetState() != campaignv1.SegmentState_SEGMENT_STATE_FAILED || got.GetFailureReason() != "FILTER_INVALID") {
			err = fmt.Errorf("the segment is %v", got)
		}
		return err
	})
	must[*campaignv1.Segment](t)(a.UpdateSegment(a.Ctx(), &campaignv1.UpdateSegmentRequest{
		Segment: &campaignv1.Segment{Name: g.GetName(), Filter: `source = "here"`}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"filter"}},
	}))
	must[*campaignv1.Segment](t)(a.MaterializeSegment(a.Ctx(), &campaignv1.MaterializeSegmentRequest{Name: g.GetName()}))
	if got := a.ready(t, g.GetName()); got.GetVersion() != 2 || got.GetFailureReason() != "" {
		t.Errorf("defined anew as %v", got)
	}
}

// A deleted contact is no member, unless it is named; then it gets nothing.
func TestSegment_ofDeletedContacts(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	here, gone := a.person(t, "Sari", "leaving"), a.person(t, "Budi", "leaving")
	definition := from("leaving")
	definition.Contacts = []string{gone}
	must[*contactv1.Contact](t)(a.DeleteContact(a.Ctx(), &contactv1.DeleteContactRequest{Name: gone}))
	k := a.launched(t, retention(a.segment(t, definition).GetName()))
	a.complete(t, k.GetName())
	touches := a.touches(t, `campaign = "`+k.GetName()+`"`)
	if touches[here].GetStatus() != sent || touches[gone].GetSuppressReason() != campaignv1.SuppressReason_SUPPRESS_REASON_CONTACT_DELETED || len(touches) != 2 {
		t.Errorf("touched %v", touches)
	}
}
