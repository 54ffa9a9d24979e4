// Package pipeline holds the sales methodology: the stages a deal passes and
// what each asks for.
//
// A pipeline has open stages first, then one for deals that are won and one for
// those that are lost. A deal goes forward one stage after the other, unless the
// pipeline lets it pass over some; it may go back, and be closed, at any time.
// Going forward it must meet the criteria of every stage it leaves, passes over
// and enters. Retired stages ask for nothing and let nobody in.
package pipeline

import (
	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
)

// Kind is what a stage means for the deal.
type Kind int32

// The kinds, by their numbers in the contract.
const (
	Open Kind = iota + 1
	Won
	Lost
)

// Stage is a step of a pipeline.
type Stage struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	Kind        Kind   `json:"kind"`
	// Probability is in percent.
	Probability int32 `json:"probability"`
	// Entry and Exit name the fields a deal needs to enter it, and to leave it
	// forward.
	Entry   []string `json:"entry,omitempty"`
	Exit    []string `json:"exit,omitempty"`
	Retired bool     `json:"retired,omitempty"`
}

// Pipeline is an ordered list of stages.
type Pipeline struct {
	entity.Meta
	DisplayName string  `db:"display_name"`
	Stages      []Stage `db:"stages,json"`
	// Default says that it is the pipeline of opportunities that name none.
	Default     bool `db:"is_default"`
	SkipAllowed bool `db:"skip_allowed"`
}

// Standard answers the pipeline of a tenant that has set up none.
func Standard() *Pipeline {
	return &Pipeline{
		DisplayName: "Sales",
		Default:     true,
		Stages: []Stage{
			{ID: "qualification", DisplayName: "Qualification", Kind: Open, Probability: 10},
			{ID: "needs-analysis", DisplayName: "Needs analysis", Kind: Open, Probability: 25},
			{ID: "proposal", DisplayName: "Proposal", Kind: Open, Probability: 50, Entry: []string{"amount"}},
			{ID: "negotiation", DisplayName: "Negotiation", Kind: Open, Probability: 75},
			{ID: "won", DisplayName: "Won", Kind: Won, Probability: 100, Entry: []string{"amount"}},
			{ID: "lost", DisplayName: "Lost", Kind: Lost},
		},
	}
}

// What a pipeline refuses.
var (
	errIsDefault    = errs.Refused("PIPELINE_IS_DEFAULT", "the default pipeline cannot be deleted: make another one the default first")
	errStageUnknown = errs.Refused("STAGE_UNKNOWN", "the pipeline has no such stage")
	errStageRetired = errs.Refused("STAGE_RETIRED", "no deal may enter this stage any more")
	errStageCloses  = errs.Refused("STAGE_CLOSES", "this stage closes the deal: win or lose it instead")
	errStageSkipped = errs.Refused("STAGE_SKIPPED", "the pipeline's stages are taken one after the other")
)

// at answers where a stage stands, or -1.
func (p *Pipeline) at(id string) int {
	for i, s := range p.Stages {
		if s.ID == id {
			return i
		}
	}
	return -1
}

// First answers the stage a new deal enters.
func (p *Pipeline) First() Stage {
	for _, s := range p.Stages {
		if s.Kind == Open && !s.Retired {
			return s
		}
	}
	return Stage{}
}

// Closing answers the stage of deals that are won, or of those that are lost.
func (p *Pipeline) Closing(kind Kind) Stage {
	for _, s := range p.Stages {
		if s.Kind == kind {
			return s
		}
	}
	return Stage{}
}

// Start answers the stage a new deal is put in, the first where id is empty, and
// the fields it needs to be there.
func (p *Pipeline) Start(id string) (stage Stage, fields []string, err error) {
	if id == "" {
		id = p.First().ID
	}
	to := p.at(id)
	if err := p.enterable(to); err != nil {
		return Stage{}, nil, err
	}
	return p.Stages[to], p.between(-1, to), nil
}

// Advance answers the stage a deal moves to from another one, and the fields it
// needs for that.
func (p *Pipeline) Advance(from, id string) (stage Stage, fields []string, err error) {
	to := p.at(id)
	if err := p.enterable(to); err != nil {
		return Stage{}, nil, err
	}
	at := p.at(from)
	if to <= at {
		return p.Stages[to], nil, nil
	}
	for i := at + 1; i < to && !p.SkipAllowed; i++ {
		if !p.Stages[i].Retired {
			return Stage{}, nil, errStageSkipped
		}
	}
	return p.Stages[to], p.between(at, to), nil
}

// Close answers the stage a deal ends in from another one, and the fields it
// needs for that: to be won it must meet the criteria of the whole way, to be
// lost only those of the last stage.
func (p *Pipeline) Close(from string, kind Kind) (stage Stage, fields []string) {
	stage = p.Closing(kind)
	if kind == Lost {
		return stage, stage.Entry
	}
	return stage, p.between(p.at(from), p.at(stage.ID))
}

// enterable says whether a deal may be moved into a stage.
func (p *Pipeline) enterable(i int) error {
	switch {
	case i < 0:
		return errStageUnknown
	case p.Stages[i].Kind != Open:
		return errStageCloses
	case p.Stages[i].Retired:
		return errStageRetired
	}
	return nil
}

// between answers the fields asked for by leaving the stage at from (-1 for
// none) and entering the one at to.
func (p *Pipeline) between(from, to int) []string {
	var fields []string
	if from >= 0 {
		fields = append(fields, p.Stages[from].Exit...)
	}
	for i := from + 1; i <= to; i++ {
		s := p.Stages[i]
		if s.Retired {
			continue
		}
		fields = append(fields, s.Entry...)
		if i < to {
			fields = append(fields, s.Exit...)
		}
	}
	return fields
}

// SetDefault makes it the default pipeline; where it is that already, nothing
// happens. Withdraw the one before in the same transaction.
func (p *Pipeline) SetDefault() []entity.Event {
	if p.Default {
		return nil
	}
	p.Default = true
	return []entity.Event{entity.Updated{Paths: []string{"default"}}}
}

// Withdraw makes it a pipeline like others.
func (p *Pipeline) Withdraw() []entity.Event {
	if !p.Default {
		return nil
	}
	p.Default = false
	return []entity.Event{entity.Updated{Paths: []string{"default"}}}
}

// Deletable says whether it may be deleted.
func (p *Pipeline) Deletable() error {
	if p.Default {
		return errIsDefault
	}
	return nil
}
