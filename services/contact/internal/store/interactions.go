package store

import (
	"context"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/interaction"
)

// RecordInteraction appends to the history of a contact. The id is the one an
// offline client brought, or empty.
func (s *Store) RecordInteraction(ctx context.Context, tenant uuid.UUID, id string, p *contactv1.Interaction) (*contactv1.Interaction, error) {
	r := &fields.Reader{}
	row := &interaction.Interaction{Meta: entity.Meta{ID: r.ID("interaction_id", id)}, Actor: auth.From(ctx).Subject}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if err := fillInteraction(row, p); err != nil {
		return nil, err
	}
	if err := row.Record(s.Now()); err != nil {
		return nil, err
	}
	if err := s.reaches(ctx, tenant, row.Contact); err != nil {
		return nil, err
	}
	return s.Interactions.Add(ctx, tenant, row)
}

// writeDocument stores a long body beside the interaction that names it.
func writeDocument(w *postgres.Writes, _, after *interaction.Interaction) {
	d := after.Document
	if d == nil {
		return
	}
	w.Queue(`
		INSERT INTO document (tenant, id, interaction, contact, title, media_type, text, size_bytes, create_time, update_time,
			channel, direction, occurred_at, actor)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)`,
		w.Tenant(), d.ID, after.ID, d.Contact, d.Title, d.MediaType, d.Text, d.SizeBytes, d.CreateTime,
		after.Channel, after.Direction, after.OccurredAt, after.Actor)
}

// SearchInteractions answers the interactions that hold the words of the query,
// the latest first, and where the words stand in each; those with one contact where it
// is named.
func (s *Store) SearchInteractions(ctx context.Context, tenant uuid.UUID, query, contact string, max int) ([]*contactv1.Interaction, []*contactv1.Snippet, error) {
	ids, err := s.found(ctx, tenant, "SELECT search_interaction($1, $2, $3)", query, contact, max)
	if err != nil || len(ids) == 0 {
		return nil, nil, err
	}
	rows, err := s.Interactions.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return nil, nil, err
	}
	found := make([]*contactv1.Interaction, len(rows))
	for i, row := range rows {
		found[i] = interactionProto(row)
	}
	snippets, err := s.snippets(ctx, tenant, ids, query, `
		SELECT i.id, search_snippet(i.title || E'\n' || i.body || COALESCE((
			SELECT d.text FROM document AS d WHERE d.tenant = $1 AND d.interaction = i.id LIMIT 1), ''), $3)
		FROM interaction AS i WHERE i.tenant = $1 AND i.id = ANY ($2)`)
	if err != nil {
		return nil, nil, err
	}
	return inOrder(found, snippets, interactions)
}
