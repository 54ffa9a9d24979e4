package store

import (
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func mergeProto(m *identity.Merge) *contactv1.ContactMerge {
	p := &contactv1.ContactMerge{
		Name: named(contactMerges, m.ID), Survivor: named(contacts, m.Survivor), Contact: named(contacts, m.Contact),
		PolicyVersion: m.PolicyVersion, Actor: m.Actor,
		CreateTime: timestamppb.New(m.CreateTime), UndoTime: fields.Timestamp(m.UndoTime), Etag: m.Etag(),
	}
	for _, c := range m.Conflicts {
		p.Conflicts = append(p.Conflicts, &contactv1.MergeConflict{
			Field: c.Field, Strategy: contactv1.SurvivorshipStrategy(c.Strategy), Replaced: c.Replaced, KeptValue: c.Kept, LostValue: c.Lost,
			Rule: c.Rule, RuleVersion: c.Version,
		})
	}
	return p
}

// mergeEvent words that a merge was recorded or undone, without the values: it is an
// event of nobody's, sealed under no key.
func mergeEvent(m *identity.Merge, e entity.Event) eventlog.Draft {
	state := mergeProto(m)
	state.Conflicts = nil
	if _, undone := e.(identity.Undone); undone {
		return eventlog.Draft{Payload: &contactv1.ContactMergeUndone{ContactMerge: state}}
	}
	return eventlog.Draft{Payload: &contactv1.ContactMergeRecorded{ContactMerge: state}}
}
