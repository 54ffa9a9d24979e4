package store

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// merge puts what a file says together with what is there: names and texts that the
// file has replace, identifiers and addresses are added, nothing is removed.
func (i *importing) merge(row, incoming *contact.Contact, rules record.CustomRules) error {
	in := contactProto(incoming) // its identifiers in their stored form, as those that are there
	return i.Contacts.DecideIn(i.unit, row, func(row *contact.Contact) ([]entity.Event, error) {
		before := contactProto(row)
		wanted := merged(before, in)
		if proto.Equal(before, wanted) {
			return nil, nil
		}
		custom := row.CustomFields
		if err := i.fillContact(row, wanted); err != nil {
			return nil, err
		}
		if err := i.Contacts.CheckChanged(rules, custom, row); err != nil {
			return nil, err
		}
		if proto.Equal(before, contactProto(row)) {
			return nil, nil
		}
		return []entity.Event{entity.Updated{Paths: []string{"*"}}}, nil
	})
}

func merged(before, in *contactv1.Contact) *contactv1.Contact {
	c := proto.Clone(before).(*contactv1.Contact)
	for _, field := range []struct {
		into *string
		from string
	}{
		{&c.GivenName, in.GetGivenName()}, {&c.FamilyName, in.GetFamilyName()}, {&c.OrganisationName, in.GetOrganisationName()},
		{&c.JobTitle, in.GetJobTitle()}, {&c.LanguageCode, in.GetLanguageCode()}, {&c.RegionCode, in.GetRegionCode()},
		{&c.Note, in.GetNote()}, {&c.Owner, in.GetOwner()},
	} {
		if field.from != "" {
			*field.into = field.from
		}
	}
	if in.GetBirthday() != nil {
		c.Birthday = in.GetBirthday()
	}
	c.Identifiers = addNew(c.Identifiers, in.GetIdentifiers(), func(a, b *contactv1.Identifier) bool {
		return a.GetKind() == b.GetKind() && a.GetValue() == b.GetValue()
	})
	c.Addresses = addNew(c.Addresses, in.GetAddresses(), func(a, b *contactv1.Address) bool { return proto.Equal(a, b) || sameAddress(a, b) })
	c.Labels = joined(c.Labels, in.GetLabels(), true)
	c.ExternalIds = joined(c.ExternalIds, in.GetExternalIds(), false)
	if in.GetCustomFields() != nil {
		if c.CustomFields == nil {
			c.CustomFields = in.GetCustomFields()
		} else {
			for k, v := range in.GetCustomFields().GetFields() {
				c.CustomFields.Fields[k] = v
			}
		}
	}
	return c
}

func sameAddress(a, b *contactv1.Address) bool {
	return slices.Equal(a.GetLines(), b.GetLines()) && a.GetLocality() == b.GetLocality() && a.GetPostalCode() == b.GetPostalCode()
}

func addNew[T any](list, more []T, same func(a, b T) bool) []T {
	for _, m := range more {
		if !slices.ContainsFunc(list, func(l T) bool { return same(l, m) }) {
			list = append(list, m)
		}
	}
	return list
}

// joined puts two maps together; of two values for a key the newer one wins where
// replace says so.
func joined(old, more map[string]string, replace bool) map[string]string {
	if len(more) == 0 {
		return old
	}
	all := map[string]string{}
	for k, v := range old {
		all[k] = v
	}
	for k, v := range more {
		if _, held := all[k]; !held || replace {
			all[k] = v
		}
	}
	return all
}
