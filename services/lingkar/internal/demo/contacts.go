package demo

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
)

const peopleCount = 140

func personID(i int) string  { return fmt.Sprintf("person-%03d", i) }
func companyID(i int) string { return fmt.Sprintf("company-%02d", i) }

// loadContacts makes the people first, so that they are C-000001 onward, one by
// one, so that their numbers follow their order.
func (l *loader) loadContacts(ctx context.Context) error {
	for i := range peopleCount {
		c, err := l.upsert(ctx, personID(i), l.person(i))
		if err != nil {
			return err
		}
		l.people = append(l.people, c)
	}
	for i, name := range companyNames {
		c, err := l.upsert(ctx, companyID(i), l.company(i, name))
		if err != nil {
			return err
		}
		l.companies = append(l.companies, c)
	}
	return l.grantConsents(ctx)
}

func (l *loader) upsert(ctx context.Context, id string, c *contactv1.Contact) (*contactv1.Contact, error) {
	answer, err := l.contacts.UpsertContact(ctx, &contactv1.UpsertContactRequest{
		Contact: c, ExternalId: &contactv1.ExternalId{System: System, Id: id}, RequestId: key("contact/", id),
	})
	l.counts.Contacts++
	return answer, err
}

func (l *loader) person(i int) *contactv1.Contact {
	given := givenNames[i%len(givenNames)]
	family := familyNames[(i*7+i/len(givenNames))%len(familyNames)]
	city := cities[l.random.IntN(len(cities))]
	c := &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_PERSON, GivenName: given, FamilyName: family,
		LanguageCode: "id", RegionCode: "ID", Source: []string{"shop", "web", "trade-fair", "referral"}[i%4],
		Identifiers: []*contactv1.Identifier{
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: strings.ToLower(fmt.Sprintf("%s.%s%d@example.com", given, family, i)), Primary: true},
			{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_PHONE, Value: fmt.Sprintf("0812%07d", 3000000+i*137), Label: "mobile"},
		},
		Addresses: []*contactv1.Address{{
			Label: "home", Lines: []string{fmt.Sprintf("Jalan Braga %d", i+1)}, Locality: city.name, AdministrativeArea: city.province, RegionCode: "ID",
		}},
		Roles: []*contactv1.Role{{Kind: contactv1.RoleKind_ROLE_KIND_CUSTOMER, StartTime: l.ago(1000 - i*6)}},
	}
	if i%9 == 0 {
		c.Identifiers = append(c.Identifiers, &contactv1.Identifier{Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_CARD, Value: fmt.Sprintf("KL-%06d", 1000+i)})
	}
	if i == 0 {
		// One entity, many roles (A13): she buys, works in the shop and sells for us.
		c.Roles = append(c.Roles,
			&contactv1.Role{Kind: contactv1.RoleKind_ROLE_KIND_EMPLOYEE, StartTime: l.ago(400)},
			&contactv1.Role{Kind: contactv1.RoleKind_ROLE_KIND_PARTNER, StartTime: l.ago(200)})
	}
	if i%17 == 5 {
		c.Preference = &contactv1.ContactPreference{Channel: eventv1.Channel_CHANNEL_PHONE, Hours: "18:00-20:00", TimeZone: "Asia/Jakarta"}
	}
	return c
}

func (l *loader) company(i int, name string) *contactv1.Contact {
	role := contactv1.RoleKind_ROLE_KIND_CUSTOMER
	if i >= len(companyNames)-2 {
		role = contactv1.RoleKind_ROLE_KIND_SUPPLIER
	}
	return &contactv1.Contact{
		Kind: contactv1.ContactKind_CONTACT_KIND_ORGANISATION, DisplayName: name, LanguageCode: "id", RegionCode: "ID", Source: "referral",
		Identifiers: []*contactv1.Identifier{{
			Kind: contactv1.IdentifierKind_IDENTIFIER_KIND_EMAIL, Value: fmt.Sprintf("halo@%s.example", strings.ToLower(strings.ReplaceAll(name, " ", "-"))),
		}},
		Roles: []*contactv1.Role{{Kind: role, StartTime: l.ago(900 - i*20)}},
	}
}

// grantConsents lets most people receive marketing by e-mail; some took it back.
func (l *loader) grantConsents(ctx context.Context) error {
	for i, c := range l.people {
		if i%3 == 2 {
			continue
		}
		consent := &contactv1.Consent{Contact: c.GetName(), Purpose: "marketing", Channel: eventv1.Channel_CHANNEL_EMAIL, TextVersion: "2025-01", OccurredAt: l.ago(300), Source: "web"}
		if _, err := l.consents.GrantConsent(ctx, &contactv1.GrantConsentRequest{Consent: consent, RequestId: key("consent/", i)}); err != nil {
			return err
		}
		if i%15 != 4 {
			continue
		}
		consent.OccurredAt = l.ago(30)
		if _, err := l.consents.RevokeConsent(ctx, &contactv1.RevokeConsentRequest{Consent: consent, RequestId: key("revoke/", i)}); err != nil {
			return err
		}
	}
	return nil
}

// loadRelationships says who works where, and that one person has two employers.
func (l *loader) loadRelationships(ctx context.Context) error {
	works, err := l.relationshipType(ctx, "works for", "employs")
	if err != nil {
		return err
	}
	spouse, err := l.relationshipType(ctx, "is married to", "is married to")
	if err != nil {
		return err
	}
	for i, company := range l.companies {
		for j := range 3 {
			if err := l.relate(ctx, works, l.people[1+(i*3+j)%60], company, []string{"owner", "buyer", "barista"}[j]); err != nil {
				return err
			}
		}
	}
	if err := l.relate(ctx, works, l.people[0], l.companies[0], "barista"); err != nil {
		return err
	}
	if err := l.relate(ctx, works, l.people[0], l.companies[4], "trainer"); err != nil {
		return err
	}
	return l.relate(ctx, spouse, l.people[0], l.people[1], "")
}

func (l *loader) relationshipType(ctx context.Context, forward, reverse string) (string, error) {
	t, err := l.relationships.CreateRelationshipType(ctx, &contactv1.CreateRelationshipTypeRequest{
		RelationshipType: &contactv1.RelationshipType{ForwardName: forward, ReverseName: reverse}, RequestId: key("type/", forward),
	})
	return t.GetName(), err
}

func (l *loader) relate(ctx context.Context, kind string, from, to *contactv1.Contact, role string) error {
	_, err := l.relationships.CreateRelationship(ctx, &contactv1.CreateRelationshipRequest{
		Relationship: &contactv1.Relationship{Type: kind, FromContact: from.GetName(), ToContact: to.GetName(), Role: role, StartTime: l.ago(400)},
		RequestId:    key("relate/", from.GetCustomerId(), "/", to.GetCustomerId(), "/", role),
	})
	l.counts.Relationships++
	return err
}

// loadInteractions gives the first customer one conversation on every channel,
// and everybody else a few.
func (l *loader) loadInteractions(ctx context.Context) error {
	channels := []struct {
		word    string
		channel eventv1.Channel
	}{
		{"in person", eventv1.Channel_CHANNEL_IN_PERSON}, {"phone", eventv1.Channel_CHANNEL_PHONE}, {"email", eventv1.Channel_CHANNEL_EMAIL},
		{"web", eventv1.Channel_CHANNEL_WEB}, {"chat", eventv1.Channel_CHANNEL_CHAT}, {"mobile", eventv1.Channel_CHANNEL_MOBILE},
		{"letter", eventv1.Channel_CHANNEL_LETTER},
	}
	for i, c := range l.people {
		for j, ch := range channels {
			if i > 0 && l.random.IntN(4) > 0 {
				continue
			}
			what := conversations[ch.word][l.random.IntN(2)]
			_, err := l.interactions.RecordInteraction(ctx, &contactv1.RecordInteractionRequest{
				Interaction: &contactv1.Interaction{
					Contact: c.GetName(), Channel: ch.channel, Direction: eventv1.Direction_DIRECTION_INBOUND,
					Title: what.title, Body: what.body, OccurredAt: l.ago(200 - j*20 - l.random.IntN(15)),
				},
				RequestId: key("interaction/", i, "/", ch.word),
			})
			if err != nil {
				return err
			}
			l.counts.Interactions++
		}
	}
	return nil
}

// ignoreMissing answers nil where the error says that nothing was found.
func ignoreMissing(err error) error {
	if errs.Code(err) == codes.NotFound {
		return nil
	}
	return err
}

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }
