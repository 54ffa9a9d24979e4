package store

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/store/keystore"
)

// Erase erases a contact that nothing keeps, and all that are one with it by merges:
// in one transaction the rows become what is left of them, what stands beside them is
// removed and the events are recorded; then the keys are destroyed. Where the process ends between the two, Finish goes on.
func (s *Store) Erase(ctx context.Context, tenant uuid.UUID, name, etag string, reason contact.ErasureReason) (*contactv1.Contact, error) {
	return s.erase(ctx, tenant, name, etag, reason, true)
}

// erase is Erase; only one that is done again asks nobody whether it may.
func (s *Store) erase(ctx context.Context, tenant uuid.UUID, name, etag string, reason contact.ErasureReason, asks bool) (*contactv1.Contact, error) {
	id, err := s.Contacts.ParseName(name)
	if err != nil {
		return nil, err
	}
	now, family := s.Now(), []uuid.UUID{id}
	left, err := record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*contactv1.Contact, error) {
		_, err := s.Contacts.ReviseIn(u, name, etag, func(*contact.Contact) ([]entity.Event, error) { return nil, nil })
		if err != nil {
			return nil, err
		}
		if family, err = familyIn(u, tenant, id); err != nil {
			return nil, err
		}
		for _, id := range family {
			if err := s.eraseIn(ctx, u, tenant, id, reason, now, asks); err != nil {
				return nil, err
			}
		}
		c, err := s.Contacts.GetIn(u, name)
		if err != nil {
			return nil, err
		}
		return contactProto(c), nil
	})
	if err != nil || call.From(ctx).ValidateOnly {
		for _, id := range family {
			s.keys.Drop(tenant, id)
		}
		return left, err
	}
	return left, s.finish(ctx, selectErasure+"tenant = $1 AND contact = ANY ($2) AND key_destroy_time IS NULL", tenant, family)
}

// familyIn answers all contacts that are one with a contact by merges, itself among
// them, in the order of their ids.
func familyIn(u *record.Unit, tenant, id uuid.UUID) (family []uuid.UUID, err error) {
	err = u.Read(func(b *pgx.Batch) {
		b.Queue("SELECT m FROM unnest(contact_family($1, $2)) AS m ORDER BY m", tenant, id).Query(func(rows pgx.Rows) (err error) {
			family, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			return err
		})
	})
	return family, err
}

// eraseIn erases one contact within the unit, unless it was erased before.
func (s *Store) eraseIn(ctx context.Context, u *record.Unit, tenant, id uuid.UUID, reason contact.ErasureReason, now time.Time, asks bool) error {
	erased := false
	c, err := s.Contacts.ReviseIn(u, named(contacts, id), "", func(c *contact.Contact) ([]entity.Event, error) {
		if c.EraseTime != nil {
			return nil, nil
		}
		if asks {
			var d demands
			if err := u.Read(func(b *pgx.Batch) { queueDemands(b, tenant, c.ID, now, &d) }); err != nil {
				return nil, err
			}
			if err := d.refuse(c, now); err != nil {
				return nil, err
			}
		}
		erased = true
		s.keys.Bar(tenant, id)
		return c.Erase(reason, now), nil
	})
	if err == nil && erased {
		u.Queue(func(b *pgx.Batch) { queueErasure(ctx, b, tenant, c, reason) })
	}
	return err
}

// queueErasure removes what stands beside the contact's row, and notes the erasure.
func queueErasure(ctx context.Context, b *pgx.Batch, tenant uuid.UUID, c *contact.Contact, reason contact.ErasureReason) {
	actor := "services/contact"
	if caller, ok := auth.FromOK(ctx); ok {
		actor = caller.Subject
	}
	b.Queue("SELECT erase_contact($1)", c.ID)
	b.Queue("SELECT erase_document($1)", c.ID)
	b.Queue("SELECT erase_employee($1)", c.ID)
	b.Queue("SELECT erase_fact($1)", c.ID)
	b.Queue("SELECT erase_investor($1)", c.ID)
	b.Queue("SELECT erase_portal($1)", c.ID)
	b.Queue(`
		INSERT INTO erasure (tenant, contact, customer_id, key_id, reason, actor, erase_time)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant, contact) DO NOTHING`,
		tenant, c.ID, c.CustomerID, c.KeyID, int32(reason), actor, c.EraseTime)
}

const selectErasure = `
SELECT tenant, contact, key_id, erase_time
FROM erasure
WHERE `

// finish destroys the keys of the erased contacts that a statement finds, and notes
// when.
func (s *Store) finish(ctx context.Context, find string, args ...any) error {
	rows, err := s.db.System.Query(ctx, find, args...)
	if err != nil {
		return postgres.SQLError(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keystore.Erased])
	if err != nil || len(found) == 0 {
		return postgres.SQLError(err)
	}
	if err := s.keys.Destroy(ctx, found...); err != nil {
		return errs.Unavailable("ERASURE_UNFINISHED", "the contact is erased here, and its key is still to be destroyed: this goes on by itself", time.Second).Wrap(err)
	}
	b := &pgx.Batch{}
	for _, e := range found {
		b.Queue(`
			UPDATE erasure SET key_destroy_time = $3
			WHERE tenant = $1 AND contact = $2 AND key_destroy_time IS NULL`, e.Tenant, e.Contact, s.Now())
	}
	return postgres.SQLError(s.db.System.SendBatch(ctx, b).Close())
}

const (
	// finishInterval is how often erasures are looked for whose keys are still there.
	finishInterval = 30 * time.Second
	// replayed is how many erasures are compared at a time.
	replayed = 1000
)

// FinishErasures destroys the keys of erased contacts where that was interrupted,
// until the context ends.
func (s *Store) FinishErasures(logger *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			if err := s.finish(ctx, selectErasure+"key_destroy_time IS NULL LIMIT 1000"); err != nil && ctx.Err() == nil {
				logger.WarnContext(ctx, "erasures cannot be finished now", "error", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(finishInterval):
			}
		}
	}
}

// ReplayErasures does every erasure again that either database has forgotten, because
// it was restored from a backup: keys that came back are destroyed, and contacts that
// came back are erased. To be called before anybody is served; as answers the context
// in which the service works in a tenant.
func (s *Store) ReplayErasures(ctx context.Context, as func(context.Context, uuid.UUID) (context.Context, error)) (again int, err error) {
	if err := s.replayKeys(ctx); err != nil {
		return 0, err
	}
	for after := (keystore.Erased{}); ; {
		known, err := s.keys.Erasures(ctx, after, replayed)
		if err != nil || len(known) == 0 {
			return again, err
		}
		risen, err := s.risen(ctx, known)
		if err != nil {
			return again, err
		}
		for _, e := range risen {
			in, err := as(ctx, e.Tenant)
			if err != nil {
				return again, err
			}
			if _, err := s.erase(in, e.Tenant, named(contacts, e.Contact), "", replayedReason, false); err != nil {
				return again, fmt.Errorf("erase contacts/%s again: %w", e.Contact, err)
			}
			again++
		}
		after = known[len(known)-1]
	}
}

// replayedReason stands for the reason of an erasure that only the database of keys
// knows of: SUBJECT_REQUEST.
const replayedReason contact.ErasureReason = 1

// replayKeys destroys the keys of all erased contacts.
func (s *Store) replayKeys(ctx context.Context) error {
	for after := (keystore.Erased{}); ; {
		rows, err := s.db.System.Query(ctx, selectErasure+"(tenant, contact) > ($1, $2) ORDER BY tenant, contact LIMIT $3", after.Tenant, after.Contact, replayed)
		if err != nil {
			return postgres.SQLError(err)
		}
		known, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keystore.Erased])
		if err != nil || len(known) == 0 {
			return postgres.SQLError(err)
		}
		if err := s.keys.Destroy(ctx, known...); err != nil {
			return err
		}
		after = known[len(known)-1]
	}
}

// risen answers those of the erased contacts that are there as if they were not.
func (s *Store) risen(ctx context.Context, known []keystore.Erased) ([]keystore.Erased, error) {
	tenants, ids := make([]uuid.UUID, len(known)), make([]uuid.UUID, len(known))
	for i, e := range known {
		tenants[i], ids[i] = e.Tenant, e.Contact
	}
	rows, err := s.db.System.Query(ctx, `
		SELECT c.tenant, c.id, c.key_id, c.update_time
		FROM contact AS c
		JOIN unnest($1::uuid[], $2::uuid[]) AS k (tenant, contact) ON c.tenant = k.tenant AND c.id = k.contact
		WHERE c.erase_time IS NULL`, tenants, ids)
	if err != nil {
		return nil, postgres.SQLError(err)
	}
	risen, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keystore.Erased])
	return risen, postgres.SQLError(err)
}

const (
	defaultErasures = 50
	maxErasures     = 1000
)

// Erasures answers a page of who was erased, the latest first.
func (s *Store) Erasures(ctx context.Context, tenant uuid.UUID, size int32, token string) (*contactv1.ListErasuresResponse, error) {
	binding := fmt.Appendf(nil, "erasures|%s|%s", tenant, auth.From(ctx).Subject)
	before, last := time.UnixMicro(1<<52), uuid.Max
	if token != "" {
		cursor, err := s.db.PageCursor(token, binding)
		if err != nil {
			return nil, err
		}
		before, last = time.UnixMicro(cursor[0].(int64)), uuid.MustParse(cursor[1].(string))
	}
	limit := int(min(size, maxErasures))
	if limit <= 0 {
		limit = defaultErasures
	}
	resp := &contactv1.ListErasuresResponse{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT contact, customer_id, reason, actor, erase_time, key_destroy_time
		FROM erasure
		WHERE tenant = $1 AND (erase_time, contact) < ($2, $3)
		ORDER BY erase_time DESC, contact DESC
		LIMIT $4`, tenant, before, last, limit+1).
		Query(func(rows pgx.Rows) (err error) {
			resp.Erasures, err = pgx.CollectRows(rows, scanErasure)
			return err
		})
	if err := postgres.Run(ctx, s.db, b); err != nil || len(resp.Erasures) <= limit {
		return resp, err
	}
	resp.Erasures = resp.Erasures[:limit]
	end := resp.Erasures[limit-1]
	var err error
	resp.NextPageToken, err = s.db.PageToken([]any{end.GetEraseTime().AsTime().UnixMicro(), end.GetContact()[len(contacts)+1:]}, binding)
	return resp, err
}

func scanErasure(row pgx.CollectableRow) (*contactv1.Erasure, error) {
	var id uuid.UUID
	var at time.Time
	var destroyed *time.Time
	e := &contactv1.Erasure{}
	err := row.Scan(&id, &e.CustomerId, &e.Reason, &e.Actor, &at, &destroyed)
	e.Contact, e.EraseTime, e.KeyDestroyTime = named(contacts, id), timestamppb.New(at), fields.Timestamp(destroyed)
	return e, err
}
