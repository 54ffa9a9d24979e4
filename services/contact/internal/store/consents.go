package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
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
	return s.Consents.Add(ctx, tenant, row)
}

// CheckConsent answers whether a contact allows a purpose on a channel now. It
// reads the ledger in one round trip; the rule decides.
func (s *Store) CheckConsent(ctx context.Context, tenant uuid.UUID, name, purpose string, channel int32) (*contactv1.CheckConsentResponse, error) {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return nil, errs.Invalid("contact", "", "must be contacts/{uuid}")
	}
	now := s.Now()
	var subject *consent.Subject
	var entries []*consent.Entry
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT delete_time IS NOT NULL, no_third_party_sharing
		FROM contact
		WHERE tenant = $1 AND id = $2`, tenant, id).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[consent.Subject])
			if len(found) == 1 {
				subject = found[0]
			}
			return err
		})
	queueLatest(b, tenant, id, purpose, channel, &entries)
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	if subject == nil {
		return nil, errs.NotFound("contact", name)
	}
	return s.proven(ctx, tenant, consent.Decide(entries, *subject, purpose, channel, now), now)
}

// queueLatest reads the latest entry for every channel and the latest for this
// one, in the order in which the rule prefers them.
func queueLatest(b *pgx.Batch, tenant, contact uuid.UUID, purpose string, channel int32, entries *[]*consent.Entry) {
	b.Queue(`
		SELECT DISTINCT ON (channel) id, channel, state, occurred_at, expire_time
		FROM consent
		WHERE tenant = $1 AND contact = $2 AND purpose = $3 AND channel IN (0, $4::integer)
		ORDER BY channel, occurred_at DESC, state DESC, id DESC`,
		tenant, contact, purpose, channel).
		Query(func(rows pgx.Rows) error {
			e := &consent.Entry{Purpose: purpose}
			_, err := pgx.ForEachRow(rows, []any{&e.ID, &e.Channel, &e.State, &e.OccurredAt, &e.ExpireTime}, func() error {
				found := *e
				*entries = append(*entries, &found)
				return nil
			})
			return err
		})
}

// proven words a decision, with the whole entry that decided.
func (s *Store) proven(ctx context.Context, tenant uuid.UUID, d consent.Decision, now time.Time) (*contactv1.CheckConsentResponse, error) {
	resp := decisionProto(d, now)
	if d.Proof == nil {
		return resp, nil
	}
	proof, err := s.Consents.Table.Get(ctx, s.db, tenant, d.Proof.ID)
	if err != nil {
		return nil, err
	}
	resp.Proof = consentProto(proof)
	return resp, nil
}
