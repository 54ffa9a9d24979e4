package store

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
	"github.com/lingkar-crm/lingkar/services/contact/internal/identity"
)

// policyName is what a tenant's one policy is called.
const policyName = "identityPolicy"

var policyTable = postgres.NewTable[identity.Policy](postgres.Def{Name: "identity_policy", Kind: "identity policy"})

func policyStore(db *postgres.DB, log *eventlog.Log) *record.Store[identity.Policy, *contactv1.IdentityPolicy] {
	return &record.Store[identity.Policy, *contactv1.IdentityPolicy]{
		DB: db, Log: log, Table: policyTable, Kind: "identity policy", Collection: "identityPolicies",
		Meta:  func(p *identity.Policy) *entity.Meta { return &p.Meta },
		Proto: policyProto, Fill: fillPolicy, Event: policyEvent,
	}
}

// Policy answers the tenant's policy, or the one of the defaults.
func (s *Store) Policy(ctx context.Context, tenant uuid.UUID) (*identity.Policy, error) {
	return s.Policies.Single(ctx, tenant, identity.Default())
}

// ReadPolicy is Policy, worded as the answer.
func (s *Store) ReadPolicy(ctx context.Context, tenant uuid.UUID) (*contactv1.IdentityPolicy, error) {
	p, err := s.Policy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return policyProto(p), nil
}

// UpdatePolicy writes the fields that the mask names, into the defaults where nobody
// has written any.
func (s *Store) UpdatePolicy(ctx context.Context, tenant uuid.UUID, p *contactv1.IdentityPolicy, mask *fieldmaskpb.FieldMask) (*contactv1.IdentityPolicy, error) {
	return s.Policies.UpdateSingle(ctx, tenant, identity.Default, p, mask)
}

func policyProto(p *identity.Policy) *contactv1.IdentityPolicy {
	answer := &contactv1.IdentityPolicy{
		Name: policyName, DuplicateMode: contactv1.DuplicateMode(p.Mode), ProbableScore: p.ProbableScore, Etag: p.Etag(),
		TrustedSources: p.TrustedSources, Version: p.Seq,
	}
	for _, r := range p.Rules {
		answer.SurvivorshipRules = append(answer.SurvivorshipRules, &contactv1.SurvivorshipRule{
			Field: r.Field, Strategy: contactv1.SurvivorshipStrategy(r.Strategy),
		})
	}
	if !p.CreateTime.IsZero() {
		answer.CreateTime, answer.UpdateTime = timestamppb.New(p.CreateTime), timestamppb.New(p.UpdateTime)
	}
	return answer
}

// fillPolicy takes the defaults for what is not given.
func fillPolicy(row *identity.Policy, p *contactv1.IdentityPolicy) error {
	defaults := identity.Default()
	row.Mode, row.ProbableScore = identity.Mode(p.GetDuplicateMode()), p.GetProbableScore()
	if row.Mode == 0 {
		row.Mode = defaults.Mode
	}
	if row.ProbableScore == 0 {
		row.ProbableScore = defaults.ProbableScore
	}
	row.Rules, row.TrustedSources = nil, nil
	for _, rule := range p.GetSurvivorshipRules() {
		row.Rules = append(row.Rules, identity.Rule{Field: rule.GetField(), Strategy: identity.Strategy(rule.GetStrategy())})
	}
	r := &fields.Reader{In: "identity_policy"}
	for i, source := range p.GetTrustedSources() {
		row.TrustedSources = append(row.TrustedSources, r.RequiredLine(fields.Index("trusted_sources", i), source))
	}
	r.Add(row.Check()...)
	return r.Err()
}

// policyEvent words that the policy was written, for the first time or again.
func policyEvent(p *identity.Policy, e entity.Event) eventlog.Draft {
	payload := &contactv1.IdentityPolicyUpdated{IdentityPolicy: policyProto(p)}
	if updated, ok := e.(entity.Updated); ok {
		payload.Paths = updated.Paths
	}
	return eventlog.Draft{Payload: payload}
}
