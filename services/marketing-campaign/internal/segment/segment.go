// Package segment holds the rules of a group of contacts: its definition, its
// versions, and whether their members stand.
//
// A version is one definition and, once ready, one list of members; neither
// changes afterwards. So a segment that is defined or materialised anew goes on
// as its next version. The members themselves, and how they are found, are not
// kept here.
package segment

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// State is how far the members of a segment's version are. The numbers are those
// of the contract.
type State int32

// The states.
const (
	Defined State = iota + 1
	Materializing
	Ready
	Failed
)

// Segment is a group of contacts.
type Segment struct {
	entity.Meta
	DisplayName string `db:"display_name"`
	Description string `db:"description"`
	// Filter and Contacts are the definition: what the filter finds and what is
	// named, together.
	Filter   string      `db:"filter"`
	Contacts []uuid.UUID `db:"contacts"`

	Version         int32      `db:"version"`
	State           State      `db:"state"`
	MemberCount     int64      `db:"member_count"`
	MaterializeTime *time.Time `db:"materialize_time"`
	FailureReason   string     `db:"failure_reason"`
}

var (
	errUndefined     = errs.Invalid("segment.filter", "SEGMENT_UNDEFINED", "a segment needs a filter or named contacts")
	errMaterializing = errs.Refused("SEGMENT_MATERIALIZING", "the members of this version are being looked up")
	errNotReady      = errs.Refused("SEGMENT_NOT_READY", "this version of the segment has no members yet: materialise it first")
	errEmpty         = errs.Refused("SEGMENT_EMPTY", "the segment has no members")
)

// Define sets the definition. Where it differs from the present one, it is that
// of a new version.
func (s *Segment) Define(filter string, contacts []uuid.UUID) error {
	contacts = slices.Clone(contacts)
	slices.SortFunc(contacts, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	contacts = slices.Compact(contacts)
	if filter == "" && len(contacts) == 0 {
		return errUndefined
	}
	switch {
	case s.Version == 0:
		s.Version = 1
	case s.Filter == filter && slices.Equal(s.Contacts, contacts):
		return nil
	case s.State == Materializing:
		return errMaterializing
	default:
		s.Version++
	}
	s.Filter, s.Contacts = filter, contacts
	s.reset(Defined)
	return nil
}

// reset forgets what is known of the members.
func (s *Segment) reset(to State) {
	s.State, s.MemberCount, s.MaterializeTime, s.FailureReason = to, 0, nil, ""
}

// Started says that the members are being looked up.
type Started struct{}

// EventName implements entity.Event.
func (Started) EventName() string { return "SegmentMaterializationStarted" }

// Materialize begins to look up the members of this version, or of the next one
// where this one has its members.
func (s *Segment) Materialize() ([]entity.Event, error) {
	if s.State == Materializing {
		return nil, errMaterializing
	}
	if s.State == Ready {
		s.Version++
	}
	s.reset(Materializing)
	return []entity.Event{Started{}}, nil
}

// Materialized says that the members are complete.
type Materialized struct{}

// EventName implements entity.Event.
func (Materialized) EventName() string { return "SegmentMaterialized" }

// Complete notes that the members of a version are complete. It does nothing
// where that version is no longer looked up.
func (s *Segment) Complete(version int32, members int64, now time.Time) []entity.Event {
	if s.Version != version || s.State != Materializing {
		return nil
	}
	s.State, s.MemberCount, s.MaterializeTime = Ready, members, &now
	return []entity.Event{Materialized{}}
}

// Broken says that the members could not be found.
type Broken struct{}

// EventName implements entity.Event.
func (Broken) EventName() string { return "SegmentMaterializationFailed" }

// Fail notes why the members of a version could not be found.
func (s *Segment) Fail(version int32, reason string) []entity.Event {
	if s.Version != version || s.State != Materializing {
		return nil
	}
	s.reset(Failed)
	s.FailureReason = reason
	return []entity.Event{Broken{}}
}

// Audience answers the version whose members a campaign may be launched to.
func (s *Segment) Audience() (version int32, err error) {
	switch {
	case s.Deleted() || s.State != Ready:
		return 0, errNotReady
	case s.MemberCount == 0:
		return 0, errEmpty
	}
	return s.Version, nil
}

// Remove says whether the segment may be deleted.
func (s *Segment) Remove() error {
	if s.State == Materializing {
		return errMaterializing
	}
	return nil
}

// Actions answers what may be done next, as the names of RPCs.
func (s *Segment) Actions() []string {
	switch {
	case s.Deleted():
		return []string{"UndeleteSegment"}
	case s.State == Materializing:
		return []string{"UpdateSegment"}
	default:
		return []string{"UpdateSegment", "DeleteSegment", "MaterializeSegment"}
	}
}
