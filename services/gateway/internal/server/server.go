// Package server serves area platform: tenants, members, teams, roles, API keys,
// exchange rates, rules, rules about fields, saved views and webhooks. The doors through
// which callers reach this and the other areas are the packages below it.
package server

import (
	"context"
	"maps"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/kek"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/apikey"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/fieldrule"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/member"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rate"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rule"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/savedview"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/server/views"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/team"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/tenant"
)

// Server answers the RPCs of area platform.
type Server struct {
	platformv1.UnimplementedTenantServiceServer
	platformv1.UnimplementedMemberServiceServer
	platformv1.UnimplementedTeamServiceServer
	platformv1.UnimplementedRoleServiceServer
	platformv1.UnimplementedApiKeyServiceServer
	platformv1.UnimplementedExchangeRateServiceServer
	platformv1.UnimplementedRuleServiceServer
	platformv1.UnimplementedFieldRuleServiceServer
	platformv1.UnimplementedSavedViewServiceServer
	platformv1.UnimplementedWebhookEndpointServiceServer
	platformv1.UnimplementedWebhookDeliveryServiceServer

	db      *postgres.DB
	log     *eventlog.Log
	now     func() time.Time
	changed func(of uuid.UUID)

	tenants, directory *record.Store[tenant.Tenant, *platformv1.Tenant]
	members            *record.Store[member.Member, *platformv1.Member]
	teams              *record.Store[team.Team, *platformv1.Team]
	keys               *record.Store[apikey.Key, *platformv1.ApiKey]
	rates              *record.Store[rate.Rate, *platformv1.ExchangeRate]
	rules              *record.Store[rule.Rule, *platformv1.Rule]
	// runners are who runs the rules about each kind of resource.
	runners    map[string]Runner
	fieldRules *record.Store[fieldrule.Rule, *platformv1.FieldRule]
	views      *record.Store[savedview.View, *platformv1.SavedView]
	// tryView answers what the list of a view refuses, asked as the caller.
	tryView func(ctx context.Context, v *savedview.View) error
	hooks   Webhooks
}

// Webhooks is what the RPCs of webhooks need.
type Webhooks struct {
	// Endpoints keeps the receivers, Seal their secrets.
	Endpoints *Endpoints
	Seal      *kek.Wrapper
	// Recipients tells who has a contract on file.
	Recipients contactv1.DisclosureServiceClient
}

// New makes a server. Now is the clock. Changed is told what a caller's standing
// follows from, after a change: a key, or the tenant of a member. Runners are who runs
// the rules about each kind of resource. Dial answers the connection to an area, whose
// lists saved views are tried on.
func New(db *postgres.DB, log *eventlog.Log, now func() time.Time, changed func(of uuid.UUID), runners map[string]Runner, dial views.Dial, hooks Webhooks) *Server {
	return &Server{
		db: db, log: log, now: now, changed: changed,
		tenants: tenants(db, log), directory: directory(db, log),
		members: members(db, log), teams: teams(db, log),
		keys: keys(db, log, now), rates: rates(db, log), rules: rules(db, log), runners: runners,
		fieldRules: fieldRules(db, log), views: savedViews(db, log), hooks: hooks,
		tryView: func(ctx context.Context, v *savedview.View) error { return views.Try(ctx, dial, v) },
	}
}

// Register makes the RPCs known.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	platformv1.RegisterTenantServiceServer(r, s)
	platformv1.RegisterMemberServiceServer(r, s)
	platformv1.RegisterTeamServiceServer(r, s)
	platformv1.RegisterRoleServiceServer(r, s)
	platformv1.RegisterApiKeyServiceServer(r, s)
	platformv1.RegisterExchangeRateServiceServer(r, s)
	platformv1.RegisterRuleServiceServer(r, s)
	platformv1.RegisterFieldRuleServiceServer(r, s)
	platformv1.RegisterSavedViewServiceServer(r, s)
	platformv1.RegisterWebhookEndpointServiceServer(r, s)
	platformv1.RegisterWebhookDeliveryServiceServer(r, s)
}

// The collections of resource names.
const (
	tenantNames    = "tenants"
	memberNames    = "members"
	teamNames      = "teams"
	keyNames       = "apiKeys"
	rateNames      = "exchangeRates"
	ruleNames      = "rules"
	fieldRuleNames = "fieldRules"
	contactNames   = "contacts"
)

// untold begins the panic of an event that no rule of this area makes.
const untold = "platform: no event is worded for "

// marked is a message with external ids and labels.
type marked interface {
	GetExternalIds() map[string]string
	GetLabels() map[string]string
}

func fillMarks(m *entity.Meta, p marked) {
	m.ExternalIDs = maps.Clone(p.GetExternalIds())
	m.Labels = maps.Clone(p.GetLabels())
}

// maskOf answers what changed, for an event.
func maskOf(u entity.Updated) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: u.Paths} }

// chosenID reads the id that a client chose for a new resource, or makes one.
func chosenID(field, id string) (uuid.UUID, error) {
	if id == "" {
		return entity.NewID(), nil
	}
	parsed, ok := entity.ParseID(id)
	if !ok {
		return uuid.Nil, errs.Invalid(field, "", "must be a UUIDv7 in small letters")
	}
	return parsed, nil
}

// clone answers a message that the interceptors may prune.
func clone[M proto.Message](m M) M { return proto.Clone(m).(M) }
