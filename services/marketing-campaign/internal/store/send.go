package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/services/marketing-campaign/internal/touch"
)

// Send is a launched campaign whose touches are being sent.
type Send struct {
	Tenant, Campaign, Segment uuid.UUID
	Version                   int32
	// Cursor is the last member, in the order of their ids, that has its touch.
	Cursor uuid.UUID
}

// ClaimSend takes a running campaign that nobody works on; nil where there is
// none.
func (s *Store) ClaimSend(ctx context.Context) (*Send, error) {
	rows, err := s.DB.System.Query(ctx, `
		UPDATE campaign_send c
		SET lease_until = now() + $1
		FROM (
			SELECT tenant, campaign
			FROM campaign_send
			WHERE running AND complete_time IS NULL AND lease_until < now()
			ORDER BY lease_until
			LIMIT 1
			FOR UPDATE SKIP LOCKED
		) next
		WHERE c.tenant = next.tenant AND c.campaign = next.campaign
		RETURNING c.tenant, c.campaign, c.segment, c.version, c.plan_cursor`, lease)
	if err != nil {
		return nil, fmt.Errorf("claim a campaign: %w", err)
	}
	return claimed[Send](rows)
}

// Unplanned answers the next members, and those of them that have no touch.
func (s *Store) Unplanned(ctx context.Context, w *Send, limit int) (members, untouched []uuid.UUID, err error) {
	rows, err := s.DB.System.Query(ctx, `
		SELECT m.contact, t.id IS NULL
		FROM (
			SELECT contact
			FROM segment_member
			WHERE tenant = $1 AND segment = $3 AND version = $4 AND contact > $5
			ORDER BY contact
			LIMIT $6
		) m
		LEFT JOIN touch t ON t.tenant = $1 AND t.campaign = $2 AND t.contact = m.contact
		ORDER BY m.contact`, w.Tenant, w.Campaign, w.Segment, w.Version, w.Cursor, limit)
	if err != nil {
		return nil, nil, fmt.Errorf("read members without a touch: %w", err)
	}
	var (
		contact uuid.UUID
		missing bool
	)
	_, err = pgx.ForEachRow(rows, []any{&contact, &missing}, func() error {
		members = append(members, contact)
		if missing {
			untouched = append(untouched, contact)
		}
		return nil
	})
	return members, untouched, err
}

// MoveCursor notes that all members up to one have their touch, and keeps the
// work for this process a while longer.
func (s *Store) MoveCursor(ctx context.Context, w *Send, to uuid.UUID) error {
	_, err := s.DB.System.Exec(ctx, `
		UPDATE campaign_send
		SET plan_cursor = greatest(plan_cursor, $3), lease_until = now() + $4
		WHERE tenant = $1 AND campaign = $2`, w.Tenant, w.Campaign, to, lease)
	if err != nil {
		return fmt.Errorf("note how far campaign %s is planned: %w", w.Campaign, err)
	}
	w.Cursor = to
	return nil
}

// Planned is a touch that is to be sent.
type Planned struct{ Touch, Contact uuid.UUID }

// Planned answers some touches of a campaign that are to be sent now, oldest first.
func (s *Store) Planned(ctx context.Context, w *Send, now time.Time, limit int) ([]Planned, error) {
	rows, err := s.DB.System.Query(ctx, `
		SELECT id, contact
		FROM touch
		WHERE tenant = $1 AND campaign = $2 AND status = $3 AND (wait_until IS NULL OR wait_until <= $4)
		ORDER BY create_time, id
		LIMIT $5`, w.Tenant, w.Campaign, touch.Planned, now, limit)
	if err != nil {
		return nil, fmt.Errorf("read planned touches: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Planned])
}

// PostponeIn notes that a touch is not to be sent before a time.
func (s *Store) PostponeIn(u *record.Unit, id uuid.UUID, until time.Time) {
	u.Queue(func(b *pgx.Batch) {
		b.Queue("UPDATE touch SET wait_until = $2 WHERE tenant = current_setting('app.tenant')::uuid AND id = $1", id, until)
	})
}

// Waiting says whether touches of a campaign wait for their hour.
func (s *Store) Waiting(ctx context.Context, w *Send) (waiting bool, err error) {
	err = s.DB.System.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM touch WHERE tenant = $1 AND campaign = $2 AND status = $3)`,
		w.Tenant, w.Campaign, touch.Planned).Scan(&waiting)
	if err != nil {
		return false, fmt.Errorf("look for touches that wait: %w", err)
	}
	return waiting, nil
}

// CompleteSend notes that all members have their touch, and all touches are sent
// or withheld.
func (s *Store) CompleteSend(ctx context.Context, w *Send, now time.Time) error {
	_, err := s.DB.System.Exec(ctx, `
		UPDATE campaign_send
		SET complete_time = $3
		WHERE tenant = $1 AND campaign = $2 AND complete_time IS NULL`, w.Tenant, w.Campaign, now)
	if err != nil {
		return fmt.Errorf("complete campaign %s: %w", w.Campaign, err)
	}
	return nil
}

// Release gives work back, to be claimed again after a pause.
func (s *Store) Release(ctx context.Context, w *Send, pause time.Duration) error {
	_, err := s.DB.System.Exec(ctx, `
		UPDATE campaign_send
		SET lease_until = now() + $3
		WHERE tenant = $1 AND campaign = $2`, w.Tenant, w.Campaign, pause)
	return err
}

// Progress is how far a launched campaign is.
type Progress struct {
	Members int64
	// Touches counts the touches in each status.
	Touches  map[touch.Status]int64
	Complete *time.Time
}

// Progress counts how far a launched campaign is.
func (s *Store) Progress(ctx context.Context, tenant, campaign uuid.UUID) (Progress, error) {
	p := Progress{Touches: map[touch.Status]int64{}}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT v.member_count, c.complete_time
		FROM campaign_send c
		JOIN segment_version v ON v.tenant = c.tenant AND v.segment = c.segment AND v.version = c.version
		WHERE c.tenant = $1 AND c.campaign = $2`, tenant, campaign).
		QueryRow(func(row pgx.Row) error { return row.Scan(&p.Members, &p.Complete) })
	b.Queue(`
		SELECT status, count(*)
		FROM touch
		WHERE tenant = $1 AND campaign = $2
		GROUP BY status`, tenant, campaign).Query(func(rows pgx.Rows) error {
		var (
			status touch.Status
			count  int64
		)
		_, err := pgx.ForEachRow(rows, []any{&status, &count}, func() error {
			p.Touches[status] = count
			return nil
		})
		return err
	})
	if err := postgres.Run(ctx, s.DB, b); err != nil {
		return Progress{}, fmt.Errorf("count the touches of a campaign: %w", err)
	}
	return p, nil
}
