package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// CheckConsent answers whether a contact allows a purpose on a channel now. It reads
// the contact, the purpose and the ledger in one round trip; the rule decides.
func (s *Store) CheckConsent(ctx context.Context, tenant uuid.UUID, name, purpose string, channel int32) (*contactv1.CheckConsentResponse, error) {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return nil, errs.Invalid("contact", "", "must be contacts/{uuid}")
	}
	if err := s.reaches(ctx, tenant, id); err != nil {
		return nil, err
	}
	q := consent.Question{Purpose: consent.OffFile(purpose), Channel: channel, At: s.Now()}
	found := false
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	queueSubject(b, tenant, id, &q.Subject, &found)
	queuePurpose(b, tenant, &q.Purpose)
	queueLatest(b, tenant, id, purpose, channel, &q.Entries)
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	if !found {
		return nil, errs.NotFound("contact", name)
	}
	return s.proven(ctx, tenant, &q)
}

// queueSubject reads what the rule must know of a contact; of its survivor where it was
// merged.
func queueSubject(b *pgx.Batch, tenant, id uuid.UUID, subject *consent.Subject, found *bool) {
	b.Queue(`
		SELECT delete_time IS NOT NULL, erase_time IS NOT NULL, restrict_time IS NOT NULL, no_third_party_sharing, preference
		FROM contact
		WHERE tenant = $1 AND id = COALESCE((SELECT root FROM merged_contact WHERE tenant = $1 AND contact = $2), $2)`, tenant, id).
		Query(func(rows pgx.Rows) error {
			var preference *contact.Preference
			_, err := pgx.ForEachRow(rows, []any{&subject.Deleted, &subject.Erased, &subject.Restricted, &subject.NoThirdPartySharing, &preference}, func() error {
				*found, subject.Preference = true, preference
				return nil
			})
			return err
		})
}

// queuePurpose reads what is on file of the purpose of that code, and leaves it as it
// is where nothing is.
func queuePurpose(b *pgx.Batch, tenant uuid.UUID, p *consent.Purpose) {
	b.Queue(`
		SELECT id, legal_basis, consent_days
		FROM purpose
		WHERE tenant = $1 AND code = $2 AND delete_time IS NULL`, tenant, p.Code).
		Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&p.ID, &p.Basis, &p.ConsentDays}, func() error { return nil })
			return err
		})
}

// queueLatest reads the latest entry for every channel and the latest for this one, of
// all contacts that are one with it, in the order in which the rule prefers them.
func queueLatest(b *pgx.Batch, tenant, contact uuid.UUID, purpose string, channel int32, entries *[]*consent.Entry) {
	b.Queue(`
		SELECT DISTINCT ON (channel) id, channel, state, occurred_at, expire_time
		FROM consent
		WHERE tenant = $1 AND contact = ANY (contact_family($1, $2)) AND purpose = $3 AND channel IN (0, $4::integer)
		ORDER BY channel, occurred_at DESC, state DESC, id DESC`,
		tenant, contact, purpose, channel).
		Query(func(rows pgx.Rows) (err error) {
			*entries, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (*consent.Entry, error) {
				e := &consent.Entry{Meta: entity.Meta{}, Purpose: purpose}
				return e, row.Scan(&e.ID, &e.Channel, &e.State, &e.OccurredAt, &e.ExpireTime)
			})
			return err
		})
}

// proven words a decision, with the whole entry that decided.
func (s *Store) proven(ctx context.Context, tenant uuid.UUID, q *consent.Question) (*contactv1.CheckConsentResponse, error) {
	d := consent.Decide(*q)
	resp := decisionProto(q, d)
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

func decisionProto(q *consent.Question, d consent.Decision) *contactv1.CheckConsentResponse {
	resp := &contactv1.CheckConsentResponse{
		Allowed: d.Allowed, Reason: contactv1.ConsentReason(d.Reason), CheckTime: timestamppb.New(q.At),
		LegalBasis: contactv1.LegalBasis(q.Purpose.Basis), HoursBeginTime: fields.Timestamp(d.HoursBegin),
	}
	if q.Purpose.ID != uuid.Nil {
		resp.Rule = named(purposes, q.Purpose.ID)
	}
	return resp
}
