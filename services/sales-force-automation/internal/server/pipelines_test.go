package server_test

import (
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/testkit"
	salesv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/sales/v1"
)

var pipelineTests = tests{
	"pipeline there is a default":       pipelineThereIsADefault,
	"pipeline one default under a race": pipelineOneDefaultUnderARace,
	"pipeline bad input":                pipelineBadInput,
}

// ours is a pipeline of two open stages, the second of which asks for fields.
func ours(name string, fields ...string) *salesv1.Pipeline {
	return &salesv1.Pipeline{DisplayName: name, Stages: []*salesv1.Stage{
		{Id: "first", DisplayName: "First", Kind: salesv1.StageKind_STAGE_KIND_OPEN, Probability: 20},
		{Id: "second", DisplayName: "Second", Kind: salesv1.StageKind_STAGE_KIND_OPEN, Probability: 60, EntryCriteria: &salesv1.StageCriteria{RequiredFields: fields}},
		{Id: "done", DisplayName: "Done", Kind: salesv1.StageKind_STAGE_KIND_WON},
		{Id: "gone", DisplayName: "Gone", Kind: salesv1.StageKind_STAGE_KIND_LOST},
	}}
}

func pipelineThereIsADefault(t *testing.T, s *testkit.Suite) {
	both(t, s, []string{"SFA-09"}, func(t *testing.T, c *clients) {
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if _, err := c.ListPipelines(c.Ctx(), &salesv1.ListPipelinesRequest{}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		all := must[*salesv1.ListPipelinesResponse](t)(c.ListPipelines(c.Ctx(), &salesv1.ListPipelinesRequest{})).GetPipelines()
		if len(all) != 1 || !all[0].GetDefault() || len(all[0].GetStages()) != 6 {
			t.Fatalf("a new tenant has %v", all)
		}
		first := all[0]
		_, err := c.DeletePipeline(c.Ctx(), &salesv1.DeletePipelineRequest{Name: first.GetName()})
		refused(t, "the default one deleted", err, codes.FailedPrecondition, "PIPELINE_IS_DEFAULT")

		second := must[*salesv1.Pipeline](t)(c.CreatePipeline(c.Ctx(), &salesv1.CreatePipelineRequest{Pipeline: ours("Partners")}))
		if second.GetDefault() || second.GetStages()[2].GetProbability() != 100 {
			t.Errorf("created %v", second)
		}
		_, err = c.SetDefaultPipeline(c.Ctx(), &salesv1.SetDefaultPipelineRequest{Name: second.GetName(), Etag: "stale"})
		refused(t, "stale etag", err, codes.Aborted, "ETAG_MISMATCH")
		second = must[*salesv1.Pipeline](t)(c.SetDefaultPipeline(c.Ctx(), &salesv1.SetDefaultPipelineRequest{Name: second.GetName()}))
		must[*salesv1.Pipeline](t)(c.SetDefaultPipeline(c.Ctx(), &salesv1.SetDefaultPipelineRequest{Name: second.GetName()}))
		defaults := must[*salesv1.ListPipelinesResponse](t)(c.ListPipelines(c.Ctx(), &salesv1.ListPipelinesRequest{Filter: "default = true"})).GetPipelines()
		if len(defaults) != 1 || defaults[0].GetName() != second.GetName() {
			t.Errorf("the defaults are %v", defaults)
		}
		must[*salesv1.Pipeline](t)(c.DeletePipeline(c.Ctx(), &salesv1.DeletePipelineRequest{Name: first.GetName()}))
		_, err = c.SetDefaultPipeline(c.Ctx(), &salesv1.SetDefaultPipelineRequest{Name: first.GetName()})
		refused(t, "a deleted one made the default", err, codes.FailedPrecondition, "DELETED")

		o := c.other()
		_, err = o.GetPipeline(o.Ctx(), &salesv1.GetPipelineRequest{Name: second.GetName()})
		refused(t, "another tenant's read", err, codes.NotFound, "PIPELINE_NOT_FOUND")
		_, err = o.SetDefaultPipeline(o.Ctx(), &salesv1.SetDefaultPipelineRequest{Name: second.GetName()})
		refused(t, "another tenant's default", err, codes.NotFound, "PIPELINE_NOT_FOUND")
	})
}

// However many set the default at once, one is the default in the end.
func pipelineOneDefaultUnderARace(t *testing.T, s *testkit.Suite) {
	c := of(s.Client(t, admin()))
	var names []string
	for range 4 {
		names = append(names, must[*salesv1.Pipeline](t)(c.CreatePipeline(c.Ctx(), &salesv1.CreatePipelineRequest{Pipeline: ours("Race")})).GetName())
	}
	var wait sync.WaitGroup
	for i := range 24 {
		wait.Go(func() {
			_, err := c.SetDefaultPipeline(c.Ctx(), &salesv1.SetDefaultPipelineRequest{Name: names[i%len(names)]})
			if err != nil && codeOf(err) != codes.Aborted {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	defaults := must[*salesv1.ListPipelinesResponse](t)(c.ListPipelines(c.Ctx(), &salesv1.ListPipelinesRequest{Filter: "default = true"})).GetPipelines()
	if len(defaults) != 1 {
		t.Errorf("the defaults are %v", defaults)
	}
}

func pipelineBadInput(t *testing.T, s *testkit.Suite) {
	both(t, s, nil, func(t *testing.T, c *clients) {
		for what, spoil := range map[string]func(p *salesv1.Pipeline){
			"no name":              func(p *salesv1.Pipeline) { p.DisplayName = "" },
			"no stages":            func(p *salesv1.Pipeline) { p.Stages = nil },
			"no won stage":         func(p *salesv1.Pipeline) { p.Stages = append(p.Stages[:2], p.Stages[3]) },
			"two of one id":        func(p *salesv1.Pipeline) { p.Stages[1].Id = "first" },
			"id of capitals":       func(p *salesv1.Pipeline) { p.Stages[1].Id = "Second" },
			"kind of none (B22)":   func(p *salesv1.Pipeline) { p.Stages[1].Kind = 0 },
			"kind unknown (B22)":   func(p *salesv1.Pipeline) { p.Stages[1].Kind = 99 },
			"probability 101":      func(p *salesv1.Pipeline) { p.Stages[1].Probability = 101 },
			"unknown criterion":    func(p *salesv1.Pipeline) { p.Stages[1].EntryCriteria.RequiredFields = []string{"tenant"} },
			"51 stages (B23)":      func(p *salesv1.Pipeline) { p.Stages = append(make([]*salesv1.Stage, 0), many(p.Stages[0], 51)...) },
			"a name of directions": func(p *salesv1.Pipeline) { p.DisplayName = "a\u202eb" },
		} {
			p := proto.CloneOf(ours("Bad", "amount"))
			spoil(p)
			if _, err := c.CreatePipeline(c.Ctx(), &salesv1.CreatePipelineRequest{Pipeline: p}); codeOf(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func many(s *salesv1.Stage, n int) []*salesv1.Stage {
	all := make([]*salesv1.Stage, n)
	for i := range all {
		all[i] = proto.CloneOf(s)
	}
	return all
}
