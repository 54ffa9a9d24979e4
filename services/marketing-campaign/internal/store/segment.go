package store

import (
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
)

func newSegments(db *postgres.DB, log *eventlog.Log) *record.Store[segment.Segment, *campaignv1.Segment] {
	return &record.Store[segment.Segment, *campaignv1.Segment]{
		DB: db, Log: log, Kind: "segment", Collection: segments,
		Table: postgres.NewTable[segment.Segment](segmentTable),
		Meta:  func(s *segment.Segment) *entity.Meta { return &s.Meta },
		Proto: segmentMessage,
		Fill:  fillSegment,
		Event: segmentEvent,
		Extra: segmentRows,
	}
}

var segmentTable = postgres.Def{
	Name: "segment",
	Kind: "segment",
	Fields: shared(
		postgres.Field{Path: "display_name"},
		enum("state", campaignv1.SegmentState_value, "SEGMENT_STATE_"),
		postgres.Field{Path: "version", Type: postgres.Int},
		postgres.Field{Path: "member_count", Type: postgres.Int},
	),
	Orders: [][]string{
		{"create_time"},
		{"update_time"},
		{"display_name"},
		{"owner", "create_time"},
	},
	DefaultOrder: "create_time desc",
	Constraints:  map[string]*errs.Error{"segment_external_id_key": errExternalID},
}

func segmentMessage(s *segment.Segment) *campaignv1.Segment {
	named := make([]string, len(s.Contacts))
	for i := range s.Contacts {
		named[i] = fields.Name(contacts, &s.Contacts[i])
	}
	return &campaignv1.Segment{
		Name:            fields.Name(segments, &s.ID),
		DisplayName:     s.DisplayName,
		Description:     s.Description,
		Filter:          s.Filter,
		Contacts:        named,
		Version:         s.Version,
		State:           campaignv1.SegmentState(s.State),
		MemberCount:     s.MemberCount,
		MaterializeTime: fields.Timestamp(s.MaterializeTime),
		FailureReason:   s.FailureReason,
		Owner:           s.Owner,
		Team:            s.Team,
		Source:          s.Source,
		ExternalIds:     s.ExternalIDs,
		Labels:          s.Labels,
		CustomFields:    fields.Struct(s.CustomFields),
		CreateTime:      timestamppb.New(s.CreateTime),
		UpdateTime:      timestamppb.New(s.UpdateTime),
		DeleteTime:      fields.Timestamp(s.DeleteTime),
		Etag:            s.Etag(),
		AllowedActions:  s.Actions(),
	}
}

func fillSegment(s *segment.Segment, m *campaignv1.Segment) error {
	r := fields.Reader{In: "segment"}
	s.DisplayName = r.RequiredLine("display_name", m.GetDisplayName())
	s.Description = r.Words(m.GetDescription())
	s.Owner, s.Team, s.Source = r.Line("owner", m.GetOwner()), r.Line("team", m.GetTeam()), r.Line("source", m.GetSource())
	r.Labels(&s.Meta, m)
	filter, named := ReadDefinition(&r, m)
	if err := r.Err(); err != nil {
		return err
	}
	return s.Define(filter, named)
}

// definition is what tells whom a segment is for: a segment, or a request to
// preview one.
type definition interface {
	GetFilter() string
	GetContacts() []string
}

// ReadDefinition reads a segment's filter and named contacts.
func ReadDefinition(r *fields.Reader, m definition) (filter string, named []uuid.UUID) {
	for i, name := range m.GetContacts() {
		named = append(named, r.Ref(fields.Index("contacts", i), contacts, name))
	}
	return r.Words(m.GetFilter()), named
}

// segmentRows queues what belongs to a segment and stands in other tables: what
// other systems call it, the look-up of its members, and the versions that stand.
func segmentRows(w *postgres.Writes, before, after *segment.Segment) {
	var was *entity.Meta
	from := segment.Defined
	if before != nil {
		was, from = &before.Meta, before.State
	}
	externalIDs(w, "segment", was, &after.Meta)
	switch {
	case from == after.State:
	case after.State == segment.Materializing:
		queueLookup(w, after)
	case from == segment.Materializing:
		w.Queue(`
			DELETE FROM segment_lookup
			WHERE tenant = $1 AND segment = $2`, w.Tenant(), after.ID)
		if after.State == segment.Ready {
			w.Queue(`
				INSERT INTO segment_version (tenant, segment, version, member_count, materialize_time)
				VALUES ($1, $2, $3, $4, $5)`, w.Tenant(), after.ID, after.Version, after.MemberCount, after.MaterializeTime)
		}
	}
}

// queueLookup orders the look-up of a version's members. What an earlier attempt
// found may no longer be so.
func queueLookup(w *postgres.Writes, s *segment.Segment) {
	w.Queue(`
		DELETE FROM segment_member
		WHERE tenant = $1 AND segment = $2 AND version = $3`, w.Tenant(), s.ID, s.Version)
	w.Queue(`
		INSERT INTO segment_lookup (tenant, segment, version)
		VALUES ($1, $2, $3)`, w.Tenant(), s.ID, s.Version)
}
