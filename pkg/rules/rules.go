// Package rules runs a tenant's rules in the service whose resources they are about.
//
// Area platform keeps the rules and tells of them by events; an Engine keeps those in
// force, looks at every event of its own area, and does what they say. A rule sees the
// resource as of the event. It fires once for a rule, a resource and a breach: its match
// is noted in the transaction that moves the projection's cursor, and its actions, its
// decision and the event of it are one transaction. What a rule reads and decides is
// noted, so that the same rule and event explain and repeat the decision.
//
// A rule whose condition or action fails is parked, and what comes meanwhile waits for
// its next version: no event is lost. Rules that set each other off end at MaxDepth.
//
// Limits: rules act a moment after what they react to, never inside its transaction. A
// condition costs at most MaxCost. What happened before a service heard of a rule of
// events is not looked at.
package rules

import (
	"cmp"
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	"github.com/lingkar-crm/lingkar/pkg/service"
	"github.com/lingkar-crm/lingkar/pkg/timer"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations make the tables. They keep their version in VersionTable. A service that
// runs rules needs those of package timer too.
var Migrations = sub(files)

// VersionTable keeps the version of the tables.
const VersionTable = "rules_version"

func sub(files embed.FS) fs.FS {
	s, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	return s
}

const (
	// MaxCost bounds the evaluation of a condition, in units of cel-go: about one for
	// each step, and one for each ten characters that are compared.
	MaxCost = 10_000
	// MaxDepth is how many rules in a row may set each other off.
	MaxDepth = 5
	// MaxPerResource is how often an hour a rule fires for one resource at most.
	MaxPerResource = 100
)

// Check answers what is wrong with the parameters of an action, by their names. It is
// asked when a rule is saved.
type Check func(p *structpb.Struct) []errs.Violation

// Action is one kind of thing that rules can do to resources of a kind.
type Action struct {
	Check Check
	// Do does it, as part of the unit. An error means that the rule fails.
	Do func(u *record.Unit, resource string, p *structpb.Struct) error
}

// Kind is a kind of resource that rules can be about. Make it by KindOf.
type Kind struct {
	// Name is how rules name it, and the variable of their conditions: "contact".
	Name string
	// Collection begins the names of its resources: "contacts".
	Collection string
	// Empty is a message of its type.
	Empty proto.Message
	// Events are the full names of the events whose payload carries the resource.
	Events []string
	// Actions are what rules can do to it, by name.
	Actions map[string]Action

	get  func(ctx context.Context, tenant uuid.UUID, name string) (proto.Message, error)
	lock func(u *record.Unit, name string) (*resource, error)
	page func(ctx context.Context, tenant uuid.UUID, token string) (page []*resource, next string, err error)
	// past is set where the rules are asked; the three above are nil then.
	past Past
}

// resource is one as it is now.
type resource struct {
	name    string
	seq     int64
	contact uuid.UUID
	message proto.Message
}

// Engine runs the rules of one service. It implements the RPCs of the area's
// RuleEngineService.
type Engine struct {
	kinds map[string]Kind
	// of answers the kind of an event's type.
	of     map[string]string
	fired  func(*platformv1.RuleDecision) proto.Message
	area   string
	db     *postgres.DB
	log    *eventlog.Log
	keys   eventlog.Keys
	now    func() time.Time
	logger *slog.Logger
	timers *timer.Runner
	// kept is how long decisions are kept.
	kept time.Duration

	programs programs
}

// The kinds of timers of an engine.
const (
	fireTimer  = "rule-fire"
	stateTimer = "rule-state"
	sweepTimer = "rule-sweep"
	retryTimer = "rule-retry"
)

// New makes the engine of a service, with its handlers in the service's timers. Fired
// words the area's event that a rule fired.
func New(rt *service.Runtime, timers *timer.Runner, fired func(*platformv1.RuleDecision) proto.Message, kinds ...Kind) *Engine {
	e := &Engine{
		kinds: map[string]Kind{}, of: map[string]string{}, fired: fired, area: rt.Area,
		db: rt.DB, log: rt.Log, keys: rt.Keys, now: rt.Now, logger: rt.Logger, timers: timers,
		kept: cmp.Or(rt.RuleDecisionsKept, DecisionsKept),
	}
	for _, k := range kinds {
		e.kinds[k.Name] = k
		for _, event := range k.Events {
			e.of[event] = k.Name
		}
	}
	timers.Handlers[fireTimer] = e.fire
	timers.Handlers[stateTimer] = e.elapse
	timers.Handlers[sweepTimer] = e.sweep
	timers.Handlers[retryTimer] = e.retry
	rt.Go("old decisions", e.prune)
	return e
}

// Projection is how the engine hears of rules and of what they are about. The service
// that made the engine runs it.
func (e *Engine) Projection() eventlog.Projection {
	return eventlog.Projection{
		Name: "rules", Areas: []string{"platform", e.area}, Personal: eventlog.Sealed, Linger: linger, Apply: e.apply,
	}
}

// linger lets a projection that nobody waits for take more events at a time.
const linger = 20 * time.Millisecond
