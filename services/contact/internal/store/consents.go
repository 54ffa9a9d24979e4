package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
)

// RecordConsent adds an entry to the ledger. The id is the one an offline client
// brought, or empty.
func (s *Store) RecordConsent(ctx context.Context, tenant uuid.UUID, id string, state consent.State, p *contactv1.Consent) (*contactv1.Consent, error) {
	r := &fields.Reader{}
	row := &consent.Entry{Meta: entity.Meta{ID: r.ID("consent_id", id)}, State: state, Actor: auth.From(ctx).Subject}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := fillConsent(row, p); err != nil {
		return nil, err
	}
	if err := row.Record(s.Now()); err != nil {
		return nil, err
	}
	if err := s.reaches(ctx, tenant, row.Contact); err != nil {
		return nil, err
	}
	return s.Consents.Add(ctx, tenant, row)
}
