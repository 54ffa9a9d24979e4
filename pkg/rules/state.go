package rules

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/timer"
)

// state is a resource for which the condition of a rule of state holds.
type state struct {
	breach   int64
	eventID  *uuid.UUID
	enter    time.Time
	due      time.Time
	fired    bool
	resource string
}

func (s *standing) stateKey(resource string) string {
	return fmt.Sprintf("%s/%t/%s", s.id, s.mode == preview, resource)
}

// dueFor answers when a rule of state is due for a resource whose condition has held
// since an instant. It answers false where the field from which it counts is not set.
func (s *standing) dueFor(m proto.Message, entered time.Time) (time.Time, bool) {
	trigger := s.rule.GetTrigger().GetStateDuration()
	if field := trigger.GetSince(); field != "" {
		f := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))
		if !m.ProtoReflect().Has(f) {
			return time.Time{}, false
		}
		at, ok := m.ProtoReflect().Get(f).Message().Interface().(*timestamppb.Timestamp)
		if !ok {
			return time.Time{}, false
		}
		entered = at.AsTime()
	}
	return entered.Add(trigger.GetDuration().AsDuration()), true
}

// follow brings the state of a resource in line with an event: armed on entry, moved
// with the time from which it counts, cancelled on exit. A parked rule is followed as
// well: what it waits for is due when its next version is there.
func (e *Engine) follow(ctx context.Context, tx pgx.Tx, h *happening, s *standing) error {
	return e.enter(h.tenant, s, h.resource, &h.id, h.in, in(ctx, tx), func(in input) (bool, error) {
		matches, _, err := s.evaluate(ctx, in)
		return matches, err
	})
}

// enter evaluates a rule of state on a resource and keeps what follows from it.
func (e *Engine) enter(tenant uuid.UUID, s *standing, r *resource, event *uuid.UUID, in input, ask counter, evaluate func(input) (bool, error)) error {
	var was *state
	b := &pgx.Batch{}
	s.queueState(b, tenant, r.name, &was)
	if err := ask(b); err != nil {
		return err
	}
	holds := !gone(r.message) && s.covers(r.message)
	if holds {
		var err error
		if holds, err = evaluate(in); err != nil {
			return e.spoil(tenant, s, r, event, in.now, err, ask)
		}
	}
	entered := in.now
	if was != nil {
		entered = was.enter
	}
	due, counts := s.dueFor(r.message, entered)
	b = &pgx.Batch{}
	switch {
	case !holds || !counts:
		if was == nil {
			return nil
		}
		b.Queue("DELETE FROM rule_state WHERE tenant = $1 AND rule = $2 AND preview = $3 AND resource = $4", tenant, s.id, s.mode == preview, r.name)
		timer.Cancel(b, tenant, stateTimer, s.stateKey(r.name))
	case was != nil && was.due.Equal(due) && (was.fired || event != nil): // a sweep arms anew what a parked rule left
		return nil
	case was == nil:
		return s.enterNew(tenant, r, event, entered, due, ask)
	default:
		breach := r.seq
		if !was.fired {
			breach = was.breach
		}
		b.Queue(`
			UPDATE rule_state SET breach = $5, event_id = $6, due_time = $7, fired = false
			WHERE tenant = $1 AND rule = $2 AND preview = $3 AND resource = $4`,
			tenant, s.id, s.mode == preview, r.name, breach, event, due)
		timer.Arm(b, s.stateTimer(tenant, r.name, due))
	}
	return ask(b)
}

// enterNew keeps that a state began. An event and a sweep may find it at once: the first
// of them says when it is due.
func (s *standing) enterNew(tenant uuid.UUID, r *resource, event *uuid.UUID, entered, due time.Time, ask counter) error {
	var first bool
	b := &pgx.Batch{}
	b.Queue(`
		INSERT INTO rule_state (tenant, rule, preview, resource, breach, event_id, contact, enter_time, due_time)
		VALUES ($1, $2, $3, $4, $5, $6, NULLIF($7, '00000000-0000-0000-0000-000000000000'::uuid), $8, $9)
		ON CONFLICT ON CONSTRAINT rule_state_pkey DO NOTHING
		RETURNING true`,
		tenant, s.id, s.mode == preview, r.name, r.seq, event, r.contact, entered, due,
	).Query(func(rows pgx.Rows) error {
		first = rows.Next()
		rows.Close()
		return rows.Err()
	})
	if err := ask(b); err != nil || !first {
		return err
	}
	b = &pgx.Batch{}
	timer.Arm(b, s.stateTimer(tenant, r.name, due))
	return ask(b)
}

func (s *standing) stateTimer(tenant uuid.UUID, resource string, due time.Time) timer.Timer {
	return timer.Timer{Tenant: tenant, Kind: stateTimer, Key: s.stateKey(resource), Due: due}
}

func (s *standing) queueState(b *pgx.Batch, tenant uuid.UUID, resource string, into **state) {
	b.Queue(`
		SELECT breach, event_id, enter_time, due_time, fired FROM rule_state
		WHERE tenant = $1 AND rule = $2 AND preview = $3 AND resource = $4
		FOR UPDATE`, tenant, s.id, s.mode == preview, resource,
	).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			*into = &state{resource: resource}
			if err := rows.Scan(&(*into).breach, &(*into).eventID, &(*into).enter, &(*into).due, &(*into).fired); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// spoil notes that a condition failed on a resource, and parks the rule.
func (e *Engine) spoil(tenant uuid.UUID, s *standing, r *resource, event *uuid.UUID, at time.Time, cause error, ask counter) error {
	if s.parked != "" {
		return nil // it is looked at again with all other resources by the next version
	}
	d := s.decideFor(r, r.seq, at)
	d.EventID = event
	if event != nil {
		d.AggregateSeq = &r.seq
	}
	d.fail(cause)
	s.parked = d.Reason
	b := &pgx.Batch{}
	var kept bool
	park(b, s.definition, d.Reason)
	d.queue(b, tenant, &kept)
	return ask(b)
}

// elapse fires a rule of state whose time has come: where the condition still holds.
func (e *Engine) elapse(ctx context.Context, t timer.Timer) error {
	parts := strings.SplitN(t.Key, "/", 3)
	rule, err := uuid.Parse(parts[0])
	if err != nil || len(parts) != 3 {
		return fmt.Errorf("rules: a timer of the key %q", t.Key)
	}
	in, name := active, parts[2]
	if parts[1] == "true" {
		in = preview
	}
	return e.together(ctx, t, func(u *record.Unit) (*decision, *definition, error) {
		s, err := e.currentIn(u, t.Tenant, rule, in)
		if err != nil || s == nil || s.rule.GetTrigger().GetStateDuration() == nil {
			return nil, nil, err
		}
		if s.parked != "" {
			return nil, s.definition, nil // its next version looks at all resources
		}
		k, _ := e.kindOf(name)
		r, err := k.lock(u, name)
		if err != nil || r == nil {
			return nil, nil, err
		}
		var was *state
		if err := u.Read(func(b *pgx.Batch) { s.queueState(b, t.Tenant, name, &was) }); err != nil || was == nil || was.fired {
			return nil, nil, err
		}
		at := input{resource: r.message, now: t.Due, occurred: t.Due}
		holds := !gone(r.message) && s.covers(r.message)
		d := s.decideFor(r, was.breach, t.Due)
		d.EventID = was.eventID
		if was.eventID != nil {
			d.AggregateSeq = &was.breach
		}
		if holds {
			if holds, _, err = s.evaluate(ctx, at); err != nil {
				d.fail(err)
				u.Queue(func(b *pgx.Batch) { park(b, s.definition, d.Reason) })
				return d, s.definition, nil
			}
		}
		if !holds {
			return nil, nil, nil // its exit is on the way, and takes the state away
		}
		u.Queue(func(b *pgx.Batch) {
			b.Queue("UPDATE rule_state SET fired = true WHERE tenant = $1 AND rule = $2 AND preview = $3 AND resource = $4", t.Tenant, rule, in == preview, name)
		})
		return d, s.definition, d.guard(t.Tenant, s.rule, asks(u))
	})
}

// asks answers a counter that asks a unit.
func asks(u *record.Unit) counter {
	return func(b *pgx.Batch) error {
		return u.Read(func(into *pgx.Batch) { into.QueuedQueries = append(into.QueuedQueries, b.QueuedQueries...) })
	}
}
