package store

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
)

// equip gives new contacts what must be theirs before they are stored: an id, a
// Customer ID and a key.
//
// An id that a client chose may be that of a contact which exists: then this is a
// repetition or a mistake, and the key of the living contact must stay what its
// events are sealed with.
func (s *Store) equip(ctx context.Context, tenant uuid.UUID, rows ...*contact.Contact) (*equipped, error) {
	e := &equipped{keys: s.keys, tenant: tenant}
	for _, row := range rows {
		if row.ID == uuid.Nil {
			row.ID = entity.NewID()
		} else {
			e.chosen = append(e.chosen, row.ID)
		}
		e.all = append(e.all, row.ID)
	}
	if len(e.chosen) > 0 {
		if err := s.keys.Warm(ctx, tenant, e.chosen...); err != nil {
			return nil, err
		}
	}
	numbers, err := s.numbers.Take(ctx, tenant, len(rows))
	if err != nil {
		return nil, err
	}
	keys, err := s.keys.Take(ctx, len(rows))
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		row.CustomerID = numbers[i]
		row.KeyID = s.keys.Bind(tenant, row.ID, keys[i])
	}
	return e, nil
}

// equipped is what is bound to contacts that may not come about.
type equipped struct {
	keys        *keystore.Store
	tenant      uuid.UUID
	all, chosen []uuid.UUID
}

// release confirms the keys of contacts that were created, and forgets those of the
// others: the call failed, was one that only checks, or was answered before. Whether
// one of a chosen id came about, or was there before, is for the database to say when
// it is asked next.
func (e *equipped) release(ctx context.Context, created ...*contactv1.Contact) {
	came := make(map[string]bool, len(created))
	for _, c := range created {
		came[c.GetName()] = !call.From(ctx).ValidateOnly
	}
	for _, id := range e.all {
		if came[named(contacts, id)] && !slices.Contains(e.chosen, id) {
			e.keys.Confirm(e.tenant, id)
		} else {
			e.keys.Drop(e.tenant, id)
		}
	}
}
