package store

import (
	"fmt"
	"maps"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/text"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/relationship"
)

func typeProto(t *relationship.Type) *contactv1.RelationshipType {
	return &contactv1.RelationshipType{
		Name:        named(relationshipTypes, t.ID),
		ForwardName: t.ForwardName,
		ReverseName: t.ReverseName,
		FromKind:    contactv1.ContactKind(t.FromKind),
		ToKind:      contactv1.ContactKind(t.ToKind),
		Inactive:    t.Inactive,
		Description: t.Description,
		ExternalIds: maps.Clone(t.ExternalIDs),
		Labels:      maps.Clone(t.Labels),
		CreateTime:  timestamppb.New(t.CreateTime),
		UpdateTime:  timestamppb.New(t.UpdateTime),
		DeleteTime:  fields.Timestamp(t.DeleteTime),
		Etag:        t.Etag(),
	}
}

func fillType(t *relationship.Type, p *contactv1.RelationshipType) error {
	r := &fields.Reader{In: "relationship_type"}
	t.ForwardName = r.RequiredLine("forward_name", p.GetForwardName())
	t.ReverseName = r.RequiredLine("reverse_name", p.GetReverseName())
	t.NameKey = text.Key(t.ForwardName)
	t.FromKind, t.ToKind = contact.Kind(p.GetFromKind()), contact.Kind(p.GetToKind())
	t.Inactive = p.GetInactive()
	t.Description = r.Words(p.GetDescription())
	t.ExternalIDs, t.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

func typeEvent(t *relationship.Type, e entity.Event) eventlog.Draft {
	state := typeProto(t)
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.RelationshipTypeCreated{RelationshipType: state}
	case entity.Updated:
		payload = &contactv1.RelationshipTypeUpdated{RelationshipType: state, Paths: e.Paths}
	case entity.Deleted:
		payload = &contactv1.RelationshipTypeDeleted{RelationshipType: state}
	case entity.Undeleted:
		payload = &contactv1.RelationshipTypeUndeleted{RelationshipType: state}
	default:
		panic(fmt.Sprintf("store: no event of a relationship type is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload}
}

func relationshipProto(r *relationship.Relationship) *contactv1.Relationship {
	return &contactv1.Relationship{
		Name:           named(relationships, r.ID),
		Type:           named(relationshipTypes, r.Type),
		FromContact:    named(contacts, r.From),
		ToContact:      named(contacts, r.To),
		Role:           r.Role,
		StartTime:      timestamppb.New(r.Start),
		EndTime:        fields.Timestamp(r.End),
		Note:           r.Note,
		Owner:          r.Owner,
		Team:           r.Team,
		Source:         r.Source,
		ExternalIds:    maps.Clone(r.ExternalIDs),
		Labels:         maps.Clone(r.Labels),
		CustomFields:   fields.Struct(r.CustomFields),
		CreateTime:     timestamppb.New(r.CreateTime),
		UpdateTime:     timestamppb.New(r.UpdateTime),
		DeleteTime:     fields.Timestamp(r.DeleteTime),
		Etag:           r.Etag(),
		AllowedActions: r.AllowedActions(),
	}
}

// fillRelationship takes the type and the contacts at creation only.
func fillRelationship(row *relationship.Relationship, p *contactv1.Relationship) error {
	r := &fields.Reader{In: "relationship"}
	row.Type = fields.Fixed(r, "type", row.Type, r.Ref("type", relationshipTypes, p.GetType()))
	row.From = fields.Fixed(r, "from_contact", row.From, r.Ref("from_contact", contacts, p.GetFromContact()))
	row.To = fields.Fixed(r, "to_contact", row.To, r.Ref("to_contact", contacts, p.GetToContact()))
	row.Role = r.Line("role", p.GetRole())
	if p.GetStartTime() != nil {
		row.Start = r.Time("start_time", p.GetStartTime())
	}
	row.End = until(r, "end_time", p.GetEndTime())
	row.Note = r.Words(p.GetNote())
	row.Owner, row.Team, row.Source = r.Line("owner", p.GetOwner()), r.Line("team", p.GetTeam()), r.Line("source", p.GetSource())
	r.Labels(&row.Meta, p)
	r.Add(row.Check()...)
	return r.Err()
}

func relationshipEvent(r *relationship.Relationship, e entity.Event) eventlog.Draft {
	state := relationshipProto(r)
	state.AllowedActions = nil
	var payload proto.Message
	switch e := e.(type) {
	case entity.Created:
		payload = &contactv1.RelationshipCreated{Relationship: state}
	case entity.Updated:
		payload = &contactv1.RelationshipUpdated{Relationship: state, Paths: e.Paths}
	case relationship.Ended:
		payload = &contactv1.RelationshipEnded{Relationship: state}
	case entity.Deleted:
		payload = &contactv1.RelationshipDeleted{Relationship: state}
	case entity.Undeleted:
		payload = &contactv1.RelationshipUndeleted{Relationship: state}
	default:
		panic(fmt.Sprintf("store: no event of a relationship is made of %s", e.EventName()))
	}
	return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{r.From, r.To}}
}
