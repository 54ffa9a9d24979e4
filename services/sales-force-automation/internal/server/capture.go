package server

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/lead"
)

// CaptureLead implements salesv1.LeadServiceServer.
func (s *Server) CaptureLead(ctx context.Context, req *salesv1.CaptureLeadRequest) (*salesv1.Lead, error) {
	// What is wrong with the lead is found before a contact is made for it.
	if _, err := s.filledLead(capturedLead(req, "contacts/"+entity.NewID().String())); err != nil {
		return nil, inRequest(err)
	}
	contact, known, err := s.prospect(ctx, req)
	if err != nil {
		return nil, err
	}
	m := capturedLead(req, contact)
	var l *salesv1.Lead
	if known {
		l, err = s.createLead(ctx, "", m)
	} else {
		l, err = s.previewLead(ctx, m)
	}
	return l, inRequest(err)
}

// inRequest names the fields of a captured lead as the request does: they are its
// own.
func inRequest(err error) error {
	return relocated(err, func(field string) string { return strings.TrimPrefix(field, "lead.") })
}

// prospect answers the contact whose interest it is, created where it was not
// known. Known is false where the call only validates and would create it.
func (s *Server) prospect(ctx context.Context, req *salesv1.CaptureLeadRequest) (name string, known bool, err error) {
	if req.GetContact() != "" {
		return req.GetContact(), true, nil
	}
	d := req.GetContactDetails()
	name, err = s.lookup(ctx, d)
	if err != nil || name != "" {
		return name, name != "", err
	}
	c, err := s.Contacts.CreateContact(ctx, &contactv1.CreateContactRequest{
		Contact:      contactOf(d, req.GetSource()),
		RequestId:    call.Child(ctx, "contact"),
		ValidateOnly: req.GetValidateOnly(),
	})
	return c.GetName(), !req.GetValidateOnly(), within("contact_details", err)
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

// previewLead checks a lead whose contact does not exist yet.
func (s *Server) previewLead(ctx context.Context, m *salesv1.Lead) (*salesv1.Lead, error) {
	if err := s.offered(ctx, m.GetProducts()); err != nil {
		return nil, err
	}
	return s.filledLead(m)
}

// filledLead answers the lead that a message becomes, as far as the message tells.
func (s *Server) filledLead(m *salesv1.Lead) (*salesv1.Lead, error) {
	now := s.now()
	l := &lead.Lead{Meta: entity.Meta{ID: entity.NewID(), CreateTime: now, UpdateTime: now}}
	if err := s.Leads.Fill(l, m); err != nil {
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
