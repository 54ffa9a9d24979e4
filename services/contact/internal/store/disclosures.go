package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/consent"
	"github.com/lingkar-crm/lingkar/services/contact/internal/disclosure"
)

// Screening is a question whether data of contacts may leave.
type Screening struct {
	// Class is what the recipient is where none on file is named.
	Class disclosure.Class
	// Recipient is the one on file; empty where none is named.
	Recipient string
	// Output is by what the data would leave.
	Output   string
	Contacts []uuid.UUID
}

// Screen decides for each contact, and notes in the audit log what is withheld and
// what goes to somebody outside, in one transaction.
func (s *Store) Screen(ctx context.Context, tenant uuid.UUID, q Screening) (*contactv1.ScreenDisclosureResponse, error) {
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.ScreenDisclosureResponse, error) {
		resp := &contactv1.ScreenDisclosureResponse{}
		to, err := s.recipientIn(u, q, resp)
		if err != nil {
			return nil, err
		}
		resp.RecipientClass = contactv1.RecipientClass(to)
		subjects := map[uuid.UUID]*disclosure.Subject{}
		if to.Outside() {
			if subjects, err = s.subjectsIn(ctx, u, tenant, q.Contacts); err != nil {
				return nil, err
			}
		}
		var audit []eventlog.AuditEntry
		for _, id := range q.Contacts {
			reason := disclosure.Decide(to, subjects[id])
			resp.Disclosures = append(resp.Disclosures, &contactv1.Disclosure{
				Contact: named(contacts, id), Allowed: reason == 0, Reason: contactv1.WithholdReason(reason),
			})
			if to.Outside() {
				audit = append(audit, eventlog.AuditEntry{
					Tenant: tenant, RecordedAt: s.Now(), Resource: named(contacts, id), Note: disclosureNote(q, to, reason),
				})
			}
		}
		u.Queue(func(b *pgx.Batch) { eventlog.QueueAudit(ctx, b, audit...) })
		return resp, nil
	})
}

// recipientIn answers what the recipient counts as, and tells which fields it may get.
func (s *Store) recipientIn(u *record.Unit, q Screening, resp *contactv1.ScreenDisclosureResponse) (disclosure.Class, error) {
	if q.Recipient == "" {
		if q.Class == disclosure.Processor {
			return disclosure.ThirdParty, nil // it has no contract on file
		}
		return q.Class, nil
	}
	r, err := s.Recipients.GetIn(u, q.Recipient)
	if err != nil {
		return 0, record.At("recipient", err)
	}
	to := r.ClassAt(s.Now())
	if to == disclosure.Processor {
		resp.Fields = append(resp.Fields, r.Fields...)
	}
	return to, nil
}

// disclosureNote words a decision for the audit log.
func disclosureNote(q Screening, to disclosure.Class, reason disclosure.Reason) string {
	name := to.String()
	if q.Recipient != "" {
		name += " " + q.Recipient
	}
	if reason == 0 {
		return "disclosed to " + name + " by " + q.Output
	}
	return "withheld from " + name + " by " + q.Output + ": " + reason.String()
}

// subjectsIn reads what the rule must know of those of the contacts that the caller
// may see.
func (s *Store) subjectsIn(ctx context.Context, u *record.Unit, tenant uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]*disclosure.Subject, error) {
	subjects := make(map[uuid.UUID]*disclosure.Subject, len(ids))
	entries := map[uuid.UUID][]*consent.Entry{}
	purpose := consent.OffFile(consent.ThirdPartySharing)
	err := u.Read(func(b *pgx.Batch) {
		queueSubjects(ctx, b, tenant, ids, subjects)
		queuePurpose(b, tenant, &purpose)
		queueSharing(b, tenant, ids, entries)
	})
	if err != nil {
		return nil, err
	}
	for id, subject := range subjects {
		subject.Sharing = consent.Decide(consent.Question{Entries: entries[id], Purpose: purpose, At: s.Now()}).Reason
	}
	return subjects, nil
}

func queueSubjects(ctx context.Context, b *pgx.Batch, tenant uuid.UUID, ids []uuid.UUID, subjects map[uuid.UUID]*disclosure.Subject) {
	all, owner, teams := record.Reach(ctx)
	b.Queue(`
		SELECT id, delete_time IS NOT NULL, restrict_time IS NOT NULL, no_third_party_sharing
		FROM contact
		WHERE tenant = $1 AND id = ANY ($2) AND ($3 OR owner = $4 OR team = ANY ($5::text[]))`, tenant, ids, all, owner, teams).
		Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			var subject disclosure.Subject
			_, err := pgx.ForEachRow(rows, []any{&id, &subject.Deleted, &subject.Restricted, &subject.NoThirdPartySharing}, func() error {
				found := subject
				subjects[id] = &found
				return nil
			})
			return err
		})
}

// queueSharing reads the latest entry of each contact on passing its data to third
// parties, on every channel.
func queueSharing(b *pgx.Batch, tenant uuid.UUID, ids []uuid.UUID, entries map[uuid.UUID][]*consent.Entry) {
	b.Queue(`
		SELECT DISTINCT ON (contact) contact, id, state, occurred_at, expire_time
		FROM consent
		WHERE tenant = $1 AND contact = ANY ($2) AND purpose = $3 AND channel = 0
		ORDER BY contact, occurred_at DESC, state DESC, id DESC`, tenant, ids, consent.ThirdPartySharing).
		Query(func(rows pgx.Rows) error {
			e := &consent.Entry{Purpose: consent.ThirdPartySharing}
			_, err := pgx.ForEachRow(rows, []any{&e.Contact, &e.ID, &e.State, &e.OccurredAt, &e.ExpireTime}, func() error {
				found := *e
				entries[e.Contact] = append(entries[e.Contact], &found)
				return nil
			})
			return err
		})
}
