package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/fact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

// capturing is a fact on its way in, with whom it is of.
type capturing struct {
	fact   *fact.Fact
	policy *identity.Policy
	// party is what was said of the contact, and said the same in form; both nil where
	// nothing was.
	party *contactv1.Contact
	said  *contact.Contact
}

// CaptureFact records a fact of whoever it is of: the contact that it names, the one that
// the party is, or a new one.
func (s *Store) CaptureFact(ctx context.Context, tenant uuid.UUID, req *contactv1.CaptureFactRequest) (*contactv1.CaptureFactResponse, error) {
	c, err := s.capturing(ctx, tenant, req)
	if err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		known, err := s.recognise(ctx, tenant, c)
		if err != nil {
			return nil, err
		}
		resp, err := s.capture(ctx, tenant, c, known)
		switch {
		case errors.Is(err, errFactTaken): // told after the transaction, which knows a repeated request
			return s.captured(ctx, tenant, c.fact)
		case attempt > 0 || errs.Code(err) != codes.AlreadyExists:
			return resp, err
		} // the same person has come in meanwhile
	}
}

func (s *Store) capturing(ctx context.Context, tenant uuid.UUID, req *contactv1.CaptureFactRequest) (*capturing, error) {
	row, err := s.newFact(ctx, req.GetFactId(), req.GetFact())
	if err != nil {
		return nil, err
	}
	c := &capturing{fact: row, party: req.GetParty()}
	if c.party != nil {
		c.said = &contact.Contact{}
		if err := s.fillContact(c.said, c.party); err != nil {
			return nil, inParty(err)
		}
	} else if row.Contact == uuid.Nil {
		return nil, errs.Invalid("party", "", "must be given where the fact names no contact")
	}
	c.policy, err = s.Policy(ctx, tenant)
	return c, err
}

// inParty names the fields of an input error as the request does.
func inParty(err error) error {
	violations := errs.FieldViolations(err)
	if len(violations) == 0 {
		return err
	}
	for i := range violations {
		violations[i].Field = "party" + strings.TrimPrefix(violations[i].Field, "contact")
	}
	return errs.InvalidAll(violations...)
}

// captured answers a fact that was told before.
func (s *Store) captured(ctx context.Context, tenant uuid.UUID, row *fact.Fact) (*contactv1.CaptureFactResponse, error) {
	told, err := s.toldBefore(ctx, tenant, row)
	if err != nil {
		return nil, err
	}
	c, err := s.Contacts.Read(ctx, tenant, told.GetContact())
	return &contactv1.CaptureFactResponse{Fact: told, Contact: c}, err
}

// recognise answers the contact that a captured fact is of; uuid.Nil where it is to be
// made.
func (s *Store) recognise(ctx context.Context, tenant uuid.UUID, c *capturing) (uuid.UUID, error) {
	if c.fact.Contact != uuid.Nil {
		return c.fact.Contact, nil
	}
	var holders []uuid.UUID
	for _, h := range c.said.Handles() {
		if !h.Kind.Unique() {
			continue
		}
		found, err := s.candidates(ctx, tenant, h, 1)
		if err != nil {
			return uuid.Nil, err
		}
		for _, id := range found {
			if !slices.Contains(holders, id) {
				holders = append(holders, id)
			}
		}
	}
	switch len(holders) {
	case 1:
		return holders[0], nil
	case 0:
	default:
		return uuid.Nil, s.ambiguous(ctx, tenant, holders)
	}
	alike, _, err := s.matching(ctx, tenant, c.policy, c.said, c.policy.ProbableScore)
	if err != nil || len(alike) == 0 {
		return uuid.Nil, err
	}
	return alike[0].contact.ID, nil
}

// ambiguous says that identifiers belong to different contacts, as far as the caller may
// see these.
func (s *Store) ambiguous(ctx context.Context, tenant uuid.UUID, holders []uuid.UUID) error {
	refused := errs.Refused("PARTY_AMBIGUOUS", "the party's identifiers belong to different contacts: name one in fact.contact")
	seen, err := s.Contacts.Among(ctx, tenant, holders)
	if err != nil {
		return err
	}
	var names []string
	for _, c := range seen {
		names = append(names, c.GetName())
	}
	if len(names) > 0 {
		refused = refused.With("candidates", strings.Join(names, ","))
	}
	return refused
}

// capture records the fact and what it says of a contact that is known, or of a new one.
func (s *Store) capture(ctx context.Context, tenant uuid.UUID, c *capturing, known uuid.UUID) (*contactv1.CaptureFactResponse, error) {
	if known == uuid.Nil {
		return s.captureNew(ctx, tenant, c)
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.CaptureFactResponse, error) {
		row := *c.fact
		row.Contact = known
		of, err := s.Contacts.ChangeIn(u, named(contacts, known), func(to *contact.Contact) ([]entity.Event, error) {
			return s.observe(u, c, &row, to)
		})
		if err != nil {
			return nil, err
		}
		recorded, err := s.addFactIn(u, &row)
		return &contactv1.CaptureFactResponse{Fact: recorded, Contact: contactProto(of)}, err
	})
}

// captureNew makes the contact, whose source is that of the fact.
func (s *Store) captureNew(ctx context.Context, tenant uuid.UUID, c *capturing) (*contactv1.CaptureFactResponse, error) {
	party := proto.CloneOf(c.party)
	if party.GetSource() == "" {
		party.Source = c.fact.Source
	}
	rules, err := s.Contacts.CustomRules(ctx, tenant)
	if err != nil {
		return nil, err
	}
	made, err := s.newContact("", party, rules)
	if err != nil {
		return nil, inParty(err)
	}
	made.Guard = contact.Guarded
	fresh, err := s.equip(ctx, tenant, made)
	if err != nil {
		return nil, err
	}
	resp, err := guarded(ctx, s, tenant, []*contact.Contact{made}, func() (*contactv1.CaptureFactResponse, error) {
		return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.CaptureFactResponse, error) {
			row, of := *c.fact, *made
			row.Contact = of.ID
			_, observed := c.policy.Observe(identity.Snapshot{}, saidOf(c.said), identity.Claim{}, nil)
			tellAttributes(&row, observed)
			if err := row.Suits(&of); err != nil {
				return nil, err
			}
			if err := s.Contacts.AddIn(u, &of); err != nil {
				return nil, err
			}
			if err := s.Facts.AddIn(u, &row); err != nil {
				return nil, err
			}
			return &contactv1.CaptureFactResponse{Fact: factProto(&row), Contact: contactProto(&of), ContactCreated: true}, nil
		})
	})
	if resp.GetContactCreated() {
		fresh.release(ctx, resp.GetContact())
	} else {
		fresh.release(ctx)
	}
	return resp, err
}

// saidOf is what is said of a contact. The name that was made for one without a name says
// nothing.
func saidOf(c *contact.Contact) identity.Snapshot {
	said := identity.Of(c)
	if c.Anonymous() {
		said.Name = identity.Name{}
	}
	return said
}

// observe is the rule by which what a fact says of a contact enters the contact's record,
// and notes in the fact what became of it.
func (s *Store) observe(u *record.Unit, c *capturing, row *fact.Fact, to *contact.Contact) ([]entity.Event, error) {
	if c.said == nil {
		return nil, nil
	}
	if c.said.Kind != to.Kind {
		return nil, errs.Invalid("party.kind", "", "is not the kind of "+named(contacts, to.ID))
	}
	claims, err := claimsIn(u, to.ID)
	if err != nil {
		return nil, err
	}
	before, current := identity.Of(to), saidOf(to)
	after, observed := c.policy.Observe(current, saidOf(c.said), identity.Claim{Source: row.Source, At: row.ObservedAt}, func(field, value string) identity.Claim {
		if claim, told := claims[field+"="+value]; told {
			return claim
		}
		return identity.Claim{Source: to.Source, At: to.UpdateTime}
	})
	tellAttributes(row, observed)
	if after.Name == (identity.Name{}) {
		after.Name = before.Name
	}
	paths := identity.Differing(before, after)
	if len(paths) == 0 {
		return nil, nil
	}
	s.put(to, &after)
	return []entity.Event{entity.Updated{Paths: paths}}, nil
}

func tellAttributes(row *fact.Fact, observed []identity.Observed) {
	row.Attributes = make([]fact.Attribute, 0, len(observed))
	for _, o := range observed {
		outcome := fact.Lost
		switch {
		case o.Taken:
			outcome = fact.Taken
		case o.Known:
			outcome = fact.Confirmed
		}
		row.Attributes = append(row.Attributes, fact.Attribute{Field: o.Field, Value: o.Value, Outcome: outcome})
	}
	row.Told = len(observed) > 0
}

// maxClaims is how many facts are looked at for who told a contact's values.
const maxClaims = 1000

// claimsIn answers who told the values of a contact last, by field and value.
func claimsIn(u *record.Unit, contact uuid.UUID) (map[string]identity.Claim, error) {
	claims := map[string]identity.Claim{}
	err := u.Read(func(b *pgx.Batch) {
		b.Queue(`
			SELECT source, observed_at, attributes
			FROM fact
			WHERE tenant = $1 AND contact = $2 AND told
			ORDER BY observed_at DESC
			LIMIT $3`, u.Tenant(), contact, maxClaims).
			Query(func(rows pgx.Rows) error {
				var claim identity.Claim
				var attributes []fact.Attribute
				_, err := pgx.ForEachRow(rows, []any{&claim.Source, &claim.At, &attributes}, func() error {
					for _, a := range attributes {
						if _, later := claims[a.Field+"="+a.Value]; !later {
							claims[a.Field+"="+a.Value] = claim
						}
					}
					return nil
				})
				return err
			})
	})
	return claims, err
}
