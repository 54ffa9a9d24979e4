package store

import (
	"fmt"
	"maps"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/interaction"
)

func interactionProto(i *interaction.Interaction) *contactv1.Interaction {
	return &contactv1.Interaction{
		Name:         named(interactions, i.ID),
		Contact:      named(contacts, i.Contact),
		Channel:      eventv1.Channel(i.Channel),
		Direction:    eventv1.Direction(i.Direction),
		Kind:         contactv1.InteractionKind(i.Kind),
		Title:        i.Title,
		Body:         i.Body,
		BodyDocument: fields.Name(documents, i.BodyDocument),
		Conversation: i.Conversation,
		OccurredAt:   timestamppb.New(i.OccurredAt),
		Attachments:  i.Attachments,
		Actor:        i.Actor,
		Source:       i.Source,
		ExternalIds:  maps.Clone(i.ExternalIDs),
		Labels:       maps.Clone(i.Labels),
		CreateTime:   timestamppb.New(i.CreateTime),
		Etag:         i.Etag(),
	}
}

// fillInteraction reads what is about to be recorded. The body is kept as it was
// written.
func fillInteraction(i *interaction.Interaction, p *contactv1.Interaction) error {
	r := &fields.Reader{In: "interaction"}
	i.Contact = r.Ref("contact", contacts, p.GetContact())
	i.Channel, i.Direction, i.Kind = int32(p.GetChannel()), int32(p.GetDirection()), int32(p.GetKind())
	i.Title = r.RequiredLine("title", p.GetTitle())
	i.Body = p.GetBody()
	i.Conversation = r.Line("conversation", p.GetConversation())
	i.OccurredAt = r.Time("occurred_at", p.GetOccurredAt())
	for n, a := range p.GetAttachments() {
		i.Attachments = append(i.Attachments, r.RequiredLine(fmt.Sprintf("attachments[%d]", n), a))
	}
	i.Source = r.Line("source", p.GetSource())
	i.ExternalIDs, i.Labels = maps.Clone(p.GetExternalIds()), maps.Clone(p.GetLabels())
	return r.Err()
}

// interactionEvent is an entry of the timeline.
func interactionEvent(i *interaction.Interaction, _ entity.Event) eventlog.Draft {
	return eventlog.Draft{
		Payload: &contactv1.InteractionRecorded{Interaction: interactionProto(i)},
		Interaction: &eventv1.Interaction{
			Channel: eventv1.Channel(i.Channel), Direction: eventv1.Direction(i.Direction),
			Title: i.Title, Summary: i.Summary, Conversation: i.Conversation,
		},
		Contacts:   []uuid.UUID{i.Contact},
		OccurredAt: i.OccurredAt,
	}
}
