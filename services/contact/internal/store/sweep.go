package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/duplicate"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

const (
	defaultPairs = 50
	maxPairs     = 1000
	// sweepTime is how long one page looks.
	sweepTime = 2 * time.Second
)

// place is where a sweep stands: after the pair, or before the contact where there is
// no second one.
type place struct{ contact, other uuid.UUID }

func (p place) compare(contact, other uuid.UUID) int {
	return cmp.Or(slices.Compare(p.contact[:], contact[:]), slices.Compare(p.other[:], other[:]))
}

// ListDuplicates answers a page of the pairs of living contacts that score the minimum
// or more, by the age of the older contact. It holds as many contacts in memory as a
// few steps look at, however many there are.
func (s *Store) ListDuplicates(ctx context.Context, tenant uuid.UUID, req *contactv1.ListDuplicatesRequest) (*contactv1.ListDuplicatesResponse, error) {
	binding := fmt.Appendf(nil, "duplicates|%s|%s|%v", tenant, auth.From(ctx).Subject, req.GetMinScore())
	at, err := s.sweepPlace(req.GetPageToken(), binding)
	if err != nil {
		return nil, err
	}
	policy, err := s.Policy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	least := cmp.Or(req.GetMinScore(), policy.ProbableScore)
	arbiter, err := s.arbiter(ctx, tenant, policy, least)
	if err != nil {
		return nil, err
	}
	sw := &sweep{
		Store: s, tenant: tenant, policy: policy, arbiter: arbiter, at: at, size: int(min(cmp.Or(req.GetPageSize(), defaultPairs), maxPairs)),
		resp: &contactv1.ListDuplicatesResponse{},
	}
	more := true
	for end := time.Now().Add(sweepTime); more && len(sw.resp.Pairs) < sw.size && time.Now().Before(end); {
		if more, err = sw.step(ctx); err != nil {
			return nil, err
		}
	}
	if more {
		sw.resp.NextPageToken, err = s.db.PageToken([]any{sw.at.contact.String(), sw.at.other.String()}, binding)
	}
	return sw.resp, err
}

func (s *Store) sweepPlace(token string, binding []byte) (at place, err error) {
	if token == "" {
		return at, nil
	}
	cursor, err := s.db.PageCursor(token, binding)
	if err != nil {
		return at, err
	}
	for i, id := range []*uuid.UUID{&at.contact, &at.other} {
		if *id, err = uuid.Parse(cursor[i].(string)); err != nil {
			return at, errs.Internal(err)
		}
	}
	return at, nil
}

// sweep is one page of it.
type sweep struct {
	*Store
	tenant  uuid.UUID
	policy  *identity.Policy
	arbiter *arbiter
	at      place
	size    int
	// looked is how many contacts it has looked at.
	looked int
	resp   *contactv1.ListDuplicatesResponse
}

// reach is how many contacts the next step looks at: those that are likely to fill the
// page, by what was found so far. What a step finds beyond the page is looked for again
// by the next page, so where contacts have many pairs the steps are small.
func (sw *sweep) reach() int {
	n := sw.looked // twice as many as were looked at in vain
	if found := len(sw.resp.GetPairs()); found > 0 {
		n = (sw.size-found)*sw.looked/found + 1
	}
	return min(max(n, leastStep), sweepStep)
}

// step looks at the next contacts, and tells whether there may be more.
func (sw *sweep) step(ctx context.Context) (more bool, err error) {
	reach := sw.reach()
	ids, err := sw.ids(ctx, sw.tenant, selectStep, sw.tenant, sw.at.contact, reach)
	if err != nil || len(ids) == 0 {
		return false, err
	}
	sw.looked += len(ids)
	known, records, err := sw.read(ctx, nil, ids)
	if err != nil {
		return false, err
	}
	pairs, err := sw.pairs(ctx, sw.tenant, records)
	if err != nil {
		return false, err
	}
	pairs = slices.DeleteFunc(pairs, func(p [2]uuid.UUID) bool { return sw.at.compare(p[0], p[1]) >= 0 })
	slices.SortFunc(pairs, func(a, b [2]uuid.UUID) int { return place{a[0], a[1]}.compare(b[0], b[1]) })
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for f := range sw.ahead(ctx, known, pairs) {
		if f.err != nil {
			return false, f.err
		}
		for _, p := range f.pairs {
			if sw.compare(ctx, known[p[0]], f.others[p[1]]); len(sw.resp.Pairs) == sw.size {
				sw.at = place{p[0], p[1]}
				return true, nil
			}
		}
	}
	sw.at = place{ids[len(ids)-1], uuid.Max}
	return len(ids) == reach, ctx.Err()
}

// fetched are pairs with the contacts that stand second in them, ready to be compared.
type fetched struct {
	pairs  [][2]uuid.UUID
	others map[uuid.UUID]*swept
	err    error
}

// ahead reads the contacts that stand second in pairs, beside those known, while those
// that it read before are compared: the database works, and this process, at the same
// time. It ends with the pairs, an error or the context.
func (sw *sweep) ahead(ctx context.Context, known map[uuid.UUID]*swept, pairs [][2]uuid.UUID) <-chan fetched {
	out := make(chan fetched)
	go func() {
		defer close(out)
		for chunk := range slices.Chunk(pairs, sweepStep) {
			var missing []uuid.UUID
			for _, p := range chunk {
				if known[p[1]] == nil {
					missing = append(missing, p[1])
				}
			}
			slices.SortFunc(missing, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
			f := fetched{pairs: chunk}
			f.others, _, f.err = sw.read(ctx, known, slices.Compact(missing))
			select {
			case out <- f:
			case <-ctx.Done():
				return
			}
			if f.err != nil {
				return
			}
		}
	}()
	return out
}

// swept is a contact on its way through a sweep.
type swept struct {
	row    *contact.Contact
	record duplicate.Record
}

// read reads contacts, beside those known.
func (sw *sweep) read(ctx context.Context, known map[uuid.UUID]*swept, ids []uuid.UUID) (map[uuid.UUID]*swept, []duplicate.Record, error) {
	all := make(map[uuid.UUID]*swept, len(known)+len(ids))
	for id, c := range known {
		all[id] = c
	}
	if len(ids) == 0 {
		return all, nil, nil
	}
	rows, err := sw.Contacts.Table.GetAll(ctx, sw.db, sw.tenant, ids)
	if err != nil {
		return nil, nil, err
	}
	records := make([]duplicate.Record, len(rows))
	for i, row := range rows {
		records[i] = duplicate.Of(row)
		all[row.ID] = &swept{row, records[i]}
	}
	return all, records, nil
}

// compare adds the pair to the page where it scores enough and the caller may see
// both.
func (sw *sweep) compare(ctx context.Context, a, b *swept) {
	if a.row.Deleted() || b.row.Deleted() || !sw.Contacts.Visible(ctx, a.row) || !sw.Contacts.Visible(ctx, b.row) {
		return
	}
	m, verdicts, one := sw.arbiter.decide(ctx, a.row, b.row, duplicate.Compare(a.record, b.record))
	if !one {
		return
	}
	sw.resp.Pairs = append(sw.resp.Pairs, &contactv1.DuplicatePair{
		Contact: named(contacts, a.row.ID), Duplicate: named(contacts, b.row.ID),
		DisplayNames: []string{a.row.DisplayName, b.row.DisplayName},
		Score:        m.Weight, Strength: strength(sw.policy, m.Weight), Reasons: reasonProtos(m.Reasons), Verdicts: verdicts,
	})
}
