package store

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
)

const (
	// QualityTimer is the kind of timer that has all ratings of a tenant computed anew.
	QualityTimer = "quality-refresh"
	// settleTime is how long after a change of rules their engine has heard of it.
	settleTime = 2 * time.Second
	// rerated is how many ratings are computed anew at a time, and marked how many are
	// marked for it.
	rerated, marked = 500, 5000
	// qualityLinger lets the projection take more events at a time.
	qualityLinger = 50 * time.Millisecond
	ratingPause   = time.Second
)

// person is a contact of a tenant.
type person struct{ tenant, id uuid.UUID }

func (p person) compare(o person) int {
	return cmp.Or(bytes.Compare(p.tenant[:], o.tenant[:]), bytes.Compare(p.id[:], o.id[:]))
}

var (
	putRatings = postgres.NewStatement("contact_quality", `
		INSERT INTO contact_quality (tenant, id, kind, score, completeness, freshness, relevance, missing, compute_time, stale_time)
		SELECT $1, f.*
		FROM unnest($2::uuid[], $3::smallint[], $4::integer[], $5::integer[], $6::integer[], $7::integer[], $8::bigint[], $9::timestamptz[], $10::timestamptz[])
			AS f (id, kind, score, completeness, freshness, relevance, missing, compute_time, stale_time)
		ON CONFLICT (tenant, id) DO UPDATE
		SET score = excluded.score, completeness = excluded.completeness, freshness = excluded.freshness, relevance = excluded.relevance,
			missing = excluded.missing, compute_time = excluded.compute_time, stale_time = excluded.stale_time`)
	dropRatings = postgres.NewStatement("contact_quality", `
		DELETE FROM contact_quality AS q
		USING unnest($2::uuid[]) AS g (id)
		WHERE q.tenant = $1 AND q.id = g.id`)
)

// Quality is the projection that rates contacts after each change. What was verified it
// keeps by the events, and forgets where the field changed or the contact was erased; and
// which fields segments and shared lists name.
func (s *Store) Quality() eventlog.Projection {
	return eventlog.Projection{
		Name: "quality", Areas: []string{"campaign", "contact", "platform"}, Personal: eventlog.Unread, Linger: qualityLinger, Apply: s.applyQuality,
	}
}

func (s *Store) applyQuality(ctx context.Context, tx pgx.Tx, events []*eventv1.Event) error {
	changed := map[person]bool{}
	refresh := map[uuid.UUID]timer.Timer{}
	var uses []fieldUse
	b := &pgx.Batch{}
	for _, e := range events {
		tenant, err := uuid.Parse(strings.TrimPrefix(e.GetTenant(), "tenants/"))
		if err != nil {
			return err
		}
		if e.GetArea() == "platform" && strings.HasPrefix(e.GetAggregate(), "rules/") || strings.HasPrefix(e.GetAggregate(), "qualityPolicies/") {
			due := e.GetRecordedAt().AsTime().Add(settleTime)
			refresh[tenant] = timer.Timer{Tenant: tenant, Kind: QualityTimer, Due: due}
			continue
		}
		if namesFields(e) {
			u, says, err := fieldUseOf(tenant, e)
			if err != nil {
				return err
			}
			if says {
				uses = append(uses, u)
			}
			continue
		}
		id, ok := strings.CutPrefix(e.GetAggregate(), contacts+"/")
		if e.GetArea() != "contact" || !ok {
			continue
		}
		p := person{tenant: tenant}
		if p.id, err = uuid.Parse(id); err != nil {
			return err
		}
		changed[p] = true
		if err := queueVerified(b, p, e); err != nil {
			return err
		}
	}
	others, err := keepFieldUses(ctx, tx, uses)
	if err != nil {
		return err
	}
	for _, tenant := range others {
		if _, armed := refresh[tenant]; !armed {
			refresh[tenant] = timer.Timer{Tenant: tenant, Kind: QualityTimer, Due: s.Now()}
		}
	}
	timer.Arm(b, slices.Collect(maps.Values(refresh))...)
	if b.Len() > 0 {
		if err := tx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
	}
	return s.rate(ctx, tx, slices.SortedFunc(maps.Keys(changed), person.compare))
}

// tellsOfFields says whether a payload can say anything of verified fields: that one was,
// which fields were changed, or that all are gone. Others need not be read.
func tellsOfFields(payload *anypb.Any) bool {
	of, err := protoregistry.GlobalTypes.FindMessageByName(payload.MessageName())
	if err != nil {
		return true // reading it says what is wrong
	}
	switch of.Zero().Interface().(type) {
	case *contactv1.FieldVerified, *contactv1.ContactErased, interface{ GetPaths() []string }:
		return true
	}
	return false
}

// queueVerified queues what an event says of verifications.
func queueVerified(b *pgx.Batch, p person, e *eventv1.Event) error {
	if !tellsOfFields(e.GetPayload()) {
		return nil
	}
	payload, err := e.GetPayload().UnmarshalNew()
	if err != nil {
		return err
	}
	switch of := payload.(type) {
	case *contactv1.FieldVerified:
		v := of.GetVerification()
		b.Queue(`
			INSERT INTO field_verification (tenant, contact, field, verify_time, method, actor) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (tenant, contact, field) DO UPDATE
			SET verify_time = excluded.verify_time, method = excluded.method, actor = excluded.actor`,
			p.tenant, p.id, v.GetField(), v.GetVerifyTime().AsTime(), int32(v.GetMethod()), v.GetActor())
	case *contactv1.ContactErased:
		b.Queue("DELETE FROM field_verification WHERE tenant = $1 AND contact = $2", p.tenant, p.id)
	case interface{ GetPaths() []string }:
		if fields := quality.SetOf(of.GetPaths()...).Names(); len(fields) > 0 {
			b.Queue("DELETE FROM field_verification WHERE tenant = $1 AND contact = $2 AND field = ANY ($3)", p.tenant, p.id, fields)
		}
	}
	return nil
}

// rate computes the ratings of contacts as they are now, in order of tenant and id.
func (s *Store) rate(ctx context.Context, tx pgx.Tx, of []person) error {
	for len(of) > 0 {
		n := 1
		for n < len(of) && of[n].tenant == of[0].tenant {
			n++
		}
		ids := make([]uuid.UUID, n)
		for i := range ids {
			ids[i] = of[i].id
		}
		if err := s.rateAll(ctx, tx, of[0].tenant, ids); err != nil {
			return err
		}
		of = of[n:]
	}
	return nil
}

// rateAll computes the ratings of contacts of one tenant. One that is gone has none.
func (s *Store) rateAll(ctx context.Context, tx pgx.Tx, tenant uuid.UUID, ids []uuid.UUID) error {
	policy, err := s.QualityPolicy(ctx, tenant)
	if err != nil {
		return err
	}
	used, err := s.used(ctx, tenant, policy)
	if err != nil {
		return err
	}
	rows, err := s.Contacts.Table.GetAll(ctx, s.db, tenant, ids)
	if err != nil {
		return err
	}
	named, verified := quality.Set(0), map[uuid.UUID]map[string]time.Time{}
	read := &pgx.Batch{}
	queueUsed(read, tenant, &named)
	queueVerifications(read, tenant, ids, verified)
	if err := tx.SendBatch(ctx, read).Close(); err != nil {
		return err
	}
	now := s.Now()
	w := postgres.NewWrites(tenant)
	there := make(map[uuid.UUID]bool, len(rows))
	for _, c := range rows {
		if c.Deleted() {
			continue
		}
		there[c.ID] = true
		facts := quality.Facts{Kind: c.Kind, Present: quality.Present(c), Used: used | named, Verified: verified[c.ID]}
		stale := now.Add(refreshInterval)
		if next := policy.Changes(facts, now); !next.IsZero() && next.Before(stale) {
			stale = next.Add(time.Second)
		}
		r := ratedOf(c.ID, c.Kind, policy.Rate(facts, now), now)
		w.Add(putRatings, r.ID, r.Kind, r.Score, r.Completeness, r.Freshness, r.Relevance, r.Missing, r.ComputeTime, stale)
	}
	for _, id := range ids {
		if !there[id] {
			w.Add(dropRatings, id)
		}
	}
	b := &pgx.Batch{}
	w.Flush(b)
	return tx.SendBatch(ctx, b).Close()
}

// KeepRatings computes ratings anew when time has changed them. Every replica runs it.
func (s *Store) KeepRatings(ctx context.Context) error {
	tick := time.NewTicker(ratingPause)
	defer tick.Stop()
	for {
		n, err := s.rerate(ctx)
		if err != nil {
			return err
		}
		if n == rerated {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *Store) rerate(ctx context.Context) (n int, err error) {
	err = postgres.InTx(ctx, s.db.System, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT tenant, id FROM contact_quality WHERE stale_time <= $1
			ORDER BY stale_time LIMIT $2 FOR UPDATE SKIP LOCKED`, s.Now(), rerated)
		if err != nil {
			return err
		}
		stale, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p person, err error) {
			return p, row.Scan(&p.tenant, &p.id)
		})
		if err != nil {
			return err
		}
		n = len(stale)
		slices.SortFunc(stale, person.compare)
		return s.rate(ctx, tx, stale)
	})
	return n, err
}

// RefreshQuality marks a part of a tenant's ratings to be computed anew, and arms itself
// for the rest.
func (s *Store) RefreshQuality(ctx context.Context, t timer.Timer) error {
	_, err := record.Write(ctx, s.db, s.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		var left int
		err = u.Read(func(b *pgx.Batch) {
			b.Queue(`
				WITH old AS (
					SELECT id FROM contact_quality WHERE tenant = $1 AND compute_time < $2 AND stale_time > $3 LIMIT $4
				), marked AS (
					UPDATE contact_quality AS q SET stale_time = $3 FROM old WHERE q.tenant = $1 AND q.id = old.id RETURNING 1
				)
				SELECT count(*) FROM marked`, t.Tenant, t.Due, s.Now(), marked).QueryRow(func(row pgx.Row) error { return row.Scan(&left) })
		})
		if err == nil && left == marked {
			u.Queue(func(b *pgx.Batch) { timer.Arm(b, t) })
		}
		return &emptypb.Empty{}, err
	})
	return err
}
