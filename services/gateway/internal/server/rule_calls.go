package server

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/record"
	platformv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/platform/v1"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/rule"
	"github.com/lingkar-crm/lingkar/services/gateway/internal/store"
)

// errRuleChanged is for a rule that another change made other than what was checked.
var errRuleChanged = errs.Aborted("RULE_CHANGED", "the rule was changed meanwhile: try again")

// Runner is the service that runs the rules about some kinds of resources. The clients
// that the generator makes of each area's RuleEngineService implement it.
type Runner interface {
	CheckRule(context.Context, *platformv1.CheckRuleRequest, ...grpc.CallOption) (*platformv1.CheckRuleResponse, error)
	TryRule(context.Context, *platformv1.TryRuleRequest, ...grpc.CallOption) (*platformv1.TestRuleResponse, error)
	BackTestRule(context.Context, *platformv1.BackTestRuleRequest, ...grpc.CallOption) (*platformv1.SimulateRuleResponse, error)
	GetRuleActivity(context.Context, *platformv1.GetRuleActivityRequest, ...grpc.CallOption) (*platformv1.RuleActivity, error)
	ListRuleDecisions(context.Context, *platformv1.ListRuleDecisionsRequest, ...grpc.CallOption) (*platformv1.ListRuleDecisionsResponse, error)
	ExplainDecision(context.Context, *platformv1.ExplainDecisionRequest, ...grpc.CallOption) (*platformv1.ExplainDecisionResponse, error)
}

// runner answers who runs the rules of a kind.
func (s *Server) runner(kind string) (Runner, error) {
	if r, ok := s.runners[kind]; ok {
		return r, nil
	}
	return nil, errs.Invalid("rule.kind", "RULE_INVALID", "no service has rules about this kind of resource")
}

// check has a rule checked by who runs it.
func (s *Server) check(ctx context.Context, p *platformv1.Rule) error {
	r, err := s.runner(p.GetKind())
	if err != nil {
		return err
	}
	_, err = r.CheckRule(ctx, &platformv1.CheckRuleRequest{Rule: p})
	return err
}

// CreateRule implements platformv1.RuleServiceServer.
func (s *Server) CreateRule(ctx context.Context, req *platformv1.CreateRuleRequest) (*platformv1.Rule, error) {
	if err := s.check(ctx, req.GetRule()); err != nil {
		return nil, err
	}
	return s.rules.Create(ctx, auth.From(ctx).Tenant, req.GetRuleId(), req.GetRule())
}

// GetRule implements platformv1.RuleServiceServer.
func (s *Server) GetRule(ctx context.Context, req *platformv1.GetRuleRequest) (*platformv1.Rule, error) {
	return s.rules.Read(ctx, auth.From(ctx).Tenant, req.GetName())
}

// ListRules implements platformv1.RuleServiceServer.
func (s *Server) ListRules(ctx context.Context, req *platformv1.ListRulesRequest) (*platformv1.ListRulesResponse, error) {
	list, next, err := s.rules.List(ctx, auth.From(ctx).Tenant, req)
	return &platformv1.ListRulesResponse{Rules: list, NextPageToken: next}, err
}

// UpdateRule implements platformv1.RuleServiceServer. What the rule would be is checked
// first: who runs it is another service, and cannot be asked within a transaction.
func (s *Server) UpdateRule(ctx context.Context, req *platformv1.UpdateRuleRequest) (*platformv1.Rule, error) {
	tenant := auth.From(ctx).Tenant
	found, err := s.rules.Get(ctx, tenant, req.GetRule().GetName())
	if err != nil {
		return nil, record.At("rule.name", err)
	}
	would, err := record.Overlay(ruleMessage(found), req.GetRule(), req.GetUpdateMask())
	if err != nil {
		return nil, err
	}
	trial := *found
	if !found.Deleted() {
		if err := fillRule(&trial, would); err != nil {
			return nil, err
		}
		if err := s.check(ctx, ruleMessage(&trial)); err != nil {
			return nil, err
		}
	}
	return record.Write(ctx, s.db, s.log, tenant, func(u *record.Unit) (*platformv1.Rule, error) {
		return s.updateRule(u, &trial, req)
	})
}

// updateRule writes a rule that was checked, or refuses to where it would say what nobody
// checked.
func (s *Server) updateRule(u *record.Unit, checked *rule.Rule, req *platformv1.UpdateRuleRequest) (*platformv1.Rule, error) {
	rows, err := s.rules.LockAllIn(u, []uuid.UUID{checked.ID})
	if err != nil {
		return nil, err
	}
	r := rows[checked.ID]
	if r == nil {
		return nil, s.rules.Table.NotFound(checked.ID)
	}
	before := *r
	if err := s.rules.UpdateIn(u, r, req.GetRule(), req.GetUpdateMask()); err != nil {
		return nil, err
	}
	if !r.SaysAs(&before) && !r.SaysAs(checked) {
		return nil, errRuleChanged
	}
	return ruleMessage(r), nil
}

// DeleteRule implements platformv1.RuleServiceServer.
func (s *Server) DeleteRule(ctx context.Context, req *platformv1.DeleteRuleRequest) (*platformv1.Rule, error) {
	return s.changeRule(ctx, req, func(r *rule.Rule) ([]entity.Event, error) {
		return r.Delete(s.now().UTC().Truncate(time.Microsecond))
	})
}

// UndeleteRule implements platformv1.RuleServiceServer.
func (s *Server) UndeleteRule(ctx context.Context, req *platformv1.UndeleteRuleRequest) (*platformv1.Rule, error) {
	return s.rules.Undelete(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag())
}

// changes is a request that changes one rule.
type changes interface {
	GetName() string
	GetEtag() string
}

func (s *Server) changeRule(ctx context.Context, req changes, change func(*rule.Rule) ([]entity.Event, error)) (*platformv1.Rule, error) {
	return s.rules.Change(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetEtag(), change)
}

// StartRulePreview implements platformv1.RuleServiceServer. What is put into preview is
// exactly what was checked.
func (s *Server) StartRulePreview(ctx context.Context, req *platformv1.StartRulePreviewRequest) (*platformv1.Rule, error) {
	checked, err := s.rules.Read(ctx, auth.From(ctx).Tenant, req.GetName())
	if err != nil {
		return nil, err
	}
	if checked.GetState() == platformv1.RuleState_RULE_STATE_DRAFT {
		if err := s.check(ctx, checked); err != nil {
			return nil, err
		}
	}
	return s.changeRule(ctx, req, func(r *rule.Rule) ([]entity.Event, error) {
		if r.State == rule.Draft && r.Etag() != checked.GetEtag() {
			return nil, errRuleChanged
		}
		return r.StartPreview()
	})
}

// CommitRule implements platformv1.RuleServiceServer.
func (s *Server) CommitRule(ctx context.Context, req *platformv1.CommitRuleRequest) (*platformv1.Rule, error) {
	return s.changeRule(ctx, req, (*rule.Rule).Commit)
}

// RetireRule implements platformv1.RuleServiceServer.
func (s *Server) RetireRule(ctx context.Context, req *platformv1.RetireRuleRequest) (*platformv1.Rule, error) {
	return s.changeRule(ctx, req, (*rule.Rule).Retire)
}

// RollbackRule implements platformv1.RuleServiceServer. A version never changes, so it
// can be read before.
func (s *Server) RollbackRule(ctx context.Context, req *platformv1.RollbackRuleRequest) (*platformv1.Rule, error) {
	versions, err := s.versions(ctx, req.GetName(), req.GetVersion())
	if err != nil {
		return nil, err
	}
	return s.changeRule(ctx, req, func(r *rule.Rule) ([]entity.Event, error) {
		if len(versions) == 0 || !versions[0].WasActive {
			return nil, errs.NotFound("rule version", "")
		}
		old, err := contentOf(versions[0])
		if err != nil {
			return nil, err
		}
		return r.RollBack(objectOf(specOf(old)))
	})
}

// versions answers those of a rule that the caller's tenant has.
func (s *Server) versions(ctx context.Context, name string, number int64) ([]store.Version, error) {
	id, err := s.rules.ParseName(name)
	if err != nil {
		return nil, err
	}
	return store.Versions(ctx, s.db, auth.From(ctx).Tenant, id, number)
}

func contentOf(v store.Version) (*platformv1.Rule, error) {
	p := &platformv1.Rule{}
	err := protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(v.Content, p)
	return p, err
}

// ListRuleVersions implements platformv1.RuleServiceServer.
func (s *Server) ListRuleVersions(ctx context.Context, req *platformv1.ListRuleVersionsRequest) (*platformv1.ListRuleVersionsResponse, error) {
	if _, err := s.rules.Read(ctx, auth.From(ctx).Tenant, req.GetName()); err != nil {
		return nil, err
	}
	versions, err := s.versions(ctx, req.GetName(), 0)
	if err != nil {
		return nil, err
	}
	resp := &platformv1.ListRuleVersionsResponse{}
	for _, v := range versions {
		content, err := contentOf(v)
		if err != nil {
			return nil, err
		}
		resp.Versions = append(resp.Versions, &platformv1.RuleVersion{
			Version: v.Number, State: platformv1.RuleState(v.State), Rule: content, StateTime: timestamppb.New(v.StateTime),
		})
	}
	return resp, nil
}

// stored answers the rule of a name, or the one that is given, and who runs it.
func (s *Server) stored(ctx context.Context, name string, given *platformv1.Rule) (*platformv1.Rule, Runner, error) {
	if given == nil {
		var err error
		if given, err = s.rules.Read(ctx, auth.From(ctx).Tenant, name); err != nil {
			return nil, nil, err
		}
	}
	r, err := s.runner(given.GetKind())
	return given, r, err
}

// TestRule implements platformv1.RuleServiceServer.
func (s *Server) TestRule(ctx context.Context, req *platformv1.TestRuleRequest) (*platformv1.TestRuleResponse, error) {
	p, r, err := s.stored(ctx, req.GetName(), req.GetRule())
	if err != nil {
		return nil, err
	}
	try := &platformv1.TryRuleRequest{Rule: p}
	if req.GetInline() != nil {
		try.Sample = &platformv1.TryRuleRequest_Inline{Inline: req.GetInline()}
	} else {
		try.Sample = &platformv1.TryRuleRequest_Resource{Resource: req.GetResource()}
	}
	return r.TryRule(ctx, try)
}

// SimulateRule implements platformv1.RuleServiceServer.
func (s *Server) SimulateRule(ctx context.Context, req *platformv1.SimulateRuleRequest) (*platformv1.SimulateRuleResponse, error) {
	p, r, err := s.stored(ctx, req.GetName(), req.GetRule())
	if err != nil {
		return nil, err
	}
	return r.BackTestRule(ctx, &platformv1.BackTestRuleRequest{Rule: p, FromTime: req.GetFromTime(), ToTime: req.GetToTime()})
}

// GetRuleActivity implements platformv1.RuleServiceServer.
func (s *Server) GetRuleActivity(ctx context.Context, req *platformv1.GetRuleActivityRequest) (*platformv1.RuleActivity, error) {
	_, r, err := s.stored(ctx, req.GetName(), nil)
	if err != nil {
		return nil, err
	}
	return r.GetRuleActivity(ctx, req)
}

// ListRuleDecisions implements platformv1.RuleServiceServer.
func (s *Server) ListRuleDecisions(ctx context.Context, req *platformv1.ListRuleDecisionsRequest) (*platformv1.ListRuleDecisionsResponse, error) {
	_, r, err := s.stored(ctx, req.GetName(), nil)
	if err != nil {
		return nil, err
	}
	return r.ListRuleDecisions(ctx, req)
}

// ExplainDecision implements platformv1.RuleServiceServer. An event is of one area: who
// runs rules there knows it.
func (s *Server) ExplainDecision(ctx context.Context, req *platformv1.ExplainDecisionRequest) (*platformv1.ExplainDecisionResponse, error) {
	err := error(errs.NotFound("decision", ""))
	asked := map[Runner]bool{}
	for _, r := range s.runners {
		if asked[r] {
			continue
		}
		asked[r] = true
		resp, failed := r.ExplainDecision(ctx, req)
		if failed == nil {
			return resp, nil
		}
		if errs.Reason(failed) != "DECISION_NOT_FOUND" {
			err = failed
		}
	}
	return nil, err
}
