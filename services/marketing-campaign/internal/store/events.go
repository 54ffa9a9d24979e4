package store

import (
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	campaignv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/campaign/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/segment"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

// segmentEvent words what happened to a segment.
func segmentEvent(s *segment.Segment, e entity.Event) eventlog.Draft {
	m := segmentMessage(s)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &campaignv1.SegmentCreated{Segment: m}}
	case entity.Updated:
		return eventlog.Draft{Payload: &campaignv1.SegmentUpdated{Segment: m, Paths: e.Paths}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &campaignv1.SegmentDeleted{Segment: m}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &campaignv1.SegmentUndeleted{Segment: m}}
	case segment.Started:
		return eventlog.Draft{Payload: &campaignv1.SegmentMaterializationStarted{Segment: m}}
	case segment.Materialized:
		return eventlog.Draft{Payload: &campaignv1.SegmentMaterialized{Segment: m}}
	case segment.Broken:
		return eventlog.Draft{Payload: &campaignv1.SegmentMaterializationFailed{Segment: m}}
	default:
		panic("store: no message for " + e.EventName())
	}
}

// campaignEvent words what happened to a campaign.
func campaignEvent(c *campaign.Campaign, e entity.Event) eventlog.Draft {
	m := campaignMessage(c)
	switch e := e.(type) {
	case entity.Created:
		return eventlog.Draft{Payload: &campaignv1.CampaignCreated{Campaign: m}}
	case entity.Updated:
		return eventlog.Draft{Payload: &campaignv1.CampaignUpdated{Campaign: m, Paths: e.Paths}}
	case entity.Deleted:
		return eventlog.Draft{Payload: &campaignv1.CampaignDeleted{Campaign: m}}
	case entity.Undeleted:
		return eventlog.Draft{Payload: &campaignv1.CampaignUndeleted{Campaign: m}}
	case campaign.Launched:
		return eventlog.Draft{Payload: &campaignv1.CampaignLaunched{Campaign: m}}
	case campaign.Halted:
		return eventlog.Draft{Payload: &campaignv1.CampaignPaused{Campaign: m}}
	case campaign.Continued:
		return eventlog.Draft{Payload: &campaignv1.CampaignResumed{Campaign: m}}
	case campaign.Ended:
		return eventlog.Draft{Payload: &campaignv1.CampaignFinished{Campaign: m}}
	default:
		panic("store: no message for " + e.EventName())
	}
}

// touchEvent words what happened to a touch. Where company and customer met it is
// an entry of the timeline too.
func touchEvent(t *touch.Touch, e entity.Event) eventlog.Draft {
	d := eventlog.Draft{Payload: touchPayload(t, e), Contacts: []uuid.UUID{t.Contact}}
	d.Interaction, d.OccurredAt = interaction(t, e)
	return d
}

func touchPayload(t *touch.Touch, e entity.Event) proto.Message {
	m := TouchProto(t)
	switch e := e.(type) {
	case touch.Foreseen:
		return &campaignv1.TouchPlanned{Touch: m}
	case touch.Dispatched:
		return &campaignv1.TouchSent{Touch: m}
	case touch.Withheld:
		return &campaignv1.TouchSuppressed{Touch: m}
	case touch.Received:
		return &campaignv1.ResponseReceived{Touch: m, Response: ResponseProto(&e.Response)}
	default:
		panic("store: no message for " + e.EventName())
	}
}

// interaction answers the timeline's entry, nil where nobody met, and when that
// was; the zero time stands for now.
func interaction(t *touch.Touch, e entity.Event) (*eventv1.Interaction, time.Time) {
	switch e := e.(type) {
	case touch.Dispatched:
		return &eventv1.Interaction{
			Channel:      eventv1.Channel(t.Channel),
			Direction:    eventv1.Direction_DIRECTION_OUTBOUND,
			Title:        titled("Campaign", t.Subject),
			Summary:      beginning(t.Body),
			Conversation: t.Name(),
		}, *t.SendTime
	case touch.Received:
		return &eventv1.Interaction{
			Channel:      eventv1.Channel(e.Response.Channel),
			Direction:    eventv1.Direction_DIRECTION_INBOUND,
			Title:        titled("Response: "+e.Response.Kind.String(), t.Subject),
			Summary:      beginning(e.Response.Body),
			Conversation: t.Name(),
		}, e.Response.RespondTime
	default:
		return nil, time.Time{}
	}
}

func titled(what, subject string) string {
	if subject == "" {
		return what
	}
	return what + ": " + subject
}

// summaryBytes is about how much of a text its summary shows.
const summaryBytes = 500

// beginning answers the first part of a text, cut between two characters.
func beginning(text string) string {
	if len(text) <= summaryBytes {
		return text
	}
	end := summaryBytes
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
