package quality

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/services/contact/internal/contact"
)

// PolicyID is the id of every tenant's one policy: of the form of all ids, and older
// than any.
var PolicyID = uuid.MustParse("00000000-0000-7000-8000-000000000002")

// What holds where the tenant says nothing: who is known by name and can be reached
// counts most.
var (
	personWeights = map[string]int{
		"display_name": 10, "given_name": 5, "family_name": 5, "birthday": 5, "email": 20, "phone": 20, "address": 15,
		"language_code": 5, "region_code": 5, "preference": 5, "owner": 5,
	}
	organisationWeights = map[string]int{"display_name": 20, "email": 20, "phone": 20, "address": 20, "region_code": 10, "owner": 10}
)

const (
	freshDays                          = 365
	completeness, freshness, relevance = 50, 30, 20
	day                                = 24 * time.Hour
)

// Policy is a tenant's weights.
type Policy struct {
	entity.Meta
	Person       map[string]int `db:"person_weights,json"`
	Organisation map[string]int `db:"organisation_weights,json"`
	// FreshDays is how long a verification counts in full.
	FreshDays int32 `db:"fresh_days"`
	// What the three parts weigh in the score.
	Completeness int32 `db:"completeness_weight"`
	Freshness    int32 `db:"freshness_weight"`
	Relevance    int32 `db:"relevance_weight"`
	// UsedFields are those that segments, service levels and lists use.
	UsedFields []string `db:"used_fields,json"`
}

// Default is the policy of a tenant that has written none.
func Default() *Policy {
	p := &Policy{Meta: entity.Meta{ID: PolicyID}}
	p.Complete()
	return p
}

// Complete puts the defaults where nothing is said.
func (p *Policy) Complete() {
	if len(p.Person) == 0 {
		p.Person = maps.Clone(personWeights)
	}
	if len(p.Organisation) == 0 {
		p.Organisation = maps.Clone(organisationWeights)
	}
	if p.FreshDays == 0 {
		p.FreshDays = freshDays
	}
	if p.Completeness+p.Freshness+p.Relevance == 0 {
		p.Completeness, p.Freshness, p.Relevance = completeness, freshness, relevance
	}
}

// Check answers what is wrong with the policy.
func (p *Policy) Check() (v []errs.Violation) {
	unknown := func(field string, names []string) {
		for _, name := range names {
			if !slices.Contains(Fields, name) {
				v = append(v, errs.Violation{Field: field, Reason: "FIELD_UNKNOWN", Description: "is none of " + strings.Join(Fields, ", ")})
			}
		}
	}
	unknown("person_weights", slices.Sorted(maps.Keys(p.Person)))
	unknown("organisation_weights", slices.Sorted(maps.Keys(p.Organisation)))
	unknown("used_fields", p.UsedFields)
	return v
}

func (p *Policy) weight(kind contact.Kind, field string) int {
	if kind == contact.Organisation {
		return p.Organisation[field]
	}
	return p.Person[field]
}

func (p *Policy) fresh() time.Duration { return time.Duration(p.FreshDays) * day }

func (p *Policy) shares() (c, f, r int) {
	return int(p.Completeness), int(p.Freshness), int(p.Relevance)
}
