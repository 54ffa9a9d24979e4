package projection

import (
	"strings"
	"unicode"

	analyticsv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/analytics/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

// EntryOf words an event, unsealed, for the timeline.
func EntryOf(e *eventv1.Event) (*analyticsv1.TimelineEntry, error) {
	h, err := headerOf(e)
	if err != nil {
		return nil, err
	}
	resource, err := resourceOf(e)
	if err != nil {
		return nil, err
	}
	return entryOf(h, itemOf(h, resource)), nil
}

func entryOf(h header, item *item) *analyticsv1.TimelineEntry {
	interaction := h.GetInteraction()
	entry := &analyticsv1.TimelineEntry{
		EventId: h.GetId(), Type: h.GetType(),
		OccurredAt: h.GetOccurredAt(), RecordedAt: h.GetRecordedAt(),
		Channel: interaction.GetChannel(), Direction: interaction.GetDirection(),
		Title: interaction.GetTitle(), Summary: interaction.GetSummary(),
		Kind: item.GetKind(), Conversation: interaction.GetConversation(),
		Actor: h.GetActor(), Area: h.GetArea(),
		Resource: h.GetAggregate(), ResourceSeq: h.GetAggregateSeq(),
	}
	if entry.GetTitle() == "" {
		entry.Title = words(h.GetType())
	}
	if entry.GetSummary() == "" && interaction == nil {
		entry.Summary = strings.TrimSpace(item.GetNumber() + " " + item.GetTitle())
	}
	return entry
}

// words answers "Opportunity won" for "lingkar.sales.v1.OpportunityWon".
func words(eventType string) string {
	camel := eventType[strings.LastIndexByte(eventType, '.')+1:]
	var b strings.Builder
	for i, r := range camel {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
