package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
	"github.com/lingkar-crm/lingkar/services/contact/internal/standing"
)

const (
	defaultTransitions = 50
	maxTransitions     = 1000
)

// ofLifecycle answers the contact of a lifecycle's name, where the caller may see it.
func (s *Store) ofLifecycle(ctx context.Context, tenant uuid.UUID, name string) (*contact.Contact, error) {
	text, ok := strings.CutPrefix(name, lifecycles+"/")
	id, valid := entity.ParseID(text)
	if !ok || !valid {
		return nil, errs.Invalid("name", "", `must be "lifecycles/{uuid}", with the UUID of the contact`)
	}
	return s.Contacts.Get(ctx, tenant, named(contacts, id))
}

// Lifecycle answers where a contact stands, as far as events have told. One of which
// nothing is known is a suspect since it was created.
func (s *Store) Lifecycle(ctx context.Context, tenant uuid.UUID, name string) (*contactv1.Lifecycle, error) {
	c, err := s.ofLifecycle(ctx, tenant, name)
	if err != nil {
		return nil, err
	}
	var root uuid.UUID
	var created time.Time
	var since, bought, due *time.Time
	place, erased := standing.Unmoved, false
	var transitions []*contactv1.LifecycleTransition
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue(`
		SELECT id, create_time, erase_time IS NOT NULL FROM contact
		WHERE tenant = $1 AND id = (contact_family($1, $2))[1]`, tenant, c.ID).
		QueryRow(func(row pgx.Row) error { return row.Scan(&root, &created, &erased) })
	b.Queue(`
		SELECT class, phase, since, due FROM contact_lifecycle
		WHERE tenant = $1 AND id = (contact_family($1, $2))[1]`, tenant, c.ID).
		Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&place.Class, &place.Phase, &since, &due}, func() error { return nil })
			return err
		})
	b.Queue("SELECT max(purchase_time) FROM contact_purchase WHERE tenant = $1 AND contact = ANY (contact_family($1, $2))", tenant, c.ID).
		QueryRow(func(row pgx.Row) error { return row.Scan(&bought) })
	b.Queue("SELECT "+transitionColumns+`
		FROM lifecycle_transition
		WHERE tenant = $1 AND contact = (contact_family($1, $2))[1]
		ORDER BY number DESC LIMIT 1`, tenant, c.ID).Query(func(rows pgx.Rows) (err error) {
		transitions, err = pgx.CollectRows(rows, scanTransition)
		return err
	})
	if err := postgres.Run(ctx, s.db, b); err != nil {
		return nil, err
	}
	m := &contactv1.Lifecycle{Name: named(lifecycles, root), Contact: named(contacts, root), SinceTime: timestamppb.New(created)}
	if erased {
		return m, nil
	}
	m.LifecycleClass, m.Phase = contactv1.LifecycleClass(place.Class), contactv1.LifecyclePhase(place.Phase)
	m.LastPurchaseTime, m.NextChangeTime = fields.Timestamp(bought), fields.Timestamp(due)
	if since != nil {
		m.SinceTime = timestamppb.New(*since)
	}
	if len(transitions) > 0 {
		m.Transition = transitions[0]
	}
	return m, nil
}

// ReadLifecycle is Lifecycle for those who read any message.
func (s *Store) ReadLifecycle(ctx context.Context, tenant uuid.UUID, name string) (proto.Message, error) {
	return s.Lifecycle(ctx, tenant, name)
}

// LifecycleTransitions answers a page of the moves of the contacts that are one with a
// contact, the latest first.
func (s *Store) LifecycleTransitions(ctx context.Context, tenant uuid.UUID, req *contactv1.ListLifecycleTransitionsRequest) (*contactv1.ListLifecycleTransitionsResponse, error) {
	c, err := s.ofLifecycle(ctx, tenant, req.GetName())
	if err != nil {
		return nil, err
	}
	binding := fmt.Appendf(nil, "transitions|%s|%s|%s", tenant, auth.From(ctx).Subject, c.ID)
	before, number, last := time.UnixMicro(1<<52), int64(0), uuid.Max
	if req.GetPageToken() != "" {
		cursor, err := s.db.PageCursor(req.GetPageToken(), binding)
		if err != nil {
			return nil, err
		}
		before, number, last = time.UnixMicro(cursor[0].(int64)), cursor[1].(int64), uuid.MustParse(cursor[2].(string))
	}
	limit := int(min(req.GetPageSize(), maxTransitions))
	if limit <= 0 {
		limit = defaultTransitions
	}
	var places []transitionPlace
	resp := &contactv1.ListLifecycleTransitionsResponse{}
	b := &pgx.Batch{}
	postgres.QueueTenant(b, tenant)
	b.Queue("SELECT "+transitionColumns+`, contact, number
		FROM lifecycle_transition
		WHERE tenant = $1 AND contact = ANY (contact_family($1, $2)) AND (record_time, number, contact) < ($3, $4, $5)
		ORDER BY record_time DESC, number DESC, contact DESC
		LIMIT $6`, tenant, c.ID, before, number, last, limit+1).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			var at transitionPlace
			t, err := scanTransitionWith(rows, &at.contact, &at.number)
			if err != nil {
				return err
			}
			resp.Transitions, places = append(resp.Transitions, t), append(places, at)
		}
		return rows.Err()
	})
	if err := postgres.Run(ctx, s.db, b); err != nil || len(resp.GetTransitions()) <= limit {
		return resp, err
	}
	resp.Transitions = resp.Transitions[:limit]
	end := places[limit-1]
	resp.NextPageToken, err = s.db.PageToken([]any{resp.Transitions[limit-1].GetRecordTime().AsTime().UnixMicro(), end.number, end.contact.String()}, binding)
	return resp, err
}

// transitionPlace is the key of a transition.
type transitionPlace struct {
	contact uuid.UUID
	number  int64
}

const transitionColumns = "from_class, to_class, from_phase, to_phase, change_time, record_time, cause, event_id, event_type, resource, window_months, time_zone"

func scanTransition(row pgx.CollectableRow) (*contactv1.LifecycleTransition, error) {
	return scanTransitionWith(row)
}

func scanTransitionWith(row pgx.Row, more ...any) (*contactv1.LifecycleTransition, error) {
	t := &contactv1.LifecycleTransition{}
	var changed, recorded time.Time
	err := row.Scan(append([]any{&t.FromClass, &t.ToClass, &t.FromPhase, &t.ToPhase, &changed, &recorded, &t.Cause,
		&t.EventId, &t.EventType, &t.Resource, &t.WindowMonths, &t.TimeZone}, more...)...)
	t.ChangeTime, t.RecordTime = timestamppb.New(changed), timestamppb.New(recorded)
	return t, err
}
