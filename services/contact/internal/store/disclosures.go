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
	// Erasure is whether nothing would leave but that the contacts were erased.
	Erasure bool
	// Together is whether the data leaves for all of them or not at all.
	Together bool
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
			if subjects, err = s.subjectsIn(ctx, u, tenant, q); err != nil {
				return nil, err
			}
		}
		decide, withheld := disclosure.Decide, false
		if q.Erasure {
			decide = disclosure.DecideErasure
		}
		for _, id := range q.Contacts {
			reason := decide(to, subjects[id])
			withheld = withheld || reason != 0
			resp.Disclosures = append(resp.Disclosures, &contactv1.Disclosure{
				Contact: named(contacts, id), Allowed: reason == 0, Reason: contactv1.WithholdReason(reason),
			})
		}
		if to.Outside() {
			s.noteScreening(ctx, u, q, to, resp, q.Together && withheld)
		}
		return resp, nil
	})
}

// noteScreening writes the decisions to the audit log; where everything stays only those
// on whose account it does.
func (s *Store) noteScreening(ctx context.Context, u *record.Unit, q Screening, to disclosure.Class, resp *contactv1.ScreenDisclosureResponse, stays bool) {
	var audit []eventlog.AuditEntry
	for _, d := range resp.GetDisclosures() {
		if stays && d.GetAllowed() {
			continue
		}
		audit = append(audit, eventlog.AuditEntry{
			Tenant: u.Tenant(), RecordedAt: s.Now(), Resource: d.GetContact(), Note: disclosureNote(q, to, disclosure.Reason(d.GetReason())),
		}.By(ctx))
	}
	if len(audit) > 0 {
		u.Queue(func(b *pgx.Batch) { eventlog.QueueAudit(b, audit...) })
	}
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

// disclosedTo begins the notes of what left, which queueReceived looks for.
const disclosedTo = "disclosed to "

// byOutput ends them.
func byOutput(q Screening) string { return " by " + q.Output }

// disclosureNote words a decision for the audit log.
func disclosureNote(q Screening, to disclosure.Class, reason disclosure.Reason) string {
	name := to.String()
	if q.Recipient != "" {
		name += " " + q.Recipient
	}
	switch {
	case reason == 0 && q.Erasure:
		return "told " + name + byOutput(q) + " of the erasure"
	case reason == 0:
		return disclosedTo + name + byOutput(q)
	}
	return "withheld from " + name + byOutput(q) + ": " + reason.String()
}

// subjectsIn reads what the rule must know of those of the contacts that the caller
// may see.
func (s *Store) subjectsIn(ctx context.Context, u *record.Unit, tenant uuid.UUID, q Screening) (map[uuid.UUID]*disclosure.Subject, error) {
	subjects := make(map[uuid.UUID]*disclosure.Subject, len(q.Contacts))
	entries := map[uuid.UUID][]*consent.Entry{}
	purpose := consent.OffFile(consent.ThirdPartySharing)
	err := u.Read(func(b *pgx.Batch) {
		queueSubjects(ctx, b, tenant, q.Contacts, subjects)
		if q.Erasure {
			queueReceived(b, tenant, q, subjects)
			return
		}
		queuePurpose(b, tenant, &purpose)
		queueSharing(b, tenant, q.Contacts, entries)
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
		SELECT id, delete_time IS NOT NULL, restrict_time IS NOT NULL, no_third_party_sharing, erase_time IS NOT NULL
		FROM contact
		WHERE tenant = $1 AND id = ANY ($2) AND ($3 OR owner = $4 OR team = ANY ($5::text[]))`, tenant, ids, all, owner, teams).
		Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			var subject disclosure.Subject
			_, err := pgx.ForEachRow(rows, []any{&id, &subject.Deleted, &subject.Restricted, &subject.NoThirdPartySharing, &subject.Erased}, func() error {
				found := subject
				subjects[id] = &found
				return nil
			})
			return err
		})
}

// queueReceived marks the subjects of which something went to the recipient, by this output
// or, where it is on file, by any.
func queueReceived(b *pgx.Batch, tenant uuid.UUID, q Screening, subjects map[uuid.UUID]*disclosure.Subject) {
	names := make([]string, len(q.Contacts))
	for i, id := range q.Contacts {
		names[i] = named(contacts, id)
	}
	b.Queue(`
		SELECT DISTINCT right(resource, 36)::uuid
		FROM audit
		WHERE tenant = $1 AND resource = ANY ($2) AND starts_with(note, $3)
		  AND (right(note, char_length($4)) = $4 OR $5 <> '' AND strpos(note, ' ' || $5 || ' by ') > 0)`,
		tenant, names, disclosedTo, byOutput(q), q.Recipient).
		Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				if s := subjects[id]; s != nil {
					s.Received = true
				}
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
