package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
)

// reaches answers NOT_FOUND for a contact that the scope of the call does not reach, in
// the words for one that there is not: whoever adds to the record of a contact must be
// allowed to see it. A caller who may see all costs no look-up; there the statements that
// write tell of a contact that is missing.
func (s *Store) reaches(ctx context.Context, tenant, contact uuid.UUID) error {
	if auth.ScopeFrom(ctx) == auth.All {
		return nil
	}
	_, err := s.Contacts.Get(ctx, tenant, named(contacts, contact))
	return err
}
