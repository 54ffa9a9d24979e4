package segment_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
)

var now = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// ready answers a segment of two members.
func ready(t *testing.T) *segment.Segment {
	t.Helper()
	s := &segment.Segment{}
	if err := s.Define("kind = PERSON", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Materialize(); err != nil {
		t.Fatal(err)
	}
	if events := s.Complete(1, 2, now); len(events) != 1 {
		t.Fatalf("completed with %v", events)
	}
	return s
}

// A version's definition and members never change (MKT-10).
func TestVersion_risesWithEveryChange(t *testing.T) {
	t.Parallel()
	s := ready(t)
	if err := s.Define("kind = PERSON", nil); err != nil || s.Version != 1 || s.State != segment.Ready {
		t.Fatalf("the same definition: version %d, state %d, %v", s.Version, s.State, err)
	}
	if err := s.Define("kind = ORGANISATION", nil); err != nil || s.Version != 2 || s.State != segment.Defined || s.MemberCount != 0 {
		t.Fatalf("another filter: version %d, state %d, %v", s.Version, s.State, err)
	}
	if _, err := s.Materialize(); err != nil || s.Version != 2 {
		t.Fatalf("the first members of version 2: version %d, %v", s.Version, err)
	}
	s.Complete(2, 5, now)
	if _, err := s.Materialize(); err != nil || s.Version != 3 || s.State != segment.Materializing {
		t.Fatalf("members anew: version %d, state %d, %v", s.Version, s.State, err)
	}
}

func TestDefine_orderAndRepetitionOfContactsMeanNothing(t *testing.T) {
	t.Parallel()
	a, b := uuid.New(), uuid.New()
	s := &segment.Segment{}
	for _, contacts := range [][]uuid.UUID{{a, b}, {b, a}, {b, a, b}} {
		if err := s.Define("", contacts); err != nil || s.Version != 1 || len(s.Contacts) != 2 {
			t.Errorf("version %d with %d contacts, %v", s.Version, len(s.Contacts), err)
		}
	}
}

func TestRules_refuse(t *testing.T) {
	t.Parallel()
	busy := ready(t)
	if _, err := busy.Materialize(); err != nil {
		t.Fatal(err)
	}
	empty := ready(t)
	empty.MemberCount = 0
	audience := func(s *segment.Segment) error { _, err := s.Audience(); return err }
	materialize := func(s *segment.Segment) error { _, err := s.Materialize(); return err }
	for name, c := range map[string]struct {
		err    error
		reason string
	}{
		"no definition":          {(&segment.Segment{}).Define("", nil), "SEGMENT_UNDEFINED"},
		"materialise twice":      {materialize(busy), "SEGMENT_MATERIALIZING"},
		"define while looked up": {busy.Define("kind = ORGANISATION", nil), "SEGMENT_MATERIALIZING"},
		"audience not ready":     {audience(busy), "SEGMENT_NOT_READY"},
		"audience of nobody":     {audience(empty), "SEGMENT_EMPTY"},
	} {
		if errs.Reason(c.err) != c.reason {
			t.Errorf("%s answers %v, want %s", name, c.err, c.reason)
		}
	}
	if v, err := ready(t).Audience(); v != 1 || err != nil {
		t.Errorf("audience is version %d, %v", v, err)
	}
}

// What a worker finds out too late changes nothing.
func TestComplete_ofAnotherVersionIsNothing(t *testing.T) {
	t.Parallel()
	s := ready(t)
	if events := s.Complete(1, 9, now); events != nil || s.MemberCount != 2 {
		t.Errorf("completed again: %v, %d members", events, s.MemberCount)
	}
	if events := s.Fail(1, "FILTER_INVALID"); events != nil || s.State != segment.Ready {
		t.Errorf("failed when ready: %v", events)
	}
	if _, err := s.Materialize(); err != nil {
		t.Fatal(err)
	}
	if events := s.Fail(1, "FILTER_INVALID"); events != nil {
		t.Errorf("version 1 failed while version 2 is looked up: %v", events)
	}
	if events := s.Fail(2, "FILTER_INVALID"); len(events) != 1 || s.State != segment.Failed || s.FailureReason != "FILTER_INVALID" {
		t.Errorf("failed as %+v", s)
	}
	if _, err := s.Materialize(); err != nil || s.Version != 2 || s.FailureReason != "" {
		t.Errorf("tried again as version %d, %v", s.Version, err)
	}
}
