package rules

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/lingkar-crm/lingkar/pkg/call"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/timer"
)

// decisionNames begins the names under which decisions stand in the log.
const decisionNames = "ruleDecisions/"

// fire does the actions of a decision that is pending.
func (e *Engine) fire(ctx context.Context, t timer.Timer) error {
	id, err := uuid.Parse(t.Key)
	if err != nil {
		return err
	}
	d, err := Decisions.Get(ctx, e.db, t.Tenant, id)
	if err != nil {
		return err
	}
	s, alive, err := e.deciding(ctx, t.Tenant, d)
	if err != nil {
		return err
	}
	return e.once(ctx, t, d, s, func(u *record.Unit) error {
		if !alive {
			return errLapsed
		}
		return e.act(u, s, d)
	})
}

// errLapsed says that the rule holds no more.
var errLapsed = errs.Refused("RULE_NOT_IN_FORCE", "the rule was retired before it fired")

// deciding answers the version that decided, and whether its rule is still active.
func (e *Engine) deciding(ctx context.Context, tenant uuid.UUID, d *decision) (s *standing, alive bool, err error) {
	rows, err := e.db.System.Query(ctx, "SELECT "+definitionColumns+`
		FROM rule_definition WHERE tenant = $1 AND rule = $2 AND (version = $3 OR mode = 2)`, tenant, d.Rule, d.Version)
	if err != nil {
		return nil, false, err
	}
	found, err := pgx.CollectRows(rows, scanDefinition)
	if err != nil {
		return nil, false, err
	}
	for _, of := range found {
		alive = alive || of.mode == active
		if of.version == d.Version {
			p, err := e.program(of)
			if err != nil {
				return nil, false, err
			}
			s = &standing{definition: of, program: p}
		}
	}
	if s == nil {
		return nil, false, fmt.Errorf("rules: version %d of %s is not known", d.Version, d.Rule)
	}
	return s, alive, nil
}

// together takes a timer, decides and acts in one transaction. Decide answers no decision
// where there is nothing to decide.
func (e *Engine) together(ctx context.Context, t timer.Timer, decide func(u *record.Unit) (*decision, *definition, error)) error {
	id := entity.NewID()
	var d *decision
	var s *standing
	caused := call.With(ctx, call.Info{Causation: id.String(), Correlation: id.String()})
	_, err := record.Write(caused, e.db, e.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		d, s = nil, nil
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		decided, of, err := decide(u)
		if err != nil || decided == nil {
			return &emptypb.Empty{}, err
		}
		p, err := e.program(of)
		if err != nil {
			return nil, err
		}
		d, s = decided, &standing{definition: of, program: p}
		d.ID, d.Correlation = id, id.String()
		var kept bool
		if err := u.Read(func(b *pgx.Batch) { d.queue(b, t.Tenant, &kept) }); err != nil || !kept || d.Outcome != pending {
			return &emptypb.Empty{}, err
		}
		return &emptypb.Empty{}, e.act(u, s, d)
	})
	return e.settle(ctx, t, d, s, err)
}

// once takes a timer and does the work of a decision in one transaction.
func (e *Engine) once(ctx context.Context, t timer.Timer, d *decision, s *standing, work func(u *record.Unit) error) error {
	caused := call.With(ctx, call.Info{Causation: d.ID.String(), Correlation: d.Correlation})
	_, err := record.Write(caused, e.db, e.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		return &emptypb.Empty{}, work(u)
	})
	return e.settle(ctx, t, d, s, err)
}

// act does the actions of a decision and tells of it.
func (e *Engine) act(u *record.Unit, s *standing, d *decision) error {
	k, err := e.kind(s.rule.GetKind())
	if err != nil {
		return err
	}
	for _, a := range s.rule.GetActions() {
		action, ok := k.Actions[a.GetAction()]
		if !ok {
			return errs.Refused("ACTION_UNKNOWN", "this release has no such action")
		}
		if err := action.Do(u, d.Resource, a.GetParameters()); err != nil {
			return err
		}
	}
	now := e.instant()
	d.Outcome, d.DecideTime = fired, &now
	return e.tell(u, d)
}

func (e *Engine) instant() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// tell writes the outcome of a decision and the event that it fired.
func (e *Engine) tell(u *record.Unit, d *decision) error {
	var contacts []uuid.UUID
	key := d.ID
	if d.Contact != nil {
		contacts, key = []uuid.UUID{*d.Contact}, *d.Contact
	}
	ctx := call.With(context.Background(), call.Info{Causation: d.ID.String(), Correlation: d.Correlation})
	events, err := e.log.Prepare(ctx, u.Tenant(), eventlog.Aggregate{Name: decisionNames + d.ID.String(), Partition: entity.Partition(u.Tenant(), key)},
		[]eventlog.Draft{{Payload: e.fired(d.message()), Contacts: contacts}})
	if err != nil {
		return err
	}
	u.Queue(func(b *pgx.Batch) {
		d.update(b, u.Tenant())
		e.log.Queue(b, events)
	})
	return nil
}

// update queues writing the outcome of a decision.
func (d *decision) update(b *pgx.Batch, tenant uuid.UUID) {
	b.Queue("UPDATE rule_decision SET outcome = $3, decide_time = $4, reason = $5 WHERE tenant = $1 AND id = $2", tenant, d.ID, d.Outcome, d.DecideTime, d.Reason)
}

// settle notes that the actions of a decision failed, for a reason that does not go
// away: the rule is parked then, unless it is only the resource that cannot be changed.
func (e *Engine) settle(ctx context.Context, t timer.Timer, d *decision, s *standing, cause error) error {
	if cause == nil {
		if e.log.Wake != nil {
			e.log.Wake()
		}
		return nil
	}
	switch code := errs.Code(cause); {
	case d == nil || code == codes.Unknown || code == codes.Internal || code == codes.Unavailable || code == codes.Aborted ||
		code == codes.ResourceExhausted || code == codes.DeadlineExceeded || code == codes.Canceled:
		return cause // the timer tries again
	case code == codes.FailedPrecondition || code == codes.NotFound:
		d.Outcome = lapsed
	default:
		d.Outcome = failed
	}
	now := e.instant()
	d.Reason, d.DecideTime = "an action was refused: "+errs.Reason(cause), &now
	_, err := record.Write(ctx, e.db, e.log, t.Tenant, func(u *record.Unit) (*emptypb.Empty, error) {
		taken, err := timer.Take(u, t)
		if err != nil || !taken {
			return &emptypb.Empty{}, err
		}
		u.Queue(func(b *pgx.Batch) {
			var kept bool
			d.queue(b, t.Tenant, &kept)
			d.update(b, t.Tenant)
			if d.Outcome == failed {
				park(b, s.definition, d.Reason)
			}
		})
		return &emptypb.Empty{}, nil
	})
	return err
}

// currentIn answers the version of a rule in a mode, ready to be evaluated; nil where
// there is none.
func (e *Engine) currentIn(u *record.Unit, tenant, rule uuid.UUID, in mode) (*standing, error) {
	var d *definition
	if err := u.Read(func(b *pgx.Batch) { queueCurrent(b, tenant, rule, in, &d) }); err != nil || d == nil {
		return nil, err
	}
	p, err := e.program(d)
	if err != nil {
		return nil, err
	}
	return &standing{definition: d, program: p}, nil
}
