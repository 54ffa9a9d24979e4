package store

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// Claiming reads which contact is to claim which anonymous one.
func (s *Store) Claiming(anonymous, claimant string) (Merging, error) {
	r := &fields.Reader{}
	m := Merging{Survivor: r.Ref("contact", contacts, claimant), Others: []uuid.UUID{r.Ref("name", contacts, anonymous)}, Anonymous: true}
	if m.Survivor == m.Others[0] {
		r.Fail("contact", "CYCLE", "is the anonymous contact itself")
	}
	return m, r.Err()
}

// ClaimContact gives an anonymous contact the details of the person that it is.
func (s *Store) ClaimContact(ctx context.Context, tenant uuid.UUID, name, etag string, details *contactv1.Contact) (*contactv1.Contact, error) {
	known := &contact.Contact{}
	if err := s.fillContact(known, details); err != nil {
		return nil, inDetails(err)
	}
	if known.Kind != contact.Person || known.Anonymous() {
		return nil, errs.Invalid("details", "", "must be a person with a name")
	}
	rules, err := s.Contacts.CustomRules(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return s.Contacts.Change(ctx, tenant, name, etag, func(c *contact.Contact) ([]entity.Event, error) {
		if err := c.RefuseKnown(); err != nil {
			return nil, err
		}
		in := contactProto(known)
		wanted := merged(contactProto(c), in)
		wanted.DisplayName = in.GetDisplayName()
		custom := c.CustomFields
		if err := s.fillContact(c, wanted); err != nil {
			return nil, inDetails(err)
		}
		if err := s.Contacts.CheckChanged(rules, custom, c); err != nil {
			return nil, inDetails(err)
		}
		return []entity.Event{contact.Claimed{}}, nil
	})
}

// inDetails names the fields of an input error as the request does.
func inDetails(err error) error {
	violations := errs.FieldViolations(err)
	if len(violations) == 0 {
		return err
	}
	for i := range violations {
		violations[i].Field = "details" + strings.TrimPrefix(violations[i].Field, "contact")
	}
	return errs.InvalidAll(violations...)
}
