package contact

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/text"
)

// EmployeeProfile is what an employee is and can.
type EmployeeProfile struct {
	// User is the account, "users/{subject}".
	User     string     `json:"user,omitempty"`
	Unit     string     `json:"unit,omitempty"`
	JobTitle string     `json:"jobTitle,omitempty"`
	Manager  *uuid.UUID `json:"manager,omitempty"`

	Skills      []Skill      `json:"skills,omitempty"`
	Experiences []Experience `json:"experiences,omitempty"`
}

// Skill is one that an employee has. Level goes from 1 to 5; days are written
// "2026-11-22", and are empty where they are not known.
type Skill struct {
	Name           string `json:"name"`
	Level          int32  `json:"level"`
	Since          string `json:"since,omitempty"`
	CertifiedUntil string `json:"certifiedUntil,omitempty"`
}

// Key is what skills are compared by.
func (s Skill) Key() string { return text.SearchKey(s.Name) }

// Experience is something an employee did before, or does beside. Start and End are
// days, as those of a Skill.
type Experience struct {
	Organisation string `json:"organisation"`
	Position     string `json:"position,omitempty"`
	Start        string `json:"start,omitempty"`
	End          string `json:"end,omitempty"`
	Description  string `json:"description,omitempty"`
}

// Check answers what is wrong with the profile, by its fields.
func (p *EmployeeProfile) Check() []errs.Violation {
	var violations []errs.Violation
	refuse := func(field, description string) {
		violations = append(violations, errs.Violation{Field: field, Description: description})
	}
	seen := map[string]bool{}
	for i, s := range p.Skills {
		path := fmt.Sprintf("skills[%d]", i)
		switch {
		case seen[s.Key()]:
			refuse(path+".skill", "stands in this list already")
		case s.CertifiedUntil != "" && s.CertifiedUntil < s.Since:
			refuse(path+".certified_until_date", "lies before since_date")
		}
		seen[s.Key()] = true
	}
	for i, e := range p.Experiences {
		if e.End != "" && e.End < e.Start {
			refuse(fmt.Sprintf("experiences[%d].end_date", i), "lies before start_date")
		}
	}
	return violations
}
