package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/duplicate"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

const (
	// certainDuplicate and uncomparedContact are the constraints of the function
	// refuse_duplicates.
	certainDuplicate  = "contact_duplicate_certain"
	uncomparedContact = "contact_duplicate_uncompared"
	// maxNamed is how many duplicates an error names.
	maxNamed = 10
)

var (
	errDuplicate = errs.AlreadyExists("CONTACT_DUPLICATE", "there seems to be a contact of this person already: "+
		"use it, or set allow_duplicates")
	// errUncompared ends a creation that comes again after a comparison. No caller
	// sees it.
	errUncompared = errs.AlreadyExists("CONTACT_UNCOMPARED", "the contact was not compared with those there are")
)

// FindDuplicates answers the duplicates of a stored contact that the caller may see,
// at most limit, and how many more there are. A minimum of 0 is the policy's.
func (s *Store) FindDuplicates(ctx context.Context, tenant uuid.UUID, name string, least float64, limit int) (*contactv1.FindDuplicatesResponse, error) {
	c, err := s.Contacts.Get(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	return s.findDuplicates(ctx, tenant, c, least, limit)
}

// FindDuplicatesOf is FindDuplicates of data that is not stored.
func (s *Store) FindDuplicatesOf(ctx context.Context, tenant uuid.UUID, p *contactv1.Contact, least float64, limit int) (*contactv1.FindDuplicatesResponse, error) {
	c := &contact.Contact{}
	if err := s.fillContact(c, p); err != nil {
		return nil, err
	}
	return s.findDuplicates(ctx, tenant, c, least, limit)
}

func (s *Store) findDuplicates(ctx context.Context, tenant uuid.UUID, of *contact.Contact, least float64, limit int) (*contactv1.FindDuplicatesResponse, error) {
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	found, hidden, err := s.matching(ctx, tenant, policy, of, cmp.Or(least, policy.ProbableScore))
	if err != nil {
		return nil, err
	}
	resp := &contactv1.FindDuplicatesResponse{HiddenCount: int32(hidden)}
	for _, m := range found[:min(limit, len(found))] {
		resp.Candidates = append(resp.Candidates, &contactv1.DuplicateCandidate{
			Contact: contactProto(m.contact), Score: m.Weight, Strength: strength(policy, m.Weight), Reasons: reasonProtos(m.Reasons),
			Verdicts: m.verdicts,
		})
	}
	return resp, nil
}

// match is a contact with what the comparison with another one came to.
type match struct {
	contact *contact.Contact
	duplicate.Match
	verdicts []*contactv1.DuplicateVerdict
}

// matching answers the contacts that score the minimum or more with one, by what the
// tenant's rules say too, and that the caller may see, the highest score first, and how
// many it may not see.
func (s *Store) matching(ctx context.Context, tenant uuid.UUID, policy *identity.Policy, of *contact.Contact, least float64) (found []match, hidden int, err error) {
	arbiter, err := s.arbiter(ctx, tenant, policy, least)
	if err != nil {
		return nil, 0, err
	}
	r := duplicate.Of(of)
	candidates, err := s.sharing(ctx, tenant, r)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range candidates {
		if c.Deleted() {
			continue
		}
		m, verdicts, one := arbiter.decide(ctx, of, c, duplicate.Compare(r, duplicate.Of(c)))
		switch {
		case !one:
		case s.Contacts.Visible(ctx, c):
			found = append(found, match{c, m, verdicts})
		default:
			hidden++
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(b.Weight, a.Weight) })
	return found, hidden, nil
}

func strength(policy *identity.Policy, score float64) contactv1.MatchStrength {
	if policy.Strong(score) {
		return contactv1.MatchStrength_MATCH_STRENGTH_PROBABLE
	}
	return contactv1.MatchStrength_MATCH_STRENGTH_POSSIBLE
}

// reasonProtos words reasons, the heaviest first.
func reasonProtos(reasons []duplicate.Reason) []*contactv1.MatchReason {
	sorted := slices.Clone(reasons)
	slices.SortStableFunc(sorted, func(a, b duplicate.Reason) int { return cmp.Compare(b.Weight, a.Weight) })
	protos := make([]*contactv1.MatchReason, len(sorted))
	for i, r := range sorted {
		protos[i] = &contactv1.MatchReason{Field: string(r.Field), Agreement: contactv1.Agreement(r.Agreement), Weight: r.Weight}
	}
	return protos
}

// guarded creates contacts. Where the tenant refuses probable duplicates the database
// asks for the comparison, which is made before the creation runs again; in any other
// tenant creating costs no round trip more.
func guarded[R any](ctx context.Context, s *Store, tenant uuid.UUID, rows []*contact.Contact, create func() (R, error)) (R, error) {
	answer, err := create()
	switch {
	case errors.Is(err, errDuplicate):
		overruled, failed := s.overrule(ctx, tenant, rows)
		if failed != nil {
			return answer, failed
		}
		if !overruled {
			return answer, s.nameDuplicates(ctx, tenant, err)
		}
		if answer, err = create(); errors.Is(err, errDuplicate) {
			err = s.nameDuplicates(ctx, tenant, err)
		}
		return answer, err
	case !errors.Is(err, errUncompared):
		return answer, err
	}
	if err := s.compare(ctx, tenant, rows); err != nil {
		return answer, err
	}
	return create()
}

// compare refuses new contacts of which there is a probable duplicate.
func (s *Store) compare(ctx context.Context, tenant uuid.UUID, rows []*contact.Contact) error {
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Guard != contact.Guarded {
			continue
		}
		found, hidden, err := s.matching(ctx, tenant, policy, row, policy.ProbableScore)
		if err != nil {
			return err
		}
		if len(found)+hidden > 0 {
			ids := make([]uuid.UUID, len(found))
			for i, m := range found {
				ids[i] = m.contact.ID
			}
			return refusal(ids, hidden)
		}
		row.Guard = contact.Compared
	}
	return nil
}

// nameDuplicates names the contacts that the database found, as far as the caller may
// see them.
func (s *Store) nameDuplicates(ctx context.Context, tenant uuid.UUID, refused error) error {
	var pg *pgconn.PgError
	if !errors.As(refused, &pg) {
		return refused
	}
	var ids []uuid.UUID
	for _, text := range strings.Split(pg.Detail, ",") {
		id, err := uuid.Parse(text)
		if err != nil {
			return errs.Internal(err)
		}
		ids = append(ids, id)
	}
	rows, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return err
	}
	var seen []uuid.UUID
	for _, row := range rows {
		if s.Contacts.Visible(ctx, row) {
			seen = append(seen, row.ID)
		}
	}
	return refusal(seen, len(rows)-len(seen))
}

// refusal is CONTACT_DUPLICATE with the names of the candidates, and the number of
// those that the caller may not see.
func refusal(ids []uuid.UUID, hidden int) error {
	var names []string
	for _, id := range ids[:min(maxNamed, len(ids))] {
		names = append(names, named(contacts, id))
	}
	e := errDuplicate.With("count", strconv.Itoa(len(ids)+hidden))
	if len(names) > 0 {
		e = e.With("candidates", strings.Join(names, ","))
	}
	return e
}
