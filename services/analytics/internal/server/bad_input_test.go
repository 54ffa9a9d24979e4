package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/testkit"
	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// No input of a caller is an internal error.
func testBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, a *api) {
		c := a.customer(t, "Ibu Siti")
		a.settle(t, number(c))
		broken := &timestamppb.Timestamp{Seconds: 1 << 60}
		view := func(req *analyticsv1.GetCustomerViewRequest) error {
			_, err := a.GetCustomerView(a.Ctx(), req)
			return err
		}
		timeline := func(req *analyticsv1.ListTimelineRequest) error {
			req.Parent = number(c)
			_, err := a.ListTimeline(a.Ctx(), req)
			return err
		}
		pyramid := func(req *analyticsv1.GetCustomerPyramidRequest) error {
			_, err := a.GetCustomerPyramid(a.Ctx(), req)
			return err
		}
		members := func(req *analyticsv1.ListPyramidMembersRequest) error {
			_, err := a.ListPyramidMembers(a.Ctx(), req)
			return err
		}
		cases := map[string]struct {
			err    error
			code   codes.Code
			reason string
		}{
			"a Customer ID nobody has":    {view(&analyticsv1.GetCustomerViewRequest{Name: "customers/C-999999"}), codes.NotFound, "CUSTOMER_NOT_FOUND"},
			"a contact that is not there": {view(&analyticsv1.GetCustomerViewRequest{Name: "customers/01890000-0000-7000-8000-000000000000"}), codes.NotFound, "CUSTOMER_NOT_FOUND"},
			"a Customer ID with quotes":   {view(&analyticsv1.GetCustomerViewRequest{Name: "customers/' OR 1=1 --"}), codes.NotFound, "CUSTOMER_NOT_FOUND"},
			"a unit of a page":            {view(&analyticsv1.GetCustomerViewRequest{Name: number(c), PageSize: -1}), codes.InvalidArgument, ""},
			"a section that is none":      {view(&analyticsv1.GetCustomerViewRequest{Name: number(c), Sections: []analyticsv1.Section{99}}), codes.InvalidArgument, ""},
			"a channel that is none":      {timeline(&analyticsv1.ListTimelineRequest{Channels: []eventv1.Channel{99}}), codes.InvalidArgument, ""},
			"a forged page token":         {timeline(&analyticsv1.ListTimelineRequest{PageToken: "AAAA"}), codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
			"a long conversation":         {timeline(&analyticsv1.ListTimelineRequest{Conversation: strings.Repeat("x", 201)}), codes.InvalidArgument, ""},
			"months below zero":           {pyramid(&analyticsv1.GetCustomerPyramidRequest{WindowMonths: -1}), codes.InvalidArgument, ""},
			"months without end":          {pyramid(&analyticsv1.GetCustomerPyramidRequest{WindowMonths: 1000}), codes.InvalidArgument, ""},
			"a window before all time":    {pyramid(&analyticsv1.GetCustomerPyramidRequest{AsOf: &timestamppb.Timestamp{Seconds: -62135596800}}), codes.InvalidArgument, "FIELD_INVALID"},
			"no layer":                    {members(&analyticsv1.ListPyramidMembersRequest{}), codes.InvalidArgument, ""},
			"a layer's forged token":      {members(&analyticsv1.ListPyramidMembersRequest{Layer: 1, PageToken: "x"}), codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
		}
		for name, c := range cases {
			refused(t, name, c.err, c.code, c.reason)
		}
		if a.Transport != testkit.GRPC {
			return // REST cannot spell these
		}
		refused(t, "a name of something else", view(&analyticsv1.GetCustomerViewRequest{Name: "orders/1"}), codes.InvalidArgument, "FIELD_INVALID")
		refused(t, "a name with more to it", view(&analyticsv1.GetCustomerViewRequest{Name: "customers/a/b"}), codes.InvalidArgument, "FIELD_INVALID")
		refused(t, "a time that is none", view(&analyticsv1.GetCustomerViewRequest{Name: number(c), AsOf: broken}), codes.InvalidArgument, "")
		refused(t, "another time that is none", pyramid(&analyticsv1.GetCustomerPyramidRequest{EffectiveAt: broken}), codes.InvalidArgument, "")
		operator := a.as(s.As(auth.Operator))
		_, err := operator.RetryDeadLetter(a.Ctx(), &analyticsv1.RetryDeadLetterRequest{Name: "deadLetters/1"})
		refused(t, "a dead letter without an id", err, codes.InvalidArgument, "FIELD_INVALID")
		_, err = operator.GetRebuild(a.Ctx(), &analyticsv1.GetRebuildRequest{Name: "operations/sales-1"})
		refused(t, "another area's operation", err, codes.InvalidArgument, "FIELD_INVALID")
	})
}

// A write that the projections do not show in time is told as such, and not shown
// as if it had not been.
func TestGetCustomerView_notYetVisible(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := of(s.Client(t, s.As(auth.Admin)))
	c := a.customer(t, "Ibu Siti")
	a.settle(t, number(c))
	conn, err := s.Services["analytics"].Runtime.DB.System.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	// What stores a batch of events waits for this lock.
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_lock(hashtext('event_arrival'))"); err != nil {
		t.Fatal(err)
	}
	defer conn.Exec(context.Background(), "SELECT pg_advisory_unlock_all()")
	a.meet(t, c, phone, "held up")
	token := a.written.all()[0]
	_, err = a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), MinPosition: token})
	refused(t, "held up", err, codes.Unavailable, "NOT_YET_VISIBLE")
	v := must(a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)}))(t)
	if len(v.GetTimeline()) != 1 {
		t.Errorf("without a position: %v", titles(v.GetTimeline()))
	}
	testkit.Eventually(t, func() error { // it is known to be behind
		v, err := a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c)})
		if err == nil && v.GetProfileStatus().GetState() != stale {
			err = fmt.Errorf("the profile is %v", v.GetProfileStatus())
		}
		return err
	})
	if _, err := conn.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, func() error {
		_, err := a.GetCustomerView(a.Ctx(), &analyticsv1.GetCustomerViewRequest{Name: number(c), MinPosition: token})
		return err
	})
}
