// Package identity holds a tenant's rules of who is the same as whom: what is done
// about duplicates, whose values survive when contacts are merged, and what each of
// them gets back when they are taken apart again.
//
// It promises that a merge loses no value: what is not taken stays with the contact
// that was merged. Without a change in between, taking them apart restores both exactly;
// with changes, each of them stays with the survivor and all else is restored.
//
// Whatever refers to a contact keeps referring to it: merging moves no reference.
package identity

import (
	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/entity"
)

// Mode is what creating a contact does about duplicates.
type Mode int16

// The modes, numbered as in the contract.
const (
	Off            Mode = 1
	RefuseCertain  Mode = 2
	RefuseProbable Mode = 3
)

// ProbableScore is the score, in bits, from which two contacts are probably one where
// the tenant has not said otherwise: chosen on the first data set of Febrl as the
// highest whole number that still finds 499 of its 500 duplicates.
const ProbableScore = 13.0

// PolicyID is the id of every tenant's one policy: of the form of all ids, and older
// than any.
var PolicyID = uuid.MustParse("00000000-0000-7000-8000-000000000001")

// Policy is a tenant's.
type Policy struct {
	entity.Meta
	Mode          Mode    `db:"duplicate_mode"`
	ProbableScore float64 `db:"probable_score"`
	// Rules say whose values survive a merge; TrustedSources are the most trusted first.
	Rules          []Rule   `db:"survivorship_rules,json"`
	TrustedSources []string `db:"trusted_sources,json"`
}

// Default is the policy of a tenant that has written none.
func Default() *Policy {
	return &Policy{Meta: entity.Meta{ID: PolicyID}, Mode: RefuseCertain, ProbableScore: ProbableScore}
}

// Strong reports whether a score says that two contacts are probably one.
func (p *Policy) Strong(score float64) bool { return score >= p.ProbableScore }
