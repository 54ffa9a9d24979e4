package pipeline_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/sales-force-automation/internal/pipeline"
)

// demanding is a pipeline in which every stage asks for something of its own.
func demanding() *pipeline.Pipeline {
	return &pipeline.Pipeline{
		DisplayName: "Demanding",
		Stages: []pipeline.Stage{
			{ID: "a", Kind: pipeline.Open, Exit: []string{"a-exit"}},
			{ID: "b", Kind: pipeline.Open, Entry: []string{"b-entry"}, Exit: []string{"b-exit"}},
			{ID: "old", Kind: pipeline.Open, Entry: []string{"old-entry"}, Exit: []string{"old-exit"}, Retired: true},
			{ID: "c", Kind: pipeline.Open, Entry: []string{"c-entry"}, Exit: []string{"c-exit"}},
			{ID: "won", Kind: pipeline.Won, Probability: 100, Entry: []string{"won-entry"}},
			{ID: "lost", Kind: pipeline.Lost, Entry: []string{"lost-entry"}},
		},
	}
}

func TestPipeline_advance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		skip     bool
		reason   string
		fields   []string
	}{
		{"a", "b", false, "", []string{"a-exit", "b-entry"}},
		{"b", "c", false, "", []string{"b-exit", "c-entry"}}, // the retired stage between is no stage
		{"a", "c", false, "STAGE_SKIPPED", nil},
		{"a", "c", true, "", []string{"a-exit", "b-entry", "b-exit", "c-entry"}},
		{"c", "a", false, "", nil},
		{"old", "c", false, "", []string{"old-exit", "c-entry"}},
		{"a", "old", true, "STAGE_RETIRED", nil},
		{"a", "won", true, "STAGE_CLOSES", nil},
		{"a", "lost", true, "STAGE_CLOSES", nil},
		{"a", "nowhere", true, "STAGE_UNKNOWN", nil},
	} {
		p := demanding()
		p.SkipAllowed = c.skip
		stage, fields, err := p.Advance(c.from, c.to)
		if errs.Reason(err) != c.reason || !slices.Equal(fields, c.fields) || err == nil && stage.ID != c.to {
			t.Errorf("%s to %s, skip %t: stage %q, fields %v, %v", c.from, c.to, c.skip, stage.ID, fields, err)
		}
	}
}

func TestPipeline_startAndClose(t *testing.T) {
	t.Parallel()
	p := demanding()
	if stage, fields, err := p.Start(""); stage.ID != "a" || len(fields) != 0 || err != nil {
		t.Errorf("starts in %q with %v, %v", stage.ID, fields, err)
	}
	want := []string{"a-exit", "b-entry", "b-exit", "c-entry"}
	if stage, fields, err := p.Start("c"); stage.ID != "c" || !slices.Equal(fields, want) || err != nil {
		t.Errorf("starts in %q with %v, %v", stage.ID, fields, err)
	}
	want = []string{"b-exit", "c-entry", "c-exit", "won-entry"}
	if stage, fields := p.Close("b", pipeline.Won); stage.ID != "won" || !slices.Equal(fields, want) {
		t.Errorf("won in %q with %v", stage.ID, fields)
	}
	if stage, fields := p.Close("b", pipeline.Lost); stage.ID != "lost" || !slices.Equal(fields, []string{"lost-entry"}) {
		t.Errorf("lost in %q with %v", stage.ID, fields)
	}
}

func TestPipeline_check(t *testing.T) {
	t.Parallel()
	if v := pipeline.Standard().Check(); len(v) != 0 {
		t.Errorf("the standard pipeline: %v", v)
	}
	for name, c := range map[string]struct {
		spoil func(p *pipeline.Pipeline)
		field string
	}{
		"no name":          {func(p *pipeline.Pipeline) { p.DisplayName = "" }, "display_name"},
		"no stages":        {func(p *pipeline.Pipeline) { p.Stages = nil }, "stages"},
		"no open stage":    {func(p *pipeline.Pipeline) { p.Stages = p.Stages[4:] }, "stages"},
		"all retired":      {func(p *pipeline.Pipeline) { retireOpen(p) }, "stages"},
		"no lost stage":    {func(p *pipeline.Pipeline) { p.Stages = p.Stages[:5] }, "stages"},
		"two won stages":   {func(p *pipeline.Pipeline) { p.Stages[5].Kind = pipeline.Won; p.Stages[5].Probability = 100 }, "stages"},
		"open after won":   {func(p *pipeline.Pipeline) { slices.Reverse(p.Stages); p.Stages[0].ID = "z" }, "stages"},
		"won is retired":   {func(p *pipeline.Pipeline) { p.Stages[4].Retired = true }, "stages"},
		"two of one id":    {func(p *pipeline.Pipeline) { p.Stages[1].ID = "qualification" }, "stages[1].id"},
		"won by half":      {func(p *pipeline.Pipeline) { p.Stages[4].Probability = 50 }, "stages[4].probability"},
		"lost with hope":   {func(p *pipeline.Pipeline) { p.Stages[5].Probability = 1 }, "stages[5].probability"},
		"unknown field":    {func(p *pipeline.Pipeline) { p.Stages[1].Entry = []string{"tenant"} }, "stages[1].entry_criteria.required_fields[0]"},
		"unknown exit":     {func(p *pipeline.Pipeline) { p.Stages[1].Exit = []string{"amount", "id"} }, "stages[1].exit_criteria.required_fields[1]"},
		"a label unnamed":  {func(p *pipeline.Pipeline) { p.Stages[1].Exit = []string{"labels."} }, "stages[1].exit_criteria.required_fields[0]"},
		"another's labels": {func(p *pipeline.Pipeline) { p.Stages[1].Exit = []string{"tags.x"} }, "stages[1].exit_criteria.required_fields[0]"},
	} {
		p := pipeline.Standard()
		c.spoil(p)
		if v := p.Check(); len(v) == 0 || v[0].Field != c.field {
			t.Errorf("%s: %v, want a violation of %s", name, v, c.field)
		}
	}
}

func retireOpen(p *pipeline.Pipeline) {
	for i := range p.Stages {
		p.Stages[i].Retired = p.Stages[i].Kind == pipeline.Open
	}
}

func TestPipeline_default(t *testing.T) {
	t.Parallel()
	p := demanding()
	if err := p.Deletable(); err != nil {
		t.Errorf("an ordinary pipeline: %v", err)
	}
	if events := p.SetDefault(); len(events) != 1 || !p.Default {
		t.Errorf("made default with %v", events)
	}
	if events := p.SetDefault(); len(events) != 0 {
		t.Errorf("made default again with %v", events)
	}
	if err := p.Deletable(); errs.Reason(err) != "PIPELINE_IS_DEFAULT" {
		t.Errorf("the default pipeline: %v", err)
	}
	if events := p.Withdraw(); len(events) != 1 || p.Default {
		t.Errorf("withdrawn with %v", events)
	}
}

// However a deal walks, it never stands in a stage whose criteria, or those of
// the stages before it, it was not asked for.
func TestPipeline_noWayAroundCriteria(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := demanding()
		p.SkipAllowed = rapid.Bool().Draw(t, "skip")
		ids := []string{"a", "b", "old", "c"}
		at, asked := "a", map[string]bool{}
		for _, to := range rapid.SliceOfN(rapid.SampledFrom(ids), 1, 12).Draw(t, "walk") {
			stage, fields, err := p.Advance(at, to)
			if err != nil {
				continue
			}
			at = stage.ID
			for _, f := range fields {
				asked[f] = true
			}
		}
		need := map[string][]string{"b": {"a-exit", "b-entry"}, "c": {"a-exit", "b-entry", "b-exit", "c-entry"}}[at]
		for _, f := range need {
			if !asked[f] {
				t.Fatalf("stands in %s without having been asked for %s", at, f)
			}
		}
	})
}
