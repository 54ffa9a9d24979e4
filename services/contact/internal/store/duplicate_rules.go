package store

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/rules"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/duplicate"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

// DuplicateRules is the kind of the rules that are asked of two contacts that may be one,
// and the rest are their answers.
const (
	DuplicateRules = "duplicate"
	// VetoPair says that they are two.
	VetoPair = "veto"
	// ForcePair says that they are probably one, where they score its parameter From or
	// more.
	ForcePair = "force"
	// ShiftScore adds its parameter By to the score, in bits.
	ShiftScore = "shift_score"
)

// arbiter decides of pairs of contacts whether they may be one: by their score, and by
// what a tenant's rules say of it.
type arbiter struct {
	panel *rules.Panel
	// least is the score that is wanted, floor the one from which rules are asked: what is
	// below can reach it by none of them.
	least, floor float64
	probable     float64
	now          time.Time
}

func (s *Store) arbiter(ctx context.Context, tenant uuid.UUID, policy *identity.Policy, least float64) (*arbiter, error) {
	panel, err := s.panel(ctx, tenant, DuplicateRules)
	if err != nil {
		return nil, err
	}
	a := &arbiter{panel: panel, least: least, floor: least, probable: policy.ProbableScore, now: s.Now()}
	forced := least
	for _, action := range panel.Actions() {
		number := func(name string) float64 { return action.GetParameters().GetFields()[name].GetNumberValue() }
		switch action.GetAction() {
		case ShiftScore:
			a.floor -= max(0, number("by"))
		case ForcePair:
			forced = min(forced, number("from"))
		}
	}
	a.floor = min(a.floor, forced)
	return a, nil
}

// decide answers what the comparison of two contacts comes to, and whether it reaches the
// score that is wanted. Rules are asked of those alone that can reach it.
func (a *arbiter) decide(ctx context.Context, x, y *contact.Contact, m duplicate.Match) (duplicate.Match, []*contactv1.DuplicateVerdict, bool) {
	if m.Weight < a.floor || a.panel.Empty() {
		return m, nil, m.Weight >= a.least
	}
	compared := m.Weight
	var verdicts []*contactv1.DuplicateVerdict
	for _, v := range a.panel.Ask(ctx, duplicateQuestion(x, y, m), a.now) {
		if v.Failure != "" {
			verdicts = append(verdicts, &contactv1.DuplicateVerdict{Rule: v.Rule, Version: v.Version, Failure: v.Failure})
		}
		for _, action := range v.Actions {
			said := &contactv1.DuplicateVerdict{Rule: v.Rule, Version: v.Version, Action: action.GetAction()}
			before := m.Weight
			switch action.GetAction() {
			case VetoPair:
				return m, nil, false
			case ForcePair:
				if compared < action.GetParameters().GetFields()["from"].GetNumberValue() {
					continue
				}
				m.Weight = max(m.Weight, a.probable, a.least)
			case ShiftScore:
				m.Weight += action.GetParameters().GetFields()["by"].GetNumberValue()
			}
			said.Shift = m.Weight - before
			verdicts = append(verdicts, said)
		}
	}
	return m, verdicts, m.Weight >= a.least
}

// duplicateQuestion words a comparison, the older contact first. One that is not stored
// has no name, and comes second.
func duplicateQuestion(x, y *contact.Contact, m duplicate.Match) *contactv1.DuplicateQuestion {
	if x.ID == uuid.Nil || y.ID != uuid.Nil && bytes.Compare(x.ID[:], y.ID[:]) > 0 {
		x, y = y, x
	}
	q := &contactv1.DuplicateQuestion{First: contactProto(x), Second: contactProto(y), Score: m.Weight, Reasons: reasonProtos(m.Reasons)}
	if y.ID == uuid.Nil {
		q.Second.Name = ""
	}
	return q
}

// overrule lets those new contacts be created that the database holds for duplicates, and
// of which the tenant's rules say that none of the candidates is one. It answers whether
// there are such.
func (s *Store) overrule(ctx context.Context, tenant uuid.UUID, rows []*contact.Contact) (overruled bool, err error) {
	panel, err := s.panel(ctx, tenant, DuplicateRules)
	if err != nil || panel.Empty() {
		return false, err
	}
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		if row.Guard != contact.Guarded {
			continue
		}
		found, hidden, err := s.matching(ctx, tenant, policy, row, policy.ProbableScore)
		if err != nil {
			return false, err
		}
		if len(found)+hidden == 0 {
			row.Guard, overruled = contact.Unguarded, true
		}
	}
	return overruled, nil
}

// tried is the part of the score from which two contacts are probably one, from which a
// back-test asks: a rule that adds to scores is to show what it would find.
const tried = 0.5

// PastPairs visits the pairs about which rules would have been asked when contacts were
// created in a span of time, as they are now. It looks for sweepTime at most.
func (s *Store) PastPairs(ctx context.Context, tenant uuid.UUID, from, to time.Time, visit func(rules.Case) bool) (truncated bool, err error) {
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return false, err
	}
	end := time.Now().Add(sweepTime)
	least := policy.ProbableScore * tried
	at, last := from, uuid.Nil
	for {
		b, ids := &pgx.Batch{}, []uuid.UUID(nil)
		postgres.QueueTenant(b, tenant)
		b.Queue(`
			SELECT id FROM contact
			WHERE tenant = $1 AND (create_time, id) > ($2, $3) AND create_time < $4 AND delete_time IS NULL
			ORDER BY create_time, id LIMIT $5`, tenant, at, last, to, sweepStep).Query(func(rows pgx.Rows) (err error) {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
		if err := postgres.Run(ctx, s.db, b); err != nil || len(ids) == 0 {
			return false, err
		}
		created, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
		if err != nil {
			return false, err
		}
		for _, c := range created {
			more, err := s.visitPairs(ctx, tenant, c, least, visit)
			if late := time.Now().After(end); err != nil || !more || late {
				return late, err
			}
			at, last = c.CreateTime, c.ID
		}
	}
}

// visitPairs visits the pairs of a contact with those that were there before it.
func (s *Store) visitPairs(ctx context.Context, tenant uuid.UUID, c *contact.Contact, least float64, visit func(rules.Case) bool) (more bool, err error) {
	r := duplicate.Of(c)
	others, err := s.sharing(ctx, tenant, r)
	if err != nil {
		return false, err
	}
	for _, other := range others {
		m := duplicate.Compare(r, duplicate.Of(other))
		if other.Deleted() || m.Weight < least || other.CreateTime.After(c.CreateTime) {
			continue
		}
		if !visit(rules.Case{Name: named(contacts, c.ID), Question: duplicateQuestion(other, c, m), At: c.CreateTime}) {
			return false, nil
		}
	}
	return true, nil
}
