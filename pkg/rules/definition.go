package rules

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lingkar-crm/lingkar/pkg/timer"
	eventv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/event/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

// mode is what effect a version has.
type mode int16

// The modes.
const (
	off mode = iota
	preview
	active
)

// definition is a version of a rule that is or was in force.
type definition struct {
	tenant, id uuid.UUID
	version    int64
	kind       string
	mode       mode
	spec       []byte
	parked     string
}

const definitionColumns = "tenant, rule, version, kind, mode, spec, parked"

func scanDefinition(row pgx.CollectableRow) (*definition, error) {
	d := &definition{}
	return d, row.Scan(&d.tenant, &d.id, &d.version, &d.kind, &d.mode, &d.spec, &d.parked)
}

// order sorts rules as they are looked at: by priority, then by age.
func order(a, b *program) int {
	return cmp.Or(cmp.Compare(b.rule.GetPriority(), a.rule.GetPriority()), cmp.Compare(a.rule.GetName(), b.rule.GetName()))
}

// tells says that an event is about a rule.
func tells(e *eventv1.Event) bool { return strings.HasPrefix(e.GetAggregate(), ruleNames) }

const ruleNames = "rules/"

// learn keeps what an event of area platform says of a rule. A rule of a kind that this
// service does not have is none of its business.
func (e *Engine) learn(ctx context.Context, tx pgx.Tx, event *eventv1.Event) error {
	rule, err := ruleOf(event)
	if err != nil {
		return err
	}
	if _, ours := e.kinds[rule.GetKind()]; !ours {
		return nil
	}
	tenant, err := uuid.Parse(strings.TrimPrefix(event.GetTenant(), "tenants/"))
	if err != nil {
		return err
	}
	id, err := uuid.Parse(strings.TrimPrefix(rule.GetName(), ruleNames))
	if err != nil {
		return err
	}
	spec, err := proto.MarshalOptions{Deterministic: true}.Marshal(rule)
	if err != nil {
		return err
	}
	now, soon := modes(rule)
	b := &pgx.Batch{}
	if rule.GetState() == platformv1.RuleState_RULE_STATE_PREVIEW || rule.GetState() == platformv1.RuleState_RULE_STATE_ACTIVE {
		b.Queue(`
			INSERT INTO rule_definition (tenant, rule, version, kind, mode, spec) VALUES ($1, $2, $3, $4, 0, $5)
			ON CONFLICT ON CONSTRAINT rule_definition_pkey DO NOTHING`, tenant, id, rule.GetVersion(), rule.GetKind(), spec)
	}
	b.Queue(`
		UPDATE rule_definition SET mode = CASE version WHEN $3 THEN 2 WHEN $4 THEN 1 ELSE 0 END
		WHERE tenant = $1 AND rule = $2`, tenant, id, now, soon)
	b.Queue("DELETE FROM rule_state WHERE tenant = $1 AND rule = $2 AND (NOT preview AND $3 = 0 OR preview AND $4 = 0)", tenant, id, now, soon)
	e.begin(b, tenant, id, rule, event)
	return tx.SendBatch(ctx, b).Close()
}

// modes answers the versions that are active and in preview after a change; 0 for none.
func modes(rule *platformv1.Rule) (now, soon int64) {
	if rule.GetDeleteTime() != nil {
		return 0, 0
	}
	if rule.GetState() == platformv1.RuleState_RULE_STATE_PREVIEW {
		soon = rule.GetVersion()
	}
	return rule.GetActiveVersion(), soon
}

// begin arms what a version that came into force begins with: looking at all resources
// where its trigger needs that, and at what waited for it.
func (e *Engine) begin(b *pgx.Batch, tenant, id uuid.UUID, rule *platformv1.Rule, event *eventv1.Event) {
	var fresh mode
	switch string(event.GetPayload().MessageName().Name()) {
	case "RulePreviewStarted":
		fresh = preview
	case "RuleCommitted", "RuleRolledBack":
		fresh = active
		timer.Arm(b, timer.Timer{Tenant: tenant, Kind: retryTimer, Key: id.String(), Due: event.GetRecordedAt().AsTime()})
	default:
		return
	}
	s := sweepState{Rule: id, Version: rule.GetVersion(), Preview: fresh == preview, At: event.GetRecordedAt().AsTime()}
	switch rule.GetTrigger().GetWhen().(type) {
	case *platformv1.RuleTrigger_Schedule:
		p, err := e.compile(rule)
		if err != nil {
			return // it was checked when it was saved; a release that knows less leaves it
		}
		s.At = p.next(s.At)
	case *platformv1.RuleTrigger_StateDuration:
	default:
		return
	}
	timer.Arm(b, s.timer(tenant))
}

func ruleOf(event *eventv1.Event) (*platformv1.Rule, error) {
	payload, err := event.GetPayload().UnmarshalNew()
	if err != nil {
		return nil, fmt.Errorf("rules: event %s: %w", event.GetId(), err)
	}
	m := payload.ProtoReflect()
	f := m.Descriptor().Fields().ByName(protoreflect.Name("rule"))
	if f == nil {
		return nil, fmt.Errorf("rules: event %s carries no rule", event.GetId())
	}
	rule, ok := m.Get(f).Message().Interface().(*platformv1.Rule)
	if !ok {
		return nil, fmt.Errorf("rules: event %s carries no rule", event.GetId())
	}
	return rule, nil
}

// inForce answers the rules of tenants that are in force and not parked, and those that
// are parked, in the order in which they are looked at.
func (e *Engine) inForce(ctx context.Context, tx pgx.Tx, tenants []uuid.UUID) (map[uuid.UUID][]*standing, error) {
	rows, err := tx.Query(ctx, "SELECT "+definitionColumns+" FROM rule_definition WHERE tenant = ANY ($1) AND mode > 0", tenants)
	if err != nil {
		return nil, err
	}
	definitions, err := pgx.CollectRows(rows, scanDefinition)
	if err != nil {
		return nil, err
	}
	all := map[uuid.UUID][]*standing{}
	for _, d := range definitions {
		p, err := e.program(d)
		if err != nil {
			e.logger.ErrorContext(ctx, "a rule in force cannot be compiled", "rule", d.id, "version", d.version, "cause", err.Error())
			continue
		}
		all[d.tenant] = append(all[d.tenant], &standing{definition: d, program: p})
	}
	for _, of := range all {
		slices.SortFunc(of, func(a, b *standing) int {
			return cmp.Or(order(a.program, b.program), cmp.Compare(a.mode, b.mode), bytes.Compare(a.id[:], b.id[:]))
		})
	}
	return all, nil
}

// Reads answers the fields of a kind that the conditions of a tenant's active rules read,
// by their first names.
func (e *Engine) Reads(ctx context.Context, tenant uuid.UUID, kind string) (names []string, err error) {
	definitions, err := e.active(ctx, tenant, kind)
	if err != nil {
		return nil, err
	}
	for _, d := range definitions {
		p, err := e.program(d)
		if err != nil {
			continue // it was told of when it was to be evaluated
		}
		for _, of := range p.paths {
			names = append(names, of[0])
		}
	}
	return names, nil
}

// standing is a version in force, ready to be evaluated.
type standing struct {
	*definition
	*program
}

// current is the version of a rule in a mode, nil where there is none, read within a
// batch.
func queueCurrent(b *pgx.Batch, tenant, rule uuid.UUID, in mode, into **definition) {
	b.Queue("SELECT "+definitionColumns+" FROM rule_definition WHERE tenant = $1 AND rule = $2 AND mode = $3", tenant, rule, in).
		Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scanDefinition)
			if len(found) > 0 {
				*into = found[0]
			}
			return err
		})
}

// park takes a version out of evaluation until a next one is given effect.
func park(b *pgx.Batch, d *definition, reason string) {
	b.Queue("UPDATE rule_definition SET parked = $4 WHERE tenant = $1 AND rule = $2 AND version = $3 AND parked = ''", d.tenant, d.id, d.version, reason)
}

// object is JSON for a column.
func object(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("rules: " + err.Error()) // maps and lists of texts always marshal
	}
	return text
}

// sweepState is how far a look at all resources has come.
type sweepState struct {
	Rule    uuid.UUID `json:"rule"`
	Version int64     `json:"version"`
	Preview bool      `json:"preview"`
	// At is the time that was due, or from which states count.
	At time.Time `json:"at"`
	// Token is where the next page begins.
	Token string `json:"token,omitempty"`
}

func (s sweepState) timer(tenant uuid.UUID) timer.Timer {
	return timer.Timer{
		Tenant: tenant, Kind: sweepTimer, Key: fmt.Sprintf("%s/%d/%t", s.Rule, s.Version, s.Preview), Due: s.At, Payload: object(s),
	}
}
