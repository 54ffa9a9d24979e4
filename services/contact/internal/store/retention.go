package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// demands are what may keep a contact's data.
type demands struct {
	purposes []*consent.Purpose
	// entries are those of the contact's ledger, by purpose.
	entries map[string][]*consent.Entry
	// holds are the legal holds that last.
	holds []uuid.UUID
}

// queueDemands reads the purposes on file, the contact's ledger and its legal holds.
func queueDemands(b *pgx.Batch, tenant, id uuid.UUID, now time.Time, d *demands) {
	d.entries = map[string][]*consent.Entry{}
	b.Queue(`
		SELECT id, code, legal_basis, consent_days, retention_days, roles
		FROM purpose
		WHERE tenant = $1 AND delete_time IS NULL
		ORDER BY code`, tenant).
		Query(func(rows pgx.Rows) (err error) {
			d.purposes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*consent.Purpose, error) {
				p := &consent.Purpose{}
				return p, row.Scan(&p.ID, &p.Code, &p.Basis, &p.ConsentDays, &p.RetentionDays, &p.Roles)
			})
			return err
		})
	b.Queue(`
		SELECT id, purpose, channel, state, occurred_at, expire_time
		FROM consent
		WHERE tenant = $1 AND contact = $2`, tenant, id).
		Query(func(rows pgx.Rows) error {
			e := &consent.Entry{}
			_, err := pgx.ForEachRow(rows, []any{&e.ID, &e.Purpose, &e.Channel, &e.State, &e.OccurredAt, &e.ExpireTime}, func() error {
				found := *e
				d.entries[e.Purpose] = append(d.entries[e.Purpose], &found)
				return nil
			})
			return err
		})
	b.Queue(`
		SELECT id
		FROM legal_hold
		WHERE tenant = $1 AND contact = $2 AND delete_time IS NULL AND (end_time IS NULL OR end_time > $3)
		ORDER BY create_time`, tenant, id, now).
		Query(func(rows pgx.Rows) (err error) {
			d.holds, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
}

// refuse answers why the contact cannot be erased now: nil where it can.
func (d *demands) refuse(c *contact.Contact, now time.Time) error {
	if len(d.holds) > 0 {
		return errs.Refused("LEGAL_HOLD", "the contact's data is under a legal hold").With("legal_hold", named(legalHolds, d.holds[0]))
	}
	for _, p := range d.purposes {
		if p.Basis != consent.LegalObligation {
			continue
		}
		r := p.Retention(c.Roles, d.entries[p.Code], now)
		if r == nil || !r.Demands(now) {
			continue
		}
		refused := errs.Refused("RETENTION_DEMANDED", "the contact's data must be kept by law").With("purpose", named(purposes, p.ID))
		if r.KeepUntil != nil {
			refused = refused.With("keep_until_time", r.KeepUntil.UTC().Format(time.RFC3339))
		}
		return refused
	}
	return nil
}

// Retention answers for how long a contact's data is kept, and why.
func (s *Store) Retention(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.ContactRetention, error) {
	c, err := s.Contacts.Get(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	var d demands
	now := s.Now()
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	queueDemands(b, tenant, c.ID, now, &d)
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	resp := &contactv1.ContactRetention{Name: name + "/retention", ErasureRefused: d.refuse(c, now) != nil}
	demanded := false
	for _, p := range d.purposes {
		r := p.Retention(c.Roles, d.entries[p.Code], now)
		if r == nil {
			continue
		}
		demanded = demanded || r.Demands(now)
		resp.Purposes = append(resp.Purposes, &contactv1.PurposeRetention{
			Purpose: named(purposes, p.ID), Code: p.Code, LegalBasis: contactv1.LegalBasis(p.Basis),
			EndTime: fields.Timestamp(r.End), KeepUntilTime: fields.Timestamp(r.KeepUntil),
		})
	}
	for _, hold := range d.holds {
		resp.LegalHolds = append(resp.LegalHolds, named(legalHolds, hold))
	}
	resp.Due = len(resp.Purposes) > 0 && !demanded && !resp.ErasureRefused && c.EraseTime == nil
	return resp, nil
}
