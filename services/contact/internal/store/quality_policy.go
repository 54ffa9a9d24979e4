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
	"github.com/lingkar-crm/lingkar/services/contact/internal/quality"
)

// qualityPolicyName is what a tenant's one policy is called.
const qualityPolicyName = "qualityPolicy"

var qualityPolicyTable = postgres.NewTable[quality.Policy](postgres.Def{Name: "quality_policy", Kind: "quality policy"})

func qualityPolicyStore(db *postgres.DB, log *eventlog.Log) *record.Store[quality.Policy, *contactv1.QualityPolicy] {
	return &record.Store[quality.Policy, *contactv1.QualityPolicy]{
		DB: db, Log: log, Table: qualityPolicyTable, Kind: "quality policy", Collection: "qualityPolicies",
		Meta:  func(p *quality.Policy) *entity.Meta { return &p.Meta },
		Proto: qualityPolicyProto, Fill: fillQualityPolicy, Event: qualityPolicyEvent,
	}
}

// QualityPolicy answers the tenant's policy, or the one of the defaults.
func (s *Store) QualityPolicy(ctx context.Context, tenant uuid.UUID) (*quality.Policy, error) {
	return s.QualityPolicies.Single(ctx, tenant, quality.Default())
}

// ReadQualityPolicy is QualityPolicy, worded as the answer.
func (s *Store) ReadQualityPolicy(ctx context.Context, tenant uuid.UUID) (*contactv1.QualityPolicy, error) {
	p, err := s.QualityPolicy(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return qualityPolicyProto(p), nil
}

// UpdateQualityPolicy writes the fields that the mask names, into the defaults where
// nobody has written any.
func (s *Store) UpdateQualityPolicy(ctx context.Context, tenant uuid.UUID, p *contactv1.QualityPolicy, mask *fieldmaskpb.FieldMask) (*contactv1.QualityPolicy, error) {
	return s.QualityPolicies.UpdateSingle(ctx, tenant, quality.Default, p, mask)
}

func qualityPolicyProto(p *quality.Policy) *contactv1.QualityPolicy {
	answer := &contactv1.QualityPolicy{
		Name: qualityPolicyName, PersonWeights: weights[int, int32](p.Person), OrganisationWeights: weights[int, int32](p.Organisation), FreshDays: p.FreshDays,
		CompletenessWeight: p.Completeness, FreshnessWeight: p.Freshness, RelevanceWeight: p.Relevance,
		UsedFields: p.UsedFields, Etag: p.Etag(),
	}
	if !p.CreateTime.IsZero() {
		answer.CreateTime, answer.UpdateTime = timestamppb.New(p.CreateTime), timestamppb.New(p.UpdateTime)
	}
	return answer
}

func weights[A, B int | int32](of map[string]A) map[string]B {
	all := make(map[string]B, len(of))
	for name, weight := range of {
		all[name] = B(weight)
	}
	return all
}

// fillQualityPolicy takes the defaults for what is not given.
func fillQualityPolicy(row *quality.Policy, p *contactv1.QualityPolicy) error {
	row.Person, row.Organisation = weights[int32, int](p.GetPersonWeights()), weights[int32, int](p.GetOrganisationWeights())
	row.FreshDays, row.UsedFields = p.GetFreshDays(), p.GetUsedFields()
	row.Completeness, row.Freshness, row.Relevance = p.GetCompletenessWeight(), p.GetFreshnessWeight(), p.GetRelevanceWeight()
	row.Complete()
	r := &fields.Reader{In: "quality_policy"}
	r.Add(row.Check()...)
	return r.Err()
}

func qualityPolicyEvent(p *quality.Policy, e entity.Event) eventlog.Draft {
	payload := &contactv1.QualityPolicyUpdated{QualityPolicy: qualityPolicyProto(p)}
	if updated, ok := e.(entity.Updated); ok {
		payload.Paths = updated.Paths
	}
	return eventlog.Draft{Payload: payload}
}
