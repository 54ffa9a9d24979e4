package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// CaptureLead implements salesv1.LeadServiceServer.
func (s *Server) CaptureLead(ctx context.Context, req *salesv1.CaptureLeadRequest) (*salesv1.Lead, error) {
	// What is wrong with the lead is found before a contact is made for it: one that
	// is refused leaves nothing behind.
	m := capturedLead(req, "contacts/"+entity.NewID().String())
	if _, err := s.filledLead(ctx, m); err != nil {
		return nil, inRequest(err)
	}
	if err := s.offered(ctx, m.GetProducts()); err != nil {
		return nil, inRequest(err)
	}
	contact, err := s.prospect(ctx, req)
	if err != nil {
		return nil, err
	}
	if contact == "" {
		return s.captureUnknown(ctx, req, m)
	}
	m.Contact = contact
	l, err := s.newLead(ctx, "", m)
	return l, inRequest(err)
}

// captureUnknown captures a lead of somebody who is no contact yet, and becomes one.
func (s *Server) captureUnknown(ctx context.Context, req *salesv1.CaptureLeadRequest, m *salesv1.Lead) (*salesv1.Lead, error) {
	if l, err := s.foreseen(ctx, m); l != nil || err != nil {
		return l, inRequest(err)
	}
	c, err := s.Contacts.CreateContact(ctx, &contactv1.CreateContactRequest{
		Contact:      contactOf(req.GetContactDetails(), req.GetSource()),
		RequestId:    call.Child(ctx, "contact"),
		ValidateOnly: req.GetValidateOnly(),
		// Whoever fills in a form cannot answer whether it is somebody else: that a person
		// is known already was looked for by what identifies it.
		AllowDuplicates: true,
	})
	if err != nil {
		return nil, within("contact_details", err)
	}
	m.Contact = c.GetName()
	if req.GetValidateOnly() {
		return s.filledLead(ctx, m)
	}
	l, err := s.newLead(ctx, "", m)
	return l, inRequest(err)
}

// errNew ends looking for what stands in the way of a new lead: nothing does.
var errNew = errors.New("sales: the lead would be a new one")

// foreseen looks for what only the database knows of a lead whose contact is yet to
// be made: that the request was answered before (the answer is that lead), that its
// id was used for another request, or that the lead's external ids are taken. Nil
// where it can be created.
func (s *Server) foreseen(ctx context.Context, m *salesv1.Lead) (*salesv1.Lead, error) {
	var keys []store.ExternalID
	for system, id := range m.GetExternalIds() {
		keys = append(keys, store.ExternalID{System: system, ID: id})
	}
	l, err := record.Write(ctx, s.DB, s.Log, tenantOf(ctx), func(u *record.Unit) (*salesv1.Lead, error) {
		held, err := s.Held(u, tenantOf(ctx), "lead", keys)
		switch {
		case err != nil:
			return nil, err
		case len(held) > 0:
			return nil, store.ErrExternalIDTaken
		default:
			return nil, errNew
		}
	})
	if errors.Is(err, errNew) {
		return nil, nil
	}
	return l, err
}

// inRequest names the fields of a captured lead as the request does: they are its
// own.
func inRequest(err error) error {
	return relocated(err, func(field string) string { return strings.TrimPrefix(field, "lead.") })
}

// prospect answers the contact whose interest it is; "" where the details are those
// of nobody known.
func (s *Server) prospect(ctx context.Context, req *salesv1.CaptureLeadRequest) (string, error) {
	if req.GetContact() != "" {
		return req.GetContact(), nil
	}
	return s.lookup(ctx, req.GetContactDetails())
}

// lookup answers the contact that has the e-mail address, else the phone number.
// Where several have it, the one that was changed last is taken.
func (s *Server) lookup(ctx context.Context, d *salesv1.ContactDetails) (name string, err error) {
	var ways []*contactv1.LookupContactRequest
	if d.GetEmail() != "" {
		ways = append(ways, &contactv1.LookupContactRequest{
			Identifier: &contactv1.LookupContactRequest_Email{Email: d.GetEmail()},
		})
	}
	if d.GetPhone() != "" {
		ways = append(ways, &contactv1.LookupContactRequest{
			Identifier: &contactv1.LookupContactRequest_Phone{Phone: d.GetPhone()},
			RegionCode: d.GetRegionCode(),
		})
	}
	for _, way := range ways {
		found, err := s.Contacts.LookupContact(ctx, way)
		if err != nil && errs.Code(err) != codes.NotFound {
			return "", within("contact_details", err)
		}
		if len(found.GetContacts()) > 0 {
			return found.GetContacts()[0].GetName(), nil
		}
	}
	return "", nil
}

// contactOf words the details as a new contact. An organisation without a person
// is a contact of its own kind.
func contactOf(d *salesv1.ContactDetails, source string) *contactv1.Contact {
	c := &contactv1.Contact{
		Kind:             contactv1.ContactKind_CONTACT_KIND_PERSON,
		DisplayName:      d.GetDisplayName(),
		GivenName:        d.GetGivenName(),
		FamilyName:       d.GetFamilyName(),
		OrganisationName: d.GetOrganisationName(),
		RegionCode:       d.GetRegionCode(),
		LanguageCode:     d.GetLanguageCode(),
		Source:           source,
	}
	if d.GetDisplayName()+d.GetGivenName()+d.GetFamilyName() == "" && d.GetOrganisationName() != "" {
		c.Kind, c.DisplayName, c.OrganisationName = contactv1.ContactKind_CONTACT_KIND_ORGANISATION, d.GetOrganisationName(), ""
	}
	for kind, value := range map[contactv1.IdentifierKind]string{
		contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL: d.GetEmail(),
		contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE: d.GetPhone(),
	} {
		if value != "" {
			c.Identifiers = append(c.Identifiers, &contactv1.Identifier{Kind: kind, Value: value, Primary: true})
		}
	}
	slices.SortFunc(c.Identifiers, func(a, b *contactv1.Identifier) int { return int(a.GetKind() - b.GetKind()) })
	return c
}

// capturedLead words the request as a lead.
func capturedLead(req *salesv1.CaptureLeadRequest, contact string) *salesv1.Lead {
	channel := req.GetChannel()
	if channel == eventv1.Channel_CHANNEL_UNSPECIFIED {
		channel = eventv1.Channel_CHANNEL_WEB
	}
	return &salesv1.Lead{
		Contact:        contact,
		DisplayName:    req.GetDisplayName(),
		Channel:        channel,
		Products:       req.GetProducts(),
		EstimatedValue: req.GetEstimatedValue(),
		Note:           req.GetNote(),
		Source:         req.GetSource(),
		ExternalIds:    req.GetExternalIds(),
		Labels:         req.GetLabels(),
		CustomFields:   req.GetCustomFields(),
		CaptureTime:    req.GetCaptureTime(),
	}
}

// filledLead answers the lead that a message becomes, as far as the message tells.
func (s *Server) filledLead(ctx context.Context, m *salesv1.Lead) (*salesv1.Lead, error) {
	now := s.now()
	l := &lead.Lead{Meta: entity.Meta{ID: entity.NewID(), CreateTime: now, UpdateTime: now}}
	if err := s.Leads.Fill(l, m); err != nil {
		return nil, err
	}
	rules, err := s.Leads.CustomRules(ctx, tenantOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.Leads.CheckNew(rules, l); err != nil {
		return nil, err
	}
	return s.Leads.Proto(l), nil
}

// within puts the fields that another service complains of below the field of
// ours that they came from.
func within(field string, err error) error {
	return relocated(err, func(theirs string) string { return field + "." + theirs })
}

// relocated renames the fields that an error complains of.
func relocated(err error, rename func(field string) string) error {
	violations := errs.FieldViolations(err)
	if len(violations) == 0 {
		return err
	}
	for i := range violations {
		violations[i].Field = rename(violations[i].Field)
	}
	return errs.InvalidAll(violations...)
}
