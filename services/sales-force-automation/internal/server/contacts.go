package server

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/store"
)

// introduced runs a write of a record of a contact. Where the contact turns out
// to be unknown here, the contact service is asked, and the write runs once more:
// a contact that was created a moment ago works, and the others cost nothing.
func introduced[P any](ctx context.Context, s *Server, contact string, write func() (P, error)) (P, error) {
	answer, err := write()
	if errs.Reason(err) != "CONTACT_NOT_FOUND" {
		return answer, err
	}
	if err := s.introduce(ctx, contact); err != nil {
		return answer, err
	}
	return write()
}

// introduce asks the contact service for a contact and notes that it exists. The
// error says why it cannot be used.
func (s *Server) introduce(ctx context.Context, name string) error {
	c, err := s.Contacts.GetContact(ctx, &contactv1.GetContactRequest{Name: name})
	switch {
	case err != nil:
		return err
	case c.GetDeleteTime() != nil && c.GetMergedInto() == "":
		return errs.Refused("CONTACT_DELETED", "the contact is deleted").With("resource", name)
	}
	id, err := store.ContactID(name)
	if err != nil {
		return err
	}
	return s.Introduce(ctx, tenantOf(ctx), id)
}

// usable answers, for each of many contacts, why it cannot be used; nil where it
// can. Contacts that are unknown here are asked for, and the keys of those that can
// be used are fetched at once.
func (s *Server) usable(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]error, error) {
	tenant := tenantOf(ctx)
	deleted, err := s.ContactStates(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	verdicts := map[uuid.UUID]error{}
	var missing []uuid.UUID
	for _, id := range ids {
		gone, known := deleted[id]
		switch {
		case !known:
			missing = append(missing, id)
		case gone:
			verdicts[id] = errs.Refused("CONTACT_DELETED", "the contact is deleted").With("resource", store.ContactName(id))
		}
	}
	if err := s.introduceAll(ctx, missing, verdicts); err != nil {
		return nil, err
	}
	return verdicts, s.fetchKeys(ctx, tenant, ids, verdicts)
}

// fetchKeys fetches the keys that are not at hand of the contacts that can be used.
func (s *Server) fetchKeys(ctx context.Context, tenant uuid.UUID, ids []uuid.UUID, verdicts map[uuid.UUID]error) error {
	var missing []uuid.UUID
	for _, id := range ids {
		if _, ok := s.Keys.Cached(tenant, id); !ok && verdicts[id] == nil {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return s.Keys.Fetch(ctx, tenant, missing...)
}

// introduceAll introduces contacts, all at once where all exist and one by one
// otherwise, and adds the verdict on each that cannot be used.
func (s *Server) introduceAll(ctx context.Context, ids []uuid.UUID, verdicts map[uuid.UUID]error) error {
	if len(ids) == 0 {
		return nil
	}
	req := &contactv1.BatchGetContactsRequest{}
	for _, id := range ids {
		req.Names = append(req.Names, store.ContactName(id))
	}
	all, err := s.Contacts.BatchGetContacts(ctx, req)
	if err != nil {
		for _, id := range ids {
			verdicts[id] = s.introduce(ctx, store.ContactName(id))
		}
		return nil
	}
	var alive []uuid.UUID
	for i, c := range all.GetContacts() {
		if c.GetDeleteTime() != nil && c.GetMergedInto() == "" {
			verdicts[ids[i]] = errs.Refused("CONTACT_DELETED", "the contact is deleted").With("resource", c.GetName())
			continue
		}
		alive = append(alive, ids[i])
	}
	return s.Introduce(ctx, tenantOf(ctx), alive...)
}
