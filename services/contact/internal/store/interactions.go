package store

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
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
	return s.Interactions.Add(ctx, tenant, row)
}

// writeDocument stores a long body beside the interaction that names it.
func writeDocument(w *postgres.Writes, _, after *interaction.Interaction) {
	d := after.Document
	if d == nil {
		return
	}
	w.Queue(`
		INSERT INTO document (tenant, id, interaction, contact, title, media_type, text, size_bytes, create_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		w.Tenant(), d.ID, after.ID, d.Contact, d.Title, d.MediaType, d.Text, d.SizeBytes, d.CreateTime)
}

// SearchInteractions answers the interactions that hold the words of the query,
// the latest first; those with one contact where it is named.
func (s *Store) SearchInteractions(ctx context.Context, tenant uuid.UUID, query, contact string, max int) ([]*contactv1.Interaction, error) {
	var with *uuid.UUID
	if contact != "" {
		id, err := s.Contacts.ParseName(contact)
		if err != nil {
			return nil, errs.Invalid("contact", "", "must be contacts/{uuid}")
		}
		with = &id
	}
	ids, err := s.ids(ctx, tenant, "SELECT search_interaction($1, $2, $3)", query, with, max)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	rows, err := s.Interactions.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return nil, err
	}
	found := make([]*contactv1.Interaction, len(rows))
	for i, row := range rows {
		found[i] = interactionProto(row)
	}
	return found, nil
}

// GetDocument answers a document with its text.
func (s *Store) GetDocument(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.Document, error) {
	segment, ok := strings.CutPrefix(name, documents+"/")
	id, parsed := entity.ParseID(segment)
	if !ok || !parsed {
		return nil, errs.Invalid("name", "", "must be documents/{uuid}")
	}
	var d *interaction.Document
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT id, contact, title, media_type, text, size_bytes, create_time
		FROM document
		WHERE tenant = $1 AND id = $2`, tenant, id).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[interaction.Document])
			if len(found) == 1 {
				d = found[0]
			}
			return err
		})
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, errs.NotFound("document", name)
	}
	return documentProto(d), nil
}
