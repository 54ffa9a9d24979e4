package server

import (
	"context"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/campaign"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/store"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

const (
	// purpose is what campaigns use a contact's data for.
	purpose = "marketing"
	// askers is how many contacts are asked about at a time.
	askers = 8
)

// letter is what one contact gets of a campaign, and whether it may.
type letter struct {
	message touch.Message
	verdict touch.Verdict
}

// letters writes what each of the contacts gets, asking for their consent now. A
// contact that nobody knows gets nothing.
func (s *Server) letters(ctx context.Context, c *campaign.Campaign, ids []uuid.UUID) ([]letter, error) {
	texts, wrong := c.Texts()
	if err := errs.Check(wrong); err != nil {
		return nil, err
	}
	known, err := s.Store.Contacts(ctx, tenantOf(ctx), ids)
	if err != nil {
		return nil, err
	}
	written := make([]letter, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(askers)
	for i, id := range ids {
		g.Go(func() (err error) {
			contact, ok := known[id]
			if !ok {
				if contact, err = s.contact(ctx, id); err != nil {
					return err
				}
			}
			written[i].verdict, err = s.judge(ctx, c, id, contact)
			if err == nil && written[i].verdict.Reason == 0 {
				written[i].message = touch.Message{
					Subject: texts.Subject.RenderLine(contact.Names),
					Body:    texts.Body.Render(contact.Names),
				}
			}
			return err
		})
	}
	return written, g.Wait()
}

// contact asks the contact service for a contact that no event has told of yet.
func (s *Server) contact(ctx context.Context, id uuid.UUID) (store.Contact, error) {
	c, err := s.Contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: fields.Name("contacts", &id)})
	if errs.Code(err) == codes.NotFound {
		return store.Contact{Deleted: true}, nil
	}
	return store.ReadContact(c), err
}

// judge decides whether a contact may be touched now.
func (s *Server) judge(ctx context.Context, c *campaign.Campaign, id uuid.UUID, contact store.Contact) (touch.Verdict, error) {
	question := touch.Case{
		Standing: touch.Gone, RequiresConsent: c.RequiresConsent, Channel: c.Channel, Preferred: contact.PreferredChannel,
	}
	if !contact.Deleted {
		var err error
		if err = s.ask(ctx, id, &question); err != nil {
			return touch.Verdict{}, err
		}
	}
	return touch.Decide(question), nil
}

// ask asks what the consent ledger says about marketing to a contact on the case's
// channel, which entry says so, and whether it is the hour.
func (s *Server) ask(ctx context.Context, id uuid.UUID, question *touch.Case) error {
	answer, err := s.Consents.CheckConsent(ctx, &contactv1.CheckConsentRequest{
		Contact: fields.Name("contacts", &id), Purpose: purpose, Channel: eventv1.Channel(question.Channel),
	})
	if errs.Code(err) == codes.NotFound {
		return nil // it is gone
	}
	if err != nil {
		return err
	}
	var r fields.Reader
	question.Proof = r.Optional("proof.name", "consents", answer.GetProof().GetName())
	if r.Err() != nil {
		return errs.Internal(r.Err())
	}
	standing, understood := standings[answer.GetReason()]
	if !understood {
		standing = touch.Refused // what is not understood must not be taken for consent
	}
	question.Standing = standing
	if begin := answer.GetHoursBeginTime(); begin != nil {
		at := begin.AsTime()
		question.HoursBegin = &at
	}
	return nil
}

// standings says what the reasons of the contact area mean here.
var standings = map[contactv1.ConsentReason]touch.Standing{
	contactv1.ConsentReason_CONSENT_REASON_GRANTED:         touch.Granted,
	contactv1.ConsentReason_CONSENT_REASON_CONTRACT:        touch.Granted,
	contactv1.ConsentReason_CONSENT_REASON_NEVER_GRANTED:   touch.Silent,
	contactv1.ConsentReason_CONSENT_REASON_EXPIRED:         touch.Silent,
	contactv1.ConsentReason_CONSENT_REASON_REVOKED:         touch.Refused,
	contactv1.ConsentReason_CONSENT_REASON_CONTACT_DELETED: touch.Gone,

	contactv1.ConsentReason_CONSENT_REASON_LEGAL_OBLIGATION:    touch.Granted,
	contactv1.ConsentReason_CONSENT_REASON_LEGITIMATE_INTEREST: touch.Granted,
	contactv1.ConsentReason_CONSENT_REASON_OBJECTED:            touch.Refused,
	contactv1.ConsentReason_CONSENT_REASON_RESTRICTED:          touch.Restricted,
	contactv1.ConsentReason_CONSENT_REASON_CONTACT_ERASED:      touch.Gone,
	contactv1.ConsentReason_CONSENT_REASON_QUIET_HOURS:         touch.Granted, // but not now
}
