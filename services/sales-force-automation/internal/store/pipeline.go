package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/eventlog"
	"github.com/lingkar-crm/lingkar/pkg/fields"
	"github.com/lingkar-crm/lingkar/pkg/postgres"
	"github.com/lingkar-crm/lingkar/pkg/record"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

// ErrDefaultMoved says that somebody else set the default pipeline meanwhile.
var ErrDefaultMoved = errs.Aborted("PIPELINE_DEFAULT_MOVED", "another pipeline became the default one meanwhile: read again and retry")

func newPipelines(db *postgres.DB, log *eventlog.Log) *record.Store[pipeline.Pipeline, *salesv1.Pipeline] {
	meta := func(p *pipeline.Pipeline) *entity.Meta { return &p.Meta }
	ids := externalIDs("pipeline", meta)
	return &record.Store[pipeline.Pipeline, *salesv1.Pipeline]{
		DB: db, Log: log, Kind: "pipeline", Collection: pipelines,
		Table: postgres.NewTable[pipeline.Pipeline](postgres.Def{
			Name: "pipeline", Kind: "pipeline",
			Fields: append(sharedFields(),
				postgres.Field{Path: "display_name"},
				postgres.Field{Path: "default", Column: "is_default", Type: postgres.Bool},
			),
			Orders:       [][]string{{"create_time"}, {"update_time"}},
			DefaultOrder: "create_time desc",
			Constraints: sharedConstraints(map[string]*errs.Error{
				"pipeline_one_default": ErrDefaultMoved,
				"opportunity_stage":    errs.Refused("STAGE_IN_USE", "an opportunity stands or closed in a stage that is left out: retire the stage instead"),
			}),
		}),
		Meta:  meta,
		Proto: pipelineMessage,
		Fill:  fillPipeline,
		Event: pipelineEvent,
		Extra: func(w *postgres.Writes, before, after *pipeline.Pipeline) {
			keepStages(w, before, after)
			ids(w, before, after)
		},
	}
}

// QueuePipelineOf queues reading the pipeline of a deal; found gets nil where there
// is no such deal.
func (s *Store) QueuePipelineOf(u *record.Unit, tenant, deal uuid.UUID, found func(*pipeline.Pipeline) error) {
	u.Queue(func(b *pgx.Batch) {
		s.Pipelines.Table.QueueReferred(b, tenant, s.Opportunities.Table.Def().Name, "pipeline", deal, found)
	})
}

// DefaultPipeline answers the tenant's default pipeline, nil where it has none yet.
func (s *Store) DefaultPipeline(ctx context.Context, tenant uuid.UUID) (*pipeline.Pipeline, error) {
	found, _, err := s.Pipelines.Table.List(ctx, s.DB, tenant, postgres.Query{
		PageSize: 1, Where: []postgres.Cond{postgres.Eq("is_default", true)},
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// keepStages keeps the table of stage ids that opportunities point at.
func keepStages(w *postgres.Writes, before, after *pipeline.Pipeline) {
	now := stageIDs(after)
	if before != nil {
		if slices.Equal(stageIDs(before), now) {
			return
		}
		w.Queue("DELETE FROM pipeline_stage WHERE tenant = $1 AND pipeline = $2 AND stage <> ALL ($3)", w.Tenant(), after.ID, now)
	}
	w.Queue(`
		INSERT INTO pipeline_stage (tenant, pipeline, stage)
		SELECT $1, $2, unnest($3::text[])
		ON CONFLICT DO NOTHING`, w.Tenant(), after.ID, now)
}

func stageIDs(p *pipeline.Pipeline) []string {
	ids := make([]string, len(p.Stages))
	for i, s := range p.Stages {
		ids[i] = s.ID
	}
	return ids
}

func pipelineMessage(p *pipeline.Pipeline) *salesv1.Pipeline {
	m := &salesv1.Pipeline{
		Name:         PipelineName(p.ID),
		DisplayName:  p.DisplayName,
		Default:      p.Default,
		SkipAllowed:  p.SkipAllowed,
		Owner:        p.Owner,
		Team:         p.Team,
		Source:       p.Source,
		ExternalIds:  p.ExternalIDs,
		Labels:       p.Labels,
		CustomFields: fields.Struct(p.CustomFields),
		CreateTime:   timestamppb.New(p.CreateTime),
		UpdateTime:   timestamppb.New(p.UpdateTime),
		DeleteTime:   fields.Timestamp(p.DeleteTime),
		Etag:         p.Etag(),
	}
	for _, s := range p.Stages {
		m.Stages = append(m.Stages, &salesv1.Stage{
			Id:            s.ID,
			DisplayName:   s.DisplayName,
			Kind:          salesv1.StageKind(s.Kind),
			Probability:   s.Probability,
			EntryCriteria: criteriaMessage(s.Entry),
			ExitCriteria:  criteriaMessage(s.Exit),
			Retired:       s.Retired,
		})
	}
	return m
}

func criteriaMessage(required []string) *salesv1.StageCriteria {
	if len(required) == 0 {
		return nil
	}
	return &salesv1.StageCriteria{RequiredFields: required}
}

func fillPipeline(p *pipeline.Pipeline, m *salesv1.Pipeline) error {
	r := in("pipeline")
	r.shared(&p.Meta, m)
	p.DisplayName = r.Line("display_name", m.GetDisplayName())
	p.SkipAllowed = m.GetSkipAllowed()
	p.Stages = nil
	for _, s := range m.GetStages() {
		p.Stages = append(p.Stages, pipeline.Stage{
			ID:          s.GetId(),
			DisplayName: r.Line("stages.display_name", s.GetDisplayName()),
			Kind:        pipeline.Kind(s.GetKind()),
			Probability: s.GetProbability(),
			Entry:       s.GetEntryCriteria().GetRequiredFields(),
			Exit:        s.GetExitCriteria().GetRequiredFields(),
			Retired:     s.GetRetired(),
		})
	}
	r.Add(p.Check()...)
	return r.Err()
}
