package store

import (
	"net/netip"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
)

func consentProto(e *consent.Entry) *contactv1.Consent {
	return &contactv1.Consent{
		Name:        named(consents, e.ID),
		Contact:     named(contacts, e.Contact),
		Purpose:     e.Purpose,
		Channel:     eventv1.Channel(e.Channel),
		State:       contactv1.ConsentState(e.State),
		TextVersion: e.TextVersion,
		Evidence:    e.Evidence,
		IpAddress:   e.IPAddress,
		OccurredAt:  timestamppb.New(e.OccurredAt),
		ExpireTime:  fields.Timestamp(e.ExpireTime),
		Actor:       e.Actor,
		Source:      e.Source,
		CreateTime:  timestamppb.New(e.CreateTime),
		Etag:        e.Etag(),
	}
}

// fillConsent reads an entry that is about to be added; its state is the call's.
func fillConsent(e *consent.Entry, p *contactv1.Consent) error {
	r := &fields.Reader{In: "consent"}
	e.Contact = r.Ref("contact", contacts, p.GetContact())
	e.Purpose, e.Channel = p.GetPurpose(), int32(p.GetChannel())
	e.TextVersion = r.Line("text_version", p.GetTextVersion())
	e.Evidence = r.Words(p.GetEvidence())
	e.IPAddress = ipAddress(r, p.GetIpAddress())
	e.OccurredAt, e.ExpireTime = r.Time("occurred_at", p.GetOccurredAt()), until(r, "expire_time", p.GetExpireTime())
	e.Source = r.Line("source", p.GetSource())
	return r.Err()
}

// ipAddress reads an address without a zone, which says nothing elsewhere.
func ipAddress(r *fields.Reader, s string) string {
	if s == "" {
		return ""
	}
	address, err := netip.ParseAddr(s)
	if err != nil || address.Zone() != "" {
		r.Fail("ip_address", "", "is not an IP address")
		return ""
	}
	return address.String()
}

func consentEvent(e *consent.Entry, _ entity.Event) eventlog.Draft {
	var payload proto.Message = &contactv1.ConsentGranted{Consent: consentProto(e)}
	switch e.State {
	case consent.Revoked:
		payload = &contactv1.ConsentRevoked{Consent: consentProto(e)}
	case consent.Objected:
		payload = &contactv1.ObjectionRecorded{Consent: consentProto(e)}
	}
	return eventlog.Draft{Payload: payload, Contacts: []uuid.UUID{e.Contact}, OccurredAt: e.OccurredAt}
}
